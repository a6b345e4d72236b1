"""Claims and results that come together share a transaction, and each job has its own outcome."""

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import event, func, select

from gonemaster_db.errors import JobStateError, StoreUnavailable
from gonemaster_db.models import Domain, Job, Run, RunStatus
from gonemaster_db.records import EntryRecord, RunRecord
from gonemaster_db.repositories.graduation import Finished, request_cancel
from gonemaster_db.repositories.profiles import create_profile
from gonemaster_db.session import Store
from gonemaster_db.settings import StoreSettings
from gonemaster_tasks.broker.clock import SharedClock
from gonemaster_tasks.worker.claims import ClaimStore
from tests.support.rows import NOON, claim, count_entries, entries_of, queue_job, queue_jobs, record
from tests.support.stores import opened
from tests.support.workers import wait_until

WORKER = "w1"
POISONS = {
    "what is no JSON": EntryRecord(0.0, "BASIC", "basic01", "TAG", "INFO", {"no": object()}),
    "what the table refuses": EntryRecord(0.0, None, "basic01", "TAG", "INFO"),  # type: ignore[arg-type]
}


@pytest.fixture
def claims(store: Store) -> ClaimStore:
    """The claims of worker w1."""
    return make_claim_store(store)


def make_claim_store(store: Store) -> ClaimStore:
    return ClaimStore(store, worker=WORKER, clock=SharedClock(), lease=timedelta(minutes=1))


def claimed(store: Store, domains: Sequence[str]) -> list[str]:
    ids = queue_jobs(store, domains)
    for job_id in ids:
        claim(store, job_id, worker=WORKER)
    return ids


def finished(job_id: str, outcome: RunRecord | None = None, *, attempt: int = 1) -> Finished:
    return Finished(job_id, attempt, outcome or record("INFO", "NOTICE"))


@contextmanager
def commits(store: Store) -> Iterator[list[object]]:
    """The transactions that are committed in the block."""
    seen: list[object] = []
    listener = lambda connection: seen.append(connection)  # noqa: E731  # removed below
    event.listen(store.engine, "commit", listener)
    yield seen
    event.remove(store.engine, "commit", listener)


def together(store: Store, claims: ClaimStore, ends: Sequence[Finished]) -> list["Future[RunStatus]"]:
    """Graduate the first while another transaction keeps its row, and the others as a group behind it."""
    pool = ThreadPoolExecutor(len(ends))
    with store.transaction() as session:
        session.execute(select(Job.id).where(Job.id == ends[0].job_id).with_for_update())
        futures = [pool.submit(claims.graduate, ends[0])]
        wait_until(lambda: claims.pending == 1, what="the first is under way")
        futures += [pool.submit(claims.graduate, end) for end in ends[1:]]
        wait_until(lambda: claims.pending == len(ends), what="the others wait")
    pool.shutdown()
    return futures


def count(store: Store, model: type) -> int:
    with store.read_only() as session:
        return session.scalar(select(func.count()).select_from(model)) or 0


def status(future: "Future[RunStatus]") -> RunStatus | None:
    return None if future.exception(30) else future.result()


def test_results_that_come_together_are_one_transaction(store: Store, claims: ClaimStore) -> None:
    ids = claimed(store, [f"d{number}.example" for number in range(6)])
    with commits(store) as seen:
        futures = together(store, claims, [finished(job_id) for job_id in ids])
    assert {status(future) for future in futures} == {RunStatus.SUCCEEDED}
    assert len(seen) == 3  # the lock's, the first job's, the group's
    assert (count(store, Job), count(store, Run), count_entries(store)) == (0, 6, 12)


@pytest.mark.parametrize("poison", POISONS.values(), ids=POISONS.keys())
def test_a_result_that_is_refused_fails_alone(store: Store, claims: ClaimStore, poison: EntryRecord) -> None:
    ids = claimed(store, [f"d{number}.example" for number in range(5)])
    ends = [finished(job_id) for job_id in ids]
    ends[3] = finished(ids[3], record(entries=[*entries_of("INFO"), poison]))
    futures = together(store, claims, ends)
    assert [status(future) is None for future in futures] == [False, False, False, True, False]
    assert not isinstance(futures[3].exception(), (StoreUnavailable, JobStateError))
    with store.read_only() as session:
        assert session.scalars(select(Job.id)).all() == [ids[3]]
        assert set(session.scalars(select(Run.id))) == {*ids} - {ids[3]}
    assert count_entries(store) == 8


def test_a_claim_that_is_over_costs_the_others_nothing(store: Store, claims: ClaimStore) -> None:
    ids = claimed(store, [f"d{number}.example" for number in range(4)])
    ends = [finished(job_id) for job_id in ids]
    ends[2] = finished(ids[2], attempt=2)
    futures = together(store, claims, ends)
    assert isinstance(futures[2].exception(30), JobStateError)
    assert [status(futures[number]) for number in (0, 1, 3)] == [RunStatus.SUCCEEDED] * 3
    assert (count(store, Job), count(store, Run)) == (1, 3)


def test_a_repeated_result_has_the_same_outcome_and_is_stored_once(store: Store, claims: ClaimStore) -> None:
    ids = claimed(store, ["a.example", "b.example", "c.example"])
    assert claims.graduate(finished(ids[1])) is RunStatus.SUCCEEDED
    again = finished(ids[1], record("ERROR", status=RunStatus.FAILED))
    futures = together(store, claims, [finished(ids[0]), again, finished(ids[2])])
    assert [status(future) for future in futures] == [RunStatus.SUCCEEDED] * 3
    assert (count(store, Run), count_entries(store)) == (3, 6)


def test_runs_of_one_domain_in_one_group_all_count_and_the_newest_shows(store: Store, claims: ClaimStore) -> None:
    ids = claimed(store, ["first.example", "a.example", "a.example", "a.example"])
    at = [NOON + timedelta(seconds=seconds) for seconds in (0, 5, 9, 7)]
    ends = [
        finished(job_id, record("INFO", at=moment, score=score))
        for score, (job_id, moment) in enumerate(zip(ids, at, strict=True))
    ]
    together(store, claims, ends)
    with store.read_only() as session:
        domain = session.scalars(select(Domain).where(Domain.name == "a.example")).one()
        assert (domain.run_count, domain.latest_run_id, domain.latest_score) == (3, ids[2], 2)
        assert domain.latest_run_at == at[2]


def test_groups_that_share_their_domains_do_not_stop_each_other(store: Store) -> None:
    names = [f"d{number}.example" for number in range(8)]
    ids = claimed(store, names) + claimed(store, names[::-1]) + claimed(store, names)
    ledgers = [make_claim_store(store) for _ in range(3)]
    with ThreadPoolExecutor(len(ids)) as pool:
        ends = [pool.submit(ledgers[number % 3].graduate, finished(job_id)) for number, job_id in enumerate(ids)]
    assert {end.result() for end in ends} == {RunStatus.SUCCEEDED}
    with store.read_only() as session:
        assert set(session.scalars(select(Domain.run_count))) == {3}


def test_while_the_database_is_unavailable_the_whole_group_fails_and_may_repeat(store_settings: StoreSettings) -> None:
    short = replace(store_settings, pool_size=1, pool_overflow=0, pool_wait=timedelta(milliseconds=300))
    with opened(short) as store:
        claims = make_claim_store(store)
        ends = [finished(job_id) for job_id in claimed(store, ["a.example", "b.example", "c.example"])]
        with store.engine.connect(), ThreadPoolExecutor(3) as pool:  # the only connection
            refused = [pool.submit(claims.graduate, end) for end in ends]
        assert [type(one.exception()) for one in refused] == [StoreUnavailable] * 3
        assert [claims.graduate(end) for end in ends] == [RunStatus.SUCCEEDED] * 3


def test_claims_that_come_together_have_each_its_answer(store: Store, claims: ClaimStore) -> None:
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


def test_one_job_asked_for_by_many_threads_is_claimed_once(store: Store, claims: ClaimStore) -> None:
    job_id = queue_job(store).id
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(claims.claim, [job_id] * 8))
    assert len([answer for answer in answers if answer is not None]) == 1
