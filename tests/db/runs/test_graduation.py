"""A job ends exactly once, as a run with its findings."""

from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import func, select

from gonemaster_db.batches.batches import count_statuses
from gonemaster_db.core.errors import JobNotFound, JobStateError
from gonemaster_db.core.records import EntryRecord
from gonemaster_db.core.session import Store
from gonemaster_db.models import (
    Domain,
    DomainTag,
    EffectiveProfile,
    Job,
    JobStatus,
    Run,
    RunDocument,
    RunStatus,
)
from gonemaster_db.queue.jobs import claim_job, find_job_or_run, get_job, hold_job
from gonemaster_db.runs.entries import entries_of_run
from gonemaster_db.runs.graduation import (
    cancel_waiting_jobs,
    expire_jobs,
    graduate_job,
    request_cancel,
    requeue_job,
)
from gonemaster_db.runs.run_documents import read_stored_run
from tests.support.rows import (
    LEASE,
    NOON,
    claim,
    count_entries,
    entries_of,
    finish_job,
    make_run,
    queue_job,
    queue_jobs,
    record,
)
from tests.support.threads import together

LATER = NOON + timedelta(hours=1)


def the_domain(store: Store, name: str = "example.com") -> Domain:
    with store.read_only() as session:
        return session.scalars(select(Domain).where(Domain.name == name)).one()


def count(store: Store, model: type) -> int:
    with store.read_only() as session:
        return session.scalar(select(func.count()).select_from(model)) or 0


def test_graduation_replaces_job_by_run_with_counts(store: Store) -> None:
    job = claim(store, queue_job(store, config={"min_level": "NOTICE"}, profile_name="strict").id)
    end = NOON + timedelta(seconds=1.5)
    finish_job(store, job, record("INFO", "ERROR", "NOTICE", "ERROR", "WARNING", at=end, score=70, grade="C"))
    with store.read_only() as session:
        run = find_job_or_run(session, job.id)
    assert isinstance(run, Run)
    assert (run.status, run.domain, run.config) == (RunStatus.SUCCEEDED, "example.com", {"min_level": "NOTICE"})
    assert run.severity_totals == {"NOTICE": 1, "WARNING": 1, "ERROR": 2, "CRITICAL": 0}
    assert (run.worst_level, run.worst_rank, run.entry_count) == ("ERROR", 3, 5)
    assert (run.duration_ms, run.finished_at, run.started_at) == (1500, end, NOON)
    assert (run.profile_name, run.score, run.grade) == ("strict", 70, "C")
    assert count(store, Job) == 0


def test_entries_keep_order_and_arguments(store: Store) -> None:
    args = {"ns": "ns1.example", "servers": ["192.0.2.1", "2001:db8::1"], "odd": 'tab\t"quote" \\ \u00e9 \ud800 \0'}
    lines = [*entries_of("INFO", "WARNING"), EntryRecord(0.25, "ZONE", "zone01", "Z01_X", "NOTICE", args)]
    run = make_run(store, outcome=record(entries=lines))
    with store.read_only() as session:
        found = entries_of_run(session, run.id)
    assert [(e.timestamp, e.level, e.module, e.tag) for e in found] == [
        (e.timestamp, e.level, e.module, e.tag) for e in lines
    ]
    assert found[-1].args == {**args, "odd": 'tab\t"quote" \\ \u00e9 ? \ufffd'}
    assert {entry.domain_id for entry in found} == {run.domain_id}


def test_a_run_without_entries_has_no_level(store: Store) -> None:
    run = make_run(store, outcome=record(status=RunStatus.FAILED, error="deadline"))
    assert (run.worst_level, run.worst_rank, run.entry_count, run.error) == (None, 0, 0, "deadline")


def test_chain_timings_and_profile_are_stored_and_the_profile_once(store: Store) -> None:
    timings = [{"nameserver": "ns1.example", "address": "192.0.2.1", "avg_ms": 1.5}]
    profile = {"test_cases": ["basic01"], "net": {"ipv6": False}}
    for _ in range(2):
        outcome = record(effective_profile=profile, nameserver_timings=timings, dnssec_chain={"version": 3})
        run = make_run(store, outcome=outcome)
    with store.read_only() as session:
        found = session.scalars(select(Run).where(Run.id == run.id)).one()
        assert read_stored_run(session, run.id).full_document.nameserver_timings == timings
        assert found.effective_profile is not None
        assert found.effective_profile.document == '{"test_cases":["basic01"],"net":{"ipv6":false}}'
    assert (count(store, EffectiveProfile), count(store, RunDocument)) == (1, 2)


def test_domain_shows_its_newest_run_and_counts_all_runs(store: Store) -> None:
    newest = make_run(store, outcome=record("ERROR", at=LATER, score=40, grade="D"))
    make_run(store, outcome=record("CRITICAL", at=NOON, score=0, grade="F"))  # finished before, stored after
    domain = the_domain(store)
    assert (domain.run_count, domain.latest_run_id, domain.latest_run_at) == (2, newest.id, LATER)
    assert (domain.latest_level, domain.latest_rank, domain.latest_status) == ("ERROR", 3, RunStatus.SUCCEEDED)
    assert (domain.latest_score, domain.latest_grade) == (40, "D")


def test_domain_joins_the_tags_of_the_job(store: Store) -> None:
    run = make_run(store, config={"tags": ["gov", "all"]})
    with store.read_only() as session:
        tags = session.scalars(select(DomainTag.tag).where(DomainTag.domain_id == run.domain_id)).all()
    assert sorted(tags) == ["all", "gov"]


def test_repeated_graduation_of_a_claim_returns_the_same_run(store: Store) -> None:
    job = claim(store, queue_job(store).id)
    first = finish_job(store, job, record("INFO"))
    assert finish_job(store, job, record("ERROR")).id == first.id
    assert (count(store, Run), count_entries(store), the_domain(store).run_count) == (1, 1, 1)


@pytest.mark.parametrize("stale", [{"worker": "w2"}, {"attempt": 2}], ids=str)
def test_graduation_by_another_claim_writes_nothing(store: Store, stale: dict[str, Any]) -> None:
    job = claim(store, queue_job(store).id)
    claim_of: dict[str, Any] = {"worker": "w1", "attempt": 1} | stale
    with pytest.raises(JobStateError), store.transaction() as session:
        graduate_job(session, job.id, record=record("INFO"), **claim_of)
    assert (count(store, Job), count(store, Run), count(store, Domain)) == (1, 0, 0)
    finish_job(store, job)
    with pytest.raises(JobStateError), store.transaction() as session:
        graduate_job(session, job.id, record=record("INFO"), **claim_of)


def test_graduation_of_a_missing_job_raises_an_error(store: Store) -> None:
    with pytest.raises(JobStateError), store.transaction() as session:
        graduate_job(session, "job_none", worker="w1", attempt=1, record=record())


def test_failed_graduation_keeps_the_job(store: Store) -> None:
    job = claim(store, queue_job(store).id)
    broken = record(entries=[EntryRecord(0.0, "BASIC", "basic01", "TAG", "INFO", {"no": object()})])
    with pytest.raises(TypeError):
        finish_job(store, job, broken)
    assert (count(store, Job), count(store, Run), count_entries(store)) == (1, 0, 0)
    finish_job(store, job)


def test_cancel_of_a_waiting_job_ends_it_immediately(store: Store) -> None:
    queued, held = queue_jobs(store, ["a.example", "b.example"])
    with store.transaction() as session:
        hold_job(session, held)
        for job_id in (queued, held):
            run = request_cancel(session, job_id, now=LATER)
            assert isinstance(run, Run)
            assert (run.status, run.error, run.finished_at) == (RunStatus.CANCELED, "canceled", LATER)
            assert (run.started_at, run.duration_ms) == (None, None)
    assert count(store, Job) == 0


def test_cancel_of_a_running_job_marks_it_once(store: Store) -> None:
    job = claim(store, queue_job(store).id)
    for moment in (NOON, LATER):
        with store.transaction() as session:
            marked = request_cancel(session, job.id, now=moment)
            assert isinstance(marked, Job)
            assert (marked.status, marked.cancel_requested_at) == (JobStatus.RUNNING, NOON)


def test_cancel_of_a_finished_run_changes_nothing(store: Store) -> None:
    run = make_run(store)
    with store.transaction() as session:
        found = request_cancel(session, run.id, now=LATER)
        assert found.status == RunStatus.SUCCEEDED
        with pytest.raises(JobNotFound):
            request_cancel(session, "job_none", now=LATER)


def test_cancel_raced_with_graduation_ends_in_one_run(store: Store) -> None:
    for number in range(8):
        job = claim(store, queue_job(store, f"d{number}.example").id)
        graduate = lambda job=job: store.run_in_transaction(  # noqa: E731  # one call among others
            lambda s: graduate_job(s, job.id, worker="w1", attempt=1, record=record("INFO"))
        )
        cancel = lambda job=job: store.run_in_transaction(lambda s: request_cancel(s, job.id, now=LATER))  # noqa: E731
        answers = together(graduate, cancel, cancel)
        assert answers[0] is RunStatus.SUCCEEDED
        assert all(isinstance(answer, (Job, Run)) for answer in answers[1:])
    assert (count(store, Job), count(store, Run), count_entries(store)) == (0, 8, 8)


def test_cancel_raced_with_claim_ends_or_marks(store: Store) -> None:
    for number in range(8):
        job_id = queue_job(store, f"d{number}.example").id
        claimed, canceled = together(
            partial(store.run_in_transaction, partial(claim_job, job_id=job_id, worker="w1", now=NOON, lease=LEASE)),
            partial(store.run_in_transaction, partial(request_cancel, job_id=job_id, now=NOON)),
        )
        if claimed is None:
            assert isinstance(canceled, Run)
        else:
            assert isinstance(canceled, Job)
            with store.read_only() as session:
                assert get_job(session, job_id).cancel_requested_at == NOON


def test_concurrent_graduations_of_one_domain_are_all_counted(store: Store) -> None:
    jobs = [claim(store, queue_job(store).id, worker=f"w{number}") for number in range(6)]
    finish = [
        lambda job=job: store.run_in_transaction(
            lambda s: graduate_job(s, job.id, worker=job.worker, attempt=1, record=record("INFO"))
        )
        for job in jobs
    ]
    assert together(*finish) == [RunStatus.SUCCEEDED] * 6
    assert the_domain(store).run_count == 6


def test_requeued_job_keeps_its_position(store: Store) -> None:
    job = claim(store, queue_job(store).id)
    with store.transaction() as session:
        back = requeue_job(session, job.id, worker="w1", attempt=1, now=LATER, max_attempts=3)
        assert isinstance(back, Job)
        assert (back.status, back.position, back.attempt) == (JobStatus.QUEUED, job.position, 1)
        assert (back.worker, back.lease_until, back.started_at) == (None, None, None)
    with pytest.raises(JobStateError), store.transaction() as session:
        requeue_job(session, job.id, worker="w1", attempt=1, now=LATER, max_attempts=3)
    assert claim(store, job.id, worker="w2").attempt == 2
    with pytest.raises(JobStateError):
        finish_job(store, job)


def test_job_is_abandoned_after_its_last_attempt(store: Store) -> None:
    job_id = queue_job(store).id
    for attempt in (1, 2, 3):
        claim(store, job_id)
        with store.transaction() as session:
            answer = requeue_job(session, job_id, worker="w1", attempt=attempt, now=LATER, max_attempts=3)
    assert isinstance(answer, Run)
    assert (answer.status, answer.error) == (RunStatus.FAILED, "abandoned after 3 attempts")


def test_released_starts_do_not_count_as_attempts(store: Store) -> None:
    job_id = queue_job(store).id
    for attempt in range(1, 6):
        claim(store, job_id)
        with store.transaction() as session:
            answer = requeue_job(
                session, job_id, worker="w1", attempt=attempt, now=LATER, max_attempts=1, released=True
            )
        assert isinstance(answer, Job)
    claim(store, job_id)
    with store.transaction() as session:
        answer = requeue_job(session, job_id, worker="w1", attempt=6, now=LATER, max_attempts=1)
    assert isinstance(answer, Run)
    assert answer.error == "abandoned after 1 attempts"


def abandon_with_other_jobs(store: Store, job_id: str, attempt: int, *, max_attempts: int) -> Job | Run:
    claim(store, job_id)
    with store.transaction() as session:
        return requeue_job(
            session, job_id, worker="w1", attempt=attempt, now=LATER, max_attempts=max_attempts, shared_worker=True
        )


def test_only_the_first_start_with_other_jobs_counts(store: Store) -> None:
    job_id = queue_job(store).id
    for attempt in (1, 2, 3, 4):
        assert isinstance(abandon_with_other_jobs(store, job_id, attempt, max_attempts=2), Job)
    claim(store, job_id)
    with store.transaction() as session:
        run = requeue_job(session, job_id, worker="w1", attempt=5, now=LATER, max_attempts=2, failure="it crashed")
    assert isinstance(run, Run)
    assert run.error == "it crashed (attempt 2 of 2)"


def test_with_one_attempt_a_job_that_ran_with_others_starts_again_alone(store: Store) -> None:
    job_id = queue_job(store).id
    assert isinstance(abandon_with_other_jobs(store, job_id, 1, max_attempts=1), Job)
    again = claim(store, job_id)
    assert again.attempt - again.releases == 2
    with store.transaction() as session:
        run = requeue_job(session, job_id, worker="w1", attempt=2, now=LATER, max_attempts=1, failure="it crashed")
    assert isinstance(run, Run)
    assert run.error == "it crashed (attempt 2 of 2)"


def test_starts_with_other_jobs_are_bounded(store: Store) -> None:
    job_id = queue_job(store).id
    left: Job | Run | None = None
    for attempt in range(1, 23):
        left = abandon_with_other_jobs(store, job_id, attempt, max_attempts=2)
    assert isinstance(left, Run)
    assert (left.status, left.attempt) == (RunStatus.FAILED, 22)


def test_requeue_of_a_job_with_a_cancel_request_cancels_it(store: Store) -> None:
    job = claim(store, queue_job(store).id)
    with store.transaction() as session:
        request_cancel(session, job.id, now=NOON)
        run = requeue_job(session, job.id, worker="w1", attempt=1, now=LATER, max_attempts=3, released=True)
    assert isinstance(run, Run)
    assert (run.status, run.error) == (RunStatus.CANCELED, "canceled")


def test_many_waiting_jobs_are_canceled_by_their_ids(store: Store) -> None:
    ids = queue_jobs(store, ["a.example", "b.example", "a.example", "c.example", "d.example"])
    claim(store, ids[3])
    with store.transaction() as session:
        hold_job(session, ids[1])
        ended = cancel_waiting_jobs(session, [*ids[:4], "job_none"], now=LATER, error="removed_from_queue")
    assert ended == ids[:3]
    with store.read_only() as session:
        run = find_job_or_run(session, ids[0])
        assert isinstance(run, Run)
        assert (run.status, run.error, run.entry_count) == (RunStatus.CANCELED, "removed_from_queue", 0)
        assert (run.finished_at, run.created_at, run.worst_level) == (LATER, NOON, None)
    assert (count(store, Job), count(store, Run)) == (2, 3)
    domain = the_domain(store, "a.example")
    assert (domain.run_count, domain.latest_run_id, domain.latest_status) == (2, ids[2], RunStatus.CANCELED)


def test_waiting_jobs_expire_and_running_jobs_do_not(store: Store) -> None:
    late, running, held = queue_jobs(store, ["a.example", "b.example", "c.example"], expires_at=LATER)
    queue_jobs(store, ["d.example"], expires_at=LATER + LEASE)
    queue_jobs(store, ["e.example"])
    claim(store, running)
    with store.transaction() as session:
        hold_job(session, held)
        assert expire_jobs(session, now=NOON, limit=10) == []
        assert expire_jobs(session, now=LATER, limit=10) == sorted([late, held])
        assert find_job_or_run(session, late).status == RunStatus.EXPIRED
    assert count(store, Job) == 3


def test_statuses_of_a_batch_are_counted_over_jobs_and_runs(store: Store) -> None:
    with store.read_only() as session:
        counts = count_statuses(session, "batch_none")
    assert set(counts) == {*map(str, JobStatus), *map(str, RunStatus)}
    assert sum(counts.values()) == 0
