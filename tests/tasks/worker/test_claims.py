"""A claim is one statement, a result one transaction, and no job depends on the outcome of another."""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import delete, event, func, select
from sqlalchemy.exc import IntegrityError

from gonemaster_db.core.errors import JobStateError, StoreUnavailable
from gonemaster_db.core.records import EntryRecord, RunRecord
from gonemaster_db.core.session import Store
from gonemaster_db.core.settings import StoreSettings
from gonemaster_db.domains.profiles import create_profile
from gonemaster_db.models import Domain, Job, Run, RunStatus
from gonemaster_db.queue.attempt_logs import list_attempt_logs
from gonemaster_db.runs.graduation import request_cancel
from gonemaster_tasks.broker.clock import SharedClock
from gonemaster_tasks.worker.execute.claims import ClaimStore
from tests.support.consistency import faults
from tests.support.rows import NOON, claim, count_entries, entries_of, queue_job, queue_jobs, record
from tests.support.stores import opened

WORKER = "w1"
FOUND = record("INFO", "NOTICE")
POISONS = {
    "what is no JSON": EntryRecord(0.0, "BASIC", "basic01", "TAG", "INFO", {"no": object()}),
    "what the table refuses": EntryRecord(0.0, None, "basic01", "TAG", "INFO"),  # type: ignore[arg-type]
}


@pytest.fixture
def claims(store: Store) -> ClaimStore:
    """The claims of worker w1."""
    return make_claim_store(store)


def make_claim_store(store: Store, **options: timedelta) -> ClaimStore:
    return ClaimStore(store, worker=WORKER, clock=SharedClock(), lease=timedelta(minutes=1), **options)


def claimed(store: Store, domains: Sequence[str]) -> list[str]:
    ids = queue_jobs(store, domains)
    for job_id in ids:
        claim(store, job_id, worker=WORKER)
    return ids


@contextmanager
def seen(store: Store, name: str) -> Iterator[list[object]]:
    """Count events of this name in the engine during the block: one item per event."""
    events: list[object] = []
    listener = lambda *arguments: events.append(arguments)  # noqa: E731  # removed below
    event.listen(store.engine, name, listener)
    yield events
    event.remove(store.engine, name, listener)


def count(store: Store, model: type) -> int:
    with store.read_only() as session:
        return session.scalar(select(func.count()).select_from(model)) or 0


def test_a_claim_is_one_statement(store: Store, claims: ClaimStore) -> None:
    first, job_id = queue_job(store).id, queue_job(store).id
    assert claims.claim(first)  # on PostgreSQL a connection prepares the statement once
    with seen(store, "before_cursor_execute") as statements:
        assert claims.claim(job_id)
    expected = 1 if store.settings.driver == "postgres" else 2  # BEGIN of SQLite is local
    assert len(statements) == expected


def test_a_result_is_one_transaction(store: Store, claims: ClaimStore) -> None:
    (job_id,) = claimed(store, ["a.example"])
    with seen(store, "commit") as commits:
        assert claims.graduate(job_id, FOUND, attempt=1) is RunStatus.SUCCEEDED
    assert len(commits) == 1
    assert (count(store, Job), count(store, Run), count_entries(store)) == (0, 1, 2)


@pytest.mark.parametrize("entries", [2, 200])
def test_the_statements_of_a_result_do_not_grow_with_its_entries(
    store: Store, claims: ClaimStore, entries: int
) -> None:
    first, second = claimed(store, ["a.example", "b.example"])
    found = record(*["INFO"] * entries, effective_profile={"net": {"ipv6": True}})
    claims.graduate(first, found, attempt=1)  # stores outcome and profile
    with seen(store, "before_cursor_execute") as statements:
        claims.graduate(second, found, attempt=1)
    # job, domain, its number of runs, run, document and counters; BEGIN of SQLite is local
    assert len(statements) == (6 if store.settings.driver == "postgres" else 7)


@pytest.mark.parametrize("poison", POISONS.values(), ids=POISONS.keys())
def test_a_result_that_is_refused_leaves_its_job_and_nothing_else(
    store: Store, claims: ClaimStore, poison: EntryRecord
) -> None:
    (job_id,) = claimed(store, ["a.example"])
    with pytest.raises((TypeError, IntegrityError)):
        claims.graduate(job_id, record(entries=[*entries_of("INFO"), poison]), attempt=1)
    assert (count(store, Job), count(store, Run), count_entries(store), count(store, Domain)) == (1, 0, 0, 0)
    assert claims.graduate(job_id, FOUND, attempt=1) is RunStatus.SUCCEEDED


def test_a_claim_that_is_over_stores_nothing(store: Store, claims: ClaimStore) -> None:
    (job_id,) = claimed(store, ["a.example"])
    with pytest.raises(JobStateError):
        claims.graduate(job_id, FOUND, attempt=2)
    assert (count(store, Job), count(store, Run)) == (1, 0)


def graduate_together(claims: ClaimStore, results: Mapping[str, RunRecord]) -> dict[str, RunStatus | BaseException]:
    """Store results that wait for each other; return the status or the error of each."""
    with ThreadPoolExecutor(len(results)) as pool:
        ends = {
            job_id: pool.submit(claims.graduate, job_id, found, attempt=1, expected=len(results))
            for job_id, found in results.items()
        }
    return {job_id: end.exception() or end.result() for job_id, end in ends.items()}


def test_results_that_wait_for_each_other_share_a_transaction(store: Store) -> None:
    claims = make_claim_store(store, gathering=timedelta(minutes=1))  # A complete group does not wait.
    ids = claimed(store, ["a.example", "b.example", "c.example", "a.example"])
    with seen(store, "commit") as commits:
        ends = graduate_together(claims, dict.fromkeys(ids, FOUND))
    assert set(ends.values()) == {RunStatus.SUCCEEDED}
    assert len(commits) == 1
    with store.read_only() as session:
        counts = dict(session.execute(select(Domain.name, Domain.run_count)).all())
    assert counts == {"a.example": 2, "b.example": 1, "c.example": 1}
    assert (count(store, Job), count(store, Run), count_entries(store)) == (0, 4, 8)
    assert faults(store) == []


def test_a_result_that_is_refused_and_a_lost_claim_leave_the_other_results(store: Store, claims: ClaimStore) -> None:
    refused, lost, first, second = claimed(store, ["a.example", "b.example", "c.example", "d.example"])
    store.run_in_transaction(lambda session: session.execute(delete(Job).where(Job.id == lost)))
    poison = record(entries=[*entries_of("INFO"), POISONS["what is no JSON"]])
    ends = graduate_together(claims, {refused: poison, lost: FOUND, first: FOUND, second: FOUND})
    assert isinstance(ends[refused], TypeError)
    assert isinstance(ends[lost], JobStateError)
    assert (ends[first], ends[second]) == (RunStatus.SUCCEEDED, RunStatus.SUCCEEDED)
    assert (count(store, Job), count(store, Run)) == (1, 2)


def test_failed_results_of_a_group_keep_their_log_lines(store: Store, claims: ClaimStore) -> None:
    ids = claimed(store, ["a.example", "b.example"])
    failed = record(status=RunStatus.FAILED)
    with ThreadPoolExecutor(2) as pool:
        for job_id in ids:
            pool.submit(claims.graduate, job_id, failed, attempt=1, lines=[f"line of {job_id}"], expected=2)
    with store.read_only() as session:
        lines = {job_id: [log.lines for log in list_attempt_logs(session, job_id)] for job_id in ids}
    assert lines == {job_id: [[f"line of {job_id}"]] for job_id in ids}


def test_a_repeated_result_has_the_same_outcome_and_is_stored_once(store: Store, claims: ClaimStore) -> None:
    (job_id,) = claimed(store, ["a.example"])
    assert claims.graduate(job_id, FOUND, attempt=1) is RunStatus.SUCCEEDED
    again = record("ERROR", status=RunStatus.FAILED)
    assert claims.graduate(job_id, again, attempt=1) is RunStatus.SUCCEEDED
    assert (count(store, Run), count_entries(store)) == (1, 2)


def test_results_that_share_their_domains_do_not_stop_each_other(store: Store) -> None:
    names = [f"d{number}.example" for number in range(8)]
    ids = claimed(store, names) + claimed(store, names[::-1]) + claimed(store, names)
    stores = [make_claim_store(store) for _ in range(3)]
    with ThreadPoolExecutor(len(ids)) as pool:
        ends = [pool.submit(stores[number % 3].graduate, job_id, FOUND, attempt=1) for number, job_id in enumerate(ids)]
    assert {end.result() for end in ends} == {RunStatus.SUCCEEDED}
    with store.read_only() as session:
        assert set(session.scalars(select(Domain.run_count))) == {3}


def test_while_the_database_is_unavailable_results_fail_and_may_be_repeated(store_settings: StoreSettings) -> None:
    short = replace(store_settings, pool_size=1, pool_overflow=0, pool_wait=timedelta(milliseconds=300))
    with opened(short) as store:
        claims = make_claim_store(store)
        ids = claimed(store, ["a.example", "b.example", "c.example"])
        with store.engine.connect(), ThreadPoolExecutor(3) as pool:  # the store's only connection
            refused = [pool.submit(claims.graduate, job_id, FOUND, attempt=1) for job_id in ids]
        assert [type(one.exception()) for one in refused] == [StoreUnavailable] * 3
        assert [claims.graduate(job_id, FOUND, attempt=1) for job_id in ids] == [RunStatus.SUCCEEDED] * 3


def test_claims_at_one_time_have_each_its_answer(store: Store, claims: ClaimStore) -> None:
    with store.transaction() as session:
        profile = create_profile(session, "p", config={"net": {"ipv6": False}}, schema_version="1", now=NOON)
    plain, canceled = queue_jobs(store, ["a.example", "b.example"])
    strict = queue_job(store, "c.example", profile_id=profile.id, config={"min_level": "NOTICE"}).id
    store.run_in_transaction(lambda session: request_cancel(session, canceled, now=NOON))
    with ThreadPoolExecutor(4) as pool:
        taken = dict(zip(ids := [plain, canceled, strict, "job_none"], pool.map(claims.claim, ids), strict=True))
    assert (taken[canceled], taken["job_none"]) == (None, None)
    without, with_profile = taken[plain], taken[strict]
    assert without is not None
    assert with_profile is not None
    assert (without.domain, without.attempt, without.profile) == ("a.example", 1, None)
    assert (with_profile.profile, with_profile.config) == ({"net": {"ipv6": False}}, {"min_level": "NOTICE"})
    assert claims.claim(plain) is None


def test_claims_of_a_group_are_one_statement(store: Store, claims: ClaimStore) -> None:
    ids = queue_jobs(store, ["a.example", "b.example", "c.example"])
    with seen(store, "before_cursor_execute") as statements:
        taken = claims._claim([*ids, "job_none", ids[0]])
    assert [job and job.id for job in taken] == [*ids, None, None]
    assert len(statements) == (1 if store.settings.driver == "postgres" else 2)  # BEGIN of SQLite is local


def test_one_job_asked_for_by_many_threads_is_claimed_once(store: Store, claims: ClaimStore) -> None:
    job_id = queue_job(store).id
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(claims.claim, [job_id] * 8))
    assert len([answer for answer in answers if answer is not None]) == 1
