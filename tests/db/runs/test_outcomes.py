"""Outcomes are stored once for all runs with the same findings, and cached outcomes stay valid."""

import random
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import event, func, select, update

from gonemaster_db.core.errors import StoreConflict
from gonemaster_db.core.filters import EntryFilter
from gonemaster_db.core.records import EntryRecord
from gonemaster_db.core.session import Store, open_store
from gonemaster_db.models import EntryKind, ModuleOutcome, ModuleOutcomeKind, Outcome, OutcomeModule, Run
from gonemaster_db.runs import run_rows
from gonemaster_db.runs.documents.caches import EntryType, caches_of
from gonemaster_db.runs.documents.outcomes import ensure_outcomes
from gonemaster_db.runs.documents.packing import pack, unpack
from gonemaster_db.runs.documents.registry import matching_kinds
from gonemaster_db.runs.documents.run_document import encode_document
from gonemaster_db.runs.entries import entries_of_run, list_entries
from gonemaster_db.runs.graduation import graduate_job
from gonemaster_db.runs.outcomes import purge_outcomes
from tests.support.rows import NOON, claim, entries_of, finish_job, make_run, queue_job, record
from tests.support.stores import MakeSettings, opened
from tests.support.threads import together

TABLES = (EntryKind, Outcome, ModuleOutcome, OutcomeModule, ModuleOutcomeKind)
LATER = NOON + timedelta(days=2)
ZONE = EntryRecord(0.5, "ZONE", "zone01", "Z01_X", "NOTICE", {"mname": "ns1.example"})


def counts(store: Store) -> list[int]:
    with store.read_only() as session:
        return [session.scalar(select(func.count()).select_from(table)) or 0 for table in TABLES]


@pytest.fixture
def other_store(store: Store) -> Iterator[Store]:
    """Open the same database as another process would."""
    other = open_store(store.settings)
    yield other
    other.close()


def outcome_of(run: Run) -> int:
    assert run.outcome_id is not None
    return run.outcome_id


def test_runs_with_equal_findings_share_an_outcome(store: Store) -> None:
    lines = [*entries_of("INFO", "INFO", "ERROR"), ZONE]
    first = make_run(store, "a.example", record(entries=lines))
    sizes = counts(store)
    other_args = [EntryRecord(9.0, line.module, line.testcase, line.tag, line.level, {"n": 1}) for line in lines]
    second = make_run(store, "b.example", record(entries=other_args))
    assert outcome_of(first) == outcome_of(second)
    assert counts(store) == sizes == [3, 1, 2, 2, 3]


def test_module_outcomes_ignore_order(store: Store) -> None:
    first = make_run(store, outcome=record(entries=[*entries_of("INFO", "ERROR"), ZONE]))
    second = make_run(store, outcome=record(entries=[ZONE, *entries_of("ERROR", "INFO")]))
    assert outcome_of(first) != outcome_of(second)
    assert counts(store) == [3, 2, 2, 4, 3]


def test_run_without_entries_has_no_outcome(store: Store) -> None:
    assert make_run(store, outcome=record()).outcome_id is None
    assert counts(store) == [0] * len(TABLES)


@pytest.mark.parametrize("numbers", [(), (1,), (127, 128, 2047, 2048), (0xD800, 0xDFFF, 0xFFFF, 0x10FFFF)])
def test_kinds_survive_packing(numbers: tuple[int, ...]) -> None:
    assert unpack(pack(numbers)) == numbers


def test_concurrent_processes_create_each_outcome_once(store: Store, other_store: Store) -> None:
    rng = random.Random(7)
    levels = ("INFO", "NOTICE", "WARNING", "ERROR")

    def lines() -> list[EntryRecord]:
        return [
            EntryRecord(0.0, module, f"{module.lower()}01", f"TAG{rng.randrange(6)}", rng.choice(levels))
            for module in ("BASIC", "ZONE", "DNSSEC", "ADDRESS")
        ]

    shared = [lines() for _ in range(12)]

    def write(where: Store, seed: int) -> None:
        order = random.Random(seed).sample(shared, len(shared))
        for entries in order:
            job = claim(where, queue_job(where, f"d{seed}.example").id)
            where.run_in_transaction(
                partial(graduate_job, job_id=job.id, worker="w1", attempt=1, record=record(entries=entries))
            )

    answers = together(*(partial(write, where, seed) for seed, where in enumerate((store, other_store) * 2)))
    assert answers == [None] * 4
    with store.read_only() as session:
        runs = session.execute(select(Run.id, Run.outcome_id)).all()
        assert len(runs) == 48
        assert len({run.outcome_id for run in runs}) == session.scalar(select(func.count()).select_from(Outcome))
        found = {run.id: [(e.module, e.tag, e.level) for e in entries_of_run(session, run.id)] for run in runs}
    assert {tuple(one) for one in found.values()} == {
        tuple((e.module, e.tag, e.level) for e in entries) for entries in shared
    }


def test_outcome_of_a_rolled_back_transaction_is_not_cached(store: Store) -> None:
    with store.transaction() as session:
        ensure_outcomes(session, [entries_of("INFO")], now=NOON)
        session.rollback()
    # The ID may be reused for another outcome.
    run = make_run(store, outcome=record(entries=[ZONE]))
    other = make_run(store, outcome=record("INFO"))
    assert outcome_of(run) != outcome_of(other)
    with store.read_only() as session:
        assert [entry.tag for entry in entries_of_run(session, other.id)] == ["B01_CHILD_FOUND"]
        assert [entry.tag for entry in entries_of_run(session, run.id)] == ["Z01_X"]


def test_kinds_are_cached_only_after_the_commit(store: Store) -> None:
    with store.transaction() as session:
        ensure_outcomes(session, [entries_of("INFO")], now=NOON)
        assert matching_kinds(session, level="INFO")
        session.rollback()
    with store.read_only() as session:
        assert caches_of(session).kinds == {}
        assert list(matching_kinds(session, level="INFO")) == []


def test_outcomes_and_profiles_are_cached_only_after_the_commit(store: Store) -> None:
    job = claim(store, queue_job(store).id)
    found = record("INFO", effective_profile={"net": {"ipv6": False}})
    with store.transaction() as session:
        caches = caches_of(session)
        graduate_job(session, job.id, worker="w1", attempt=1, record=found)
        assert not caches.drop_references()
    assert caches.outcomes.clear()
    assert caches.profiles.clear()


def test_writes_before_a_new_connection_are_not_cached(store: Store) -> None:
    with store.transaction() as session:
        caches = caches_of(session)
        ensure_outcomes(session, [entries_of("INFO")], now=NOON)
        caches.clear()
    assert not caches.outcomes.clear()
    assert caches.kinds == {}


def test_caches_can_be_used_while_another_thread_connects(make_store_settings: MakeSettings) -> None:
    with opened(make_store_settings("sqlite")) as store:

        def ask(_connection: object, _record: object) -> None:
            with store.read_only() as session:
                caches_of(session)

        event.listen(store.engine, "connect", ask)
        with store.read_only() as session:
            assert session.scalar(select(1)) == 1
            caches = caches_of(session)
        epoch = caches.epoch
        store.close()
        with store.read_only() as session:
            assert session.scalar(select(1)) == 1
    assert caches.epoch == epoch + 1


def test_an_outcome_of_an_uncommitted_run_is_not_removed(make_store_settings: MakeSettings) -> None:
    """This applies to PostgreSQL only: SQLite has one writer."""
    settings = make_store_settings("postgres")
    with opened(settings) as store, opened(settings) as other:
        remove_run(store, make_run(store))
        with other.transaction() as session:  # this process has not cached the outcome
            (number,) = ensure_outcomes(session, [entries_of("INFO")], now=NOON)
            with store.transaction() as maintenance:
                assert purge_outcomes(maintenance, created_before=LATER) == 0
        assert outcomes(store) == {number}
        with store.transaction() as maintenance:
            assert purge_outcomes(maintenance, created_before=LATER) == 1


def test_kind_that_another_process_created_is_found(store: Store, other_store: Store) -> None:
    make_run(store, outcome=record("INFO"))
    with store.read_only() as session:
        assert list_entries(session, EntryFilter(tag="B01_CHILD_FOUND")).total == 1
    make_run(other_store, outcome=record("ERROR"))
    with store.read_only() as session:
        assert [e.level for e in list_entries(session, EntryFilter(tag="B01_CHILD_FOUND")).items] == ["INFO", "ERROR"]
        assert caches_of(session).kind_ids[EntryType("BASIC", "basic01", "B01_CHILD_FOUND", "ERROR")]


def test_unused_outcomes_are_removed_after_a_while(store: Store) -> None:
    kept = make_run(store, outcome=record(entries=[*entries_of("INFO"), ZONE]))
    gone = make_run(store, outcome=record(entries=[*entries_of("ERROR"), ZONE]))
    remove_run(store, gone)
    with store.transaction() as session:
        assert purge_outcomes(session, created_before=NOON) == 0
        assert purge_outcomes(session, created_before=LATER) == 1
        assert purge_outcomes(session, created_before=LATER) == 0
    assert counts(store) == [3, 1, 2, 2, 2]
    with store.read_only() as session:
        assert len(entries_of_run(session, kept.id)) == 2


def test_a_removed_outcome_is_created_again(store: Store, other_store: Store) -> None:
    first = make_run(store)
    remove_run(other_store, first)
    with other_store.transaction() as session:
        assert purge_outcomes(session, created_before=LATER) == 1
    job = claim(store, queue_job(store).id)
    with pytest.raises(StoreConflict):  # the process has cached it; a retry of the transaction has not
        finish_job(store, job)
    finish_job(store, job)
    with store.read_only() as session:
        assert [entry.tag for entry in entries_of_run(session, job.id)] == ["B01_CHILD_FOUND"]
    assert outcome_of(first) not in outcomes(store)


def test_two_threads_with_a_removed_outcome_both_retry(
    store: Store, other_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    remove_run(other_store, make_run(store))
    with other_store.transaction() as session:
        purge_outcomes(session, created_before=LATER)
    document_of = encode_document

    def encode_late(*args: Any) -> Any:
        with store.read_only() as session:  # the other thread cleared the cache first, after this one took the ID
            caches_of(session).drop_references()
        return document_of(*args)

    monkeypatch.setattr(run_rows, "encode_document", encode_late)
    job = claim(store, queue_job(store).id)
    with pytest.raises(StoreConflict):
        finish_job(store, job)
    finish_job(store, job)


def test_new_connections_clear_the_caches(store: Store) -> None:
    """After a failover the database may lack the last commits and assign their IDs again."""
    make_run(store)
    with store.read_only() as session:
        caches = caches_of(session)
    assert caches.kinds
    store.engine.dispose()
    store.ping()
    assert not caches.kinds
    assert not caches.outcomes.clear()


def outcomes(store: Store) -> set[int]:
    with store.read_only() as session:
        return set(session.scalars(select(Outcome.id)))


def remove_run(store: Store, run: Run) -> None:
    with store.transaction() as session:
        session.execute(update(Run).where(Run.id == run.id).values(outcome_id=None))
