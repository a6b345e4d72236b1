"""Jobs are queued in order, claimed once, leased and held."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from functools import partial

import pytest
from sqlalchemy import func, select

from gonemaster_db.batches.batches import create_batch
from gonemaster_db.core.errors import JobNotFound, JobStateError
from gonemaster_db.core.records import NewBatch, NewJob
from gonemaster_db.core.session import Store
from gonemaster_db.models import Job, JobStatus, Priority, Run
from gonemaster_db.queue.jobs import (
    claim_job,
    create_jobs,
    create_longest_first,
    expired_leases,
    find_by_public_id,
    find_job_or_run,
    get_job,
    hold_job,
    release_job,
    renew_leases,
)
from gonemaster_db.queue.position_allocator import MAX_SLAB_SIZE
from tests.support.rows import LEASE, NOON, claim, finish_job, make_run, queue_job, queue_jobs, record
from tests.support.threads import together


def test_new_job_has_the_requested_options(store: Store) -> None:
    config = {"tests": ["basic"], "min_level": "NOTICE", "origin": "admin"}
    job = queue_job(store, "example.com", config=config, public_id="abcdefghijkl", expires_at=NOON + LEASE)
    with store.read_only() as session:
        found = get_job(session, job.id)
    assert found.id.startswith("job_")
    assert (found.domain, found.status, found.priority) == ("example.com", JobStatus.QUEUED, Priority.NORMAL)
    assert (found.attempt, found.progress, found.worker, found.lease_until) == (0, 0, None, None)
    assert (found.created_at, found.expires_at, found.config) == (NOON, NOON + LEASE, config)


def test_jobs_are_queued_in_order_of_submission(store: Store) -> None:
    first = queue_job(store).id
    many = queue_jobs(store, (f"d{number}.example" for number in range(50)))
    last = queue_job(store).id
    with store.read_only() as session:
        ordered = session.scalars(select(Job.id).order_by(Job.priority, Job.position)).all()
    assert list(ordered) == [first, *many, last]
    assert many == sorted(many)


def test_a_batch_of_twenty_thousand_is_written_in_chunks(store: Store) -> None:
    read = 0

    def names() -> Iterator[NewJob]:
        nonlocal read
        for number in range(20_000):
            read += 1
            yield NewJob(f"d{number}.example", priority=Priority.BATCH, batch_id=batch.id, config={"origin": "batch"})

    with store.transaction() as session:
        batch = create_batch(session, NewBatch(domain_count=20_000, tag="all"), now=NOON)
        made = create_jobs(session, names(), now=NOON)
        assert read == 0
        first = next(made)
        assert read == len(first) < 20_000
        ids = [*first, *(job_id for chunk in made for job_id in chunk)]
    with store.read_only() as session:
        assert session.scalar(select(func.count()).select_from(Job).where(Job.batch_id == batch.id)) == 20_000
        in_order = session.execute(select(Job.id, Job.domain).order_by(Job.position)).all()
    assert [tuple(row) for row in in_order] == [(job_id, f"d{number}.example") for number, job_id in enumerate(ids)]


def _store_run(store: Store, domain: str, seconds: float, *, at: datetime = NOON) -> None:
    """Store a run of a domain with a start time and a duration."""
    job = claim(store, queue_job(store, domain).id, now=at)
    finish_job(store, job, record("INFO", at=at + timedelta(seconds=seconds)))


def _queue_batch(store: Store, names: Iterable[str]) -> tuple[list[str], list[str]]:
    """Queue a batch; return its domains by the returned IDs, and in queue order."""
    with store.transaction() as session:
        made = list(create_longest_first(session, (NewJob(name, priority=Priority.BATCH) for name in names), now=NOON))
        waiting = session.execute(select(Job.id, Job.domain).order_by(Job.priority, Job.position)).all()
    names_of = {row.id: row.domain for row in waiting}
    assert [job_id for chunk in made for job_id in chunk.in_turn] == [row.id for row in waiting]
    return [names_of[job_id] for chunk in made for job_id in chunk.ids], [row.domain for row in waiting]


def test_a_batch_starts_with_the_slowest_domains(store: Store) -> None:
    _store_run(store, "was-long.example", 30.0)
    _store_run(store, "was-long.example", 1.5, at=NOON + timedelta(hours=1))  # the newest run counts
    _store_run(store, "long.example", 9.0)
    _store_run(store, "longest.example", 24.0)
    _store_run(store, "short.example", 1.9)
    names = ["new.example", "short.example", "long.example", "was-long.example", "longest.example", "last.example"]
    submitted, waiting = _queue_batch(store, names)
    assert submitted == names
    assert waiting == [
        "longest.example", "long.example", "new.example", "short.example", "was-long.example", "last.example"
    ]  # fmt: skip


def test_slow_domains_are_spread_over_the_first_half_of_the_batch(store: Store) -> None:
    for seconds in range(2, 5):
        _store_run(store, f"l{seconds}.example", float(seconds))
    others = [f"d{number}.example" for number in range(17)]
    _, waiting = _queue_batch(store, [*others, "l2.example", "l3.example", "l4.example"])
    assert [waiting.index(f"l{seconds}.example") for seconds in (4, 3, 2)] == [0, 3, 6]
    assert [name for name in waiting if name in others] == others


def test_only_the_last_chunk_of_a_large_batch_is_ordered(store: Store) -> None:
    _store_run(store, "first.example", 9.0)
    _store_run(store, "second.example", 9.0)
    full = [*(f"d{number}.example" for number in range(MAX_SLAB_SIZE - 1)), "first.example"]
    submitted, waiting = _queue_batch(store, [*full, "e.example", "second.example"])
    assert waiting == [*full, "second.example", "e.example"]
    assert submitted[-2:] == ["e.example", "second.example"]


def test_bulk_insert_escapes_separators(store: Store) -> None:
    odd = "tab\there \\N back\\slash new\nline \u00e9 \U0001f600"
    (job_id,) = queue_jobs(store, ["example.com"], profile_name=odd, config={"tests": [odd], "nul": "a\0b"})
    with store.read_only() as session:
        job = get_job(session, job_id)
    assert job.profile_name == odd
    assert job.config == {"tests": [odd], "nul": "a\ufffdb"}


def test_claim_moves_to_running_with_lease_and_attempt(store: Store) -> None:
    job = claim(store, queue_job(store).id, worker="w7")
    assert (job.status, job.worker, job.attempt) == (JobStatus.RUNNING, "w7", 1)
    assert (job.started_at, job.lease_until) == (NOON, NOON + LEASE)


def test_concurrent_workers_claim_a_job_once(store: Store) -> None:
    ids = queue_jobs(store, (f"d{number}.example" for number in range(20)))

    def claim_all(worker: str) -> list[str]:
        won = []
        for job_id in ids:
            claimed = store.run_in_transaction(partial(claim_job, job_id=job_id, worker=worker, now=NOON, lease=LEASE))
            won += [claimed.id] if claimed else []
        return won

    answers = together(*[partial(claim_all, f"w{number}") for number in range(6)])
    won = [job_id for answer in answers if isinstance(answer, list) for job_id in answer]
    assert sorted(won) == sorted(ids)


@pytest.mark.parametrize("reason", ["held", "expired", "unknown"])
def test_a_job_that_may_not_start_is_not_claimed(store: Store, reason: str) -> None:
    job_id = queue_job(store, expires_at=NOON).id if reason == "expired" else queue_job(store).id
    with store.transaction() as session:
        if reason == "held":
            hold_job(session, job_id)
        asked = "job_none" if reason == "unknown" else job_id
        assert claim_job(session, asked, worker="w1", now=NOON, lease=LEASE) is None


def test_renewal_extends_held_leases_and_reports_lost_and_canceled_jobs(store: Store) -> None:
    mine, other, asked, gone = queue_jobs(store, ["a.example", "b.example", "c.example", "d.example"])
    for job_id, worker in ((mine, "w1"), (other, "w2"), (asked, "w1")):
        claim(store, job_id, worker=worker)
    later = NOON + timedelta(seconds=30)
    with store.transaction() as session:
        get_job(session, asked).cancel_requested_at = NOON
        session.flush()
        answer = renew_leases(session, [mine, other, asked, gone], worker="w1", now=later, lease=LEASE)
    assert (answer.lost, answer.canceled) == (frozenset({other, gone}), frozenset({asked}))
    with store.read_only() as session:
        assert get_job(session, mine).lease_until == later + LEASE
        assert get_job(session, other).lease_until == NOON + LEASE


def test_renewing_nothing_needs_no_query(store: Store) -> None:
    with store.read_only() as session:
        assert not renew_leases(session, [], worker="w1", now=NOON, lease=LEASE).lost


def test_expired_leases_are_listed_longest_ago_first(store: Store) -> None:
    ids = queue_jobs(store, ["a.example", "b.example", "c.example"])
    for seconds, job_id in zip((20, 0, 500), ids, strict=True):
        claim(store, job_id, now=NOON + timedelta(seconds=seconds))
    with store.read_only() as session:
        late = expired_leases(session, now=NOON + timedelta(seconds=100), limit=10)
        assert [job.id for job in late] == [ids[1], ids[0]]
        assert len(expired_leases(session, now=NOON + timedelta(seconds=100), limit=1)) == 1


def test_held_job_keeps_its_position_and_can_be_released(store: Store) -> None:
    job = queue_job(store)
    with store.transaction() as session:
        held = hold_job(session, job.id)
        assert (held.status, held.position) == (JobStatus.PAUSED, job.position)
        with pytest.raises(JobStateError):
            hold_job(session, job.id)
        assert release_job(session, job.id).status == JobStatus.QUEUED
        with pytest.raises(JobStateError):
            release_job(session, job.id)
        with pytest.raises(JobNotFound):
            hold_job(session, "job_none")


def test_job_is_found_before_and_after_graduation_by_both_ids(store: Store) -> None:
    job = queue_job(store, public_id="job000000000")
    run = make_run(store, public_id="run000000000")
    with store.read_only() as session:
        assert isinstance(find_job_or_run(session, job.id), Job)
        assert isinstance(find_job_or_run(session, run.id), Run)
        assert find_by_public_id(session, "job000000000").id == job.id
        assert find_by_public_id(session, "run000000000").id == run.id
        for find in (find_job_or_run, find_by_public_id, get_job):
            with pytest.raises(JobNotFound):
                find(session, "none")
