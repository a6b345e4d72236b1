"""Reduction removes what a batch does not keep of its runs, and only after their facts are written."""

import os
import signal
from collections.abc import Sequence
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from gonemaster_db.analysis.columns.files import NewFile, register_files
from gonemaster_db.analysis.columns.run_sets import pack_keys
from gonemaster_db.analysis.reduction import written_facts
from gonemaster_db.analysis.snapshots import ensure_snapshot, rematerialise
from gonemaster_db.batches.batches import change_batch, get_batch
from gonemaster_db.core.errors import SourceRunsPurged
from gonemaster_db.core.session import Store
from gonemaster_db.core.settings import StoreSettings
from gonemaster_db.models import Batch, Cohort, CohortSnapshot, FactDomainSummary, FactStorage, Keep, Projection, Run
from gonemaster_db.runs.findings import read_findings
from gonemaster_db.runs.run_documents import entries_of, read_stored_runs
from gonemaster_tasks.control.parts import QueueParts
from gonemaster_tasks.maintenance.reduction import reduce_due
from tests.support.analysis.cohorts import make_batch, make_cohort
from tests.support.analysis.runs import project_all, run_batch
from tests.support.forked import Forked
from tests.support.rows import NOON, queue_job

NAMES = [f"d{number}.example" for number in range(5)]


def kept(store: Store, runs: Sequence[Run]) -> list[str]:
    with store.read_only() as session:
        found = read_stored_runs(session, [run.id for run in runs])
    return [found[run.id].kept.value for run in runs]


def reduced_runs(store: Store, batch: Batch) -> int:
    with store.read_only() as session:
        return get_batch(session, batch.id).reduced_runs


def rows_of(store: Store, model: Any, **omitted: object) -> list[tuple[Any, ...]]:
    columns = [column for column in model.__table__.columns if column.name not in omitted]
    with store.read_only() as session:
        return sorted(map(tuple, session.execute(select(*columns))), key=repr)


def levels(store: Store, run: Run) -> set[str]:
    with store.read_only() as session:
        return {entry.level for entry in entries_of(session, read_stored_runs(session, [run.id])[run.id])}


def test_a_batch_keeps_everything_by_default(parts: QueueParts) -> None:
    make_cohort(parts.store)
    runs = run_batch(parts.store, make_batch(parts.store), NAMES)
    project_all(parts.store)
    assert reduce_due(parts.store, parts.broker) == 0
    assert kept(parts.store, runs) == ["full"] * len(NAMES)


def test_only_the_rows_remain_once_the_facts_are_written(parts: QueueParts) -> None:
    store = parts.store
    make_cohort(store)
    batch = make_batch(store, keep=Keep.FACTS)
    runs = run_batch(store, batch, NAMES)
    assert reduce_due(store, parts.broker) == 0, "there are no facts yet"
    assert kept(store, runs) == ["full"] * len(NAMES)
    project_all(store)
    rows, facts = rows_of(store, Run), rows_of(store, FactDomainSummary)
    assert reduce_due(store, parts.broker) == len(NAMES)
    assert kept(store, runs) == ["facts"] * len(NAMES)
    assert (rows_of(store, Run), rows_of(store, FactDomainSummary)) == (rows, facts)
    assert reduced_runs(store, batch) == len(NAMES)
    assert reduce_due(store, parts.broker) == 0
    assert levels(store, runs[0]) == set()


def test_findings_keep_their_arguments_and_times(parts: QueueParts) -> None:
    store = parts.store
    make_cohort(store)
    runs = run_batch(store, make_batch(store, keep=Keep.FINDINGS), NAMES)
    ids = [run.id for run in runs]
    with store.read_only() as session:
        full = {
            run.id: entries_of(session, run, min_level="WARNING") for run in read_stored_runs(session, ids).values()
        }
        compared = read_findings(session, ids, "INFO")
    assert any(full.values())
    project_all(store)
    assert reduce_due(store, parts.broker) == len(NAMES)
    assert kept(store, runs) == ["findings"] * len(NAMES)
    with store.read_only() as session:
        stored = read_stored_runs(session, ids)
        assert {run.id: entries_of(session, run) for run in stored.values()} == full
        again = read_findings(session, ids, "INFO")
    assert all(
        run.document and not run.document.has_chain and not run.document.nameserver_timings for run in stored.values()
    )
    # The level of each finding is still known, so a comparison of levels has the same result.
    assert {
        run_id: {key: [line.level for line in lines] for key, lines in found.items()} for run_id, found in again.items()
    } == {
        run_id: {key: [line.level for line in lines] for key, lines in found.items()}
        for run_id, found in compared.items()
    }


def test_a_run_waits_for_the_facts_of_every_cohort(parts: QueueParts) -> None:
    store = parts.store
    make_cohort(store, "first")
    batch = make_batch(store, keep=Keep.FACTS, tags=("first", "second"))
    run_batch(store, batch, NAMES[:2], tag="first")
    runs = run_batch(store, batch, NAMES[2:4], tag="first")
    project_all(store)
    second = make_cohort(store, "second")
    shared = run_batch(store, batch, NAMES[4:], tag="second")
    assert reduce_due(store, parts.broker) == 4, "the second cohort has no run of these domains"
    assert kept(store, runs) == ["facts"] * 2
    assert kept(store, shared) == ["full"], "the second cohort has no facts yet"
    project_all(store)
    assert reduce_due(store, parts.broker) == 1
    assert kept(store, shared) == ["facts"]
    assert second.id


def test_a_run_without_facts_is_not_reduced(parts: QueueParts) -> None:
    store = parts.store
    make_cohort(store)
    batch = make_batch(store, keep=Keep.FACTS)
    runs = run_batch(store, batch, NAMES)
    other = run_batch(store, batch, ["other.example"], tag="elsewhere")
    project_all(store)
    with store.transaction() as session:
        session.execute(update(Projection).where(Projection.run_key == runs[0].key).values(status="failed"))
    assert reduce_due(store, parts.broker) == len(NAMES) - 1
    assert kept(store, [*runs[:2], *other]) == ["full", "facts", "full"]


def test_a_batch_without_tags_is_reduced_after_its_end(parts: QueueParts) -> None:
    store = parts.store
    make_cohort(store)
    batch = make_batch(store, keep=Keep.FACTS)
    runs = run_batch(store, batch, NAMES)
    late = queue_job(store, "late.example", batch_id=batch.id)
    project_all(store)
    assert reduce_due(store, parts.broker) == 0
    with store.transaction() as session:
        session.delete(session.merge(late))
    assert reduce_due(store, parts.broker) == len(NAMES)
    assert kept(store, runs) == ["facts"] * len(NAMES)


def test_a_running_batch_with_tags_is_reduced(parts: QueueParts) -> None:
    store = parts.store
    make_cohort(store)
    batch = make_batch(store, keep=Keep.FACTS, tags=("tld",))
    first = run_batch(store, batch, NAMES[:3])
    queue_job(store, "late.example", batch_id=batch.id)
    project_all(store)
    assert reduce_due(store, parts.broker) == 3
    second = run_batch(store, batch, NAMES[3:])
    project_all(store)
    assert reduce_due(store, parts.broker) == 2
    assert kept(store, [*first, *second]) == ["facts"] * len(NAMES)
    assert reduced_runs(store, batch) == len(NAMES)


def test_less_is_kept_after_a_change_and_nothing_comes_back(parts: QueueParts) -> None:
    store = parts.store
    make_cohort(store)
    batch = make_batch(store, keep=Keep.FINDINGS)
    runs = run_batch(store, batch, NAMES)
    project_all(store)
    assert reduce_due(store, parts.broker) == len(NAMES)
    for keep, examined, expected in (
        (Keep.FULL, 0, "findings"),
        (Keep.FACTS, len(NAMES), "facts"),
        (Keep.FULL, 0, "facts"),
    ):
        with store.transaction() as session:
            change_batch(session, batch.id, {"keep": keep.value})
        assert reduce_due(store, parts.broker) == examined
        assert kept(store, runs) == [expected] * len(NAMES)
    assert reduced_runs(store, batch) == len(NAMES), "each run counts once"


def test_reduced_runs_cannot_be_rebuilt_and_keep_their_facts(parts: QueueParts) -> None:
    store = parts.store
    make_cohort(store)
    batch = make_batch(store, keep=Keep.FACTS)
    run_batch(store, batch, NAMES)
    project_all(store)
    reduce_due(store, parts.broker)
    facts = rows_of(store, FactDomainSummary)
    with store.read_only() as session:
        snapshot = session.scalars(select(CohortSnapshot)).one()
    with pytest.raises(SourceRunsPurged), store.transaction() as session:
        rematerialise(session, snapshot.cohort_id or 0, snapshot.slug, floor="NOTICE", now=NOON)
    run_batch(store, batch, ["new.example"])
    project_all(store)
    with store.transaction() as session:
        rematerialise(session, snapshot.cohort_id or 0, snapshot.slug, floor="NOTICE", now=NOON)
    project_all(store)
    assert set(facts) < set(rows_of(store, FactDomainSummary))


def test_one_worker_at_a_time_reduces(parts: QueueParts) -> None:
    make_cohort(parts.store)
    run_batch(parts.store, make_batch(parts.store, keep=Keep.FACTS), NAMES)
    project_all(parts.store)
    with parts.broker.locks.exclusive("reduction"):
        assert reduce_due(parts.store, parts.broker) == 0
    assert reduce_due(parts.store, parts.broker, stopped=lambda: True) == 0
    assert reduce_due(parts.store, parts.broker) == len(NAMES)


def test_new_batches_keep_what_their_cohorts_say(parts: QueueParts) -> None:
    store = parts.store
    make_cohort(store, "first", keep=Keep.FACTS)
    make_cohort(store, "second", keep=Keep.FINDINGS)
    make_cohort(store, "third")
    for tags, chosen, expected in (
        (("first",), None, Keep.FACTS),
        (("first", "second"), None, Keep.FINDINGS),
        (("third",), None, Keep.FULL),
        (("first",), Keep.FULL, Keep.FULL),
        ((), None, Keep.FULL),
    ):
        assert make_batch(store, tags=tags, keep=chosen).keep is expected
    assert make_batch(store, default_keep=Keep.FACTS).keep is Keep.FACTS
    assert make_batch(store, tags=("second",), default_keep=Keep.FACTS).keep is Keep.FINDINGS


@pytest.mark.slow
@pytest.mark.parametrize("keep", [Keep.FINDINGS, Keep.FACTS])
def test_a_killed_reduction_continues(
    store: Store, store_settings: StoreSettings, keep: Keep, tmp_path: Path, parts: QueueParts
) -> None:
    make_cohort(store)
    batch = make_batch(store, keep=keep)
    runs = run_batch(store, batch, NAMES)
    project_all(store)
    log = tmp_path / "killed.log"
    log.touch()
    deaths = 0
    for commits in count(1):
        arguments = [store_settings.driver, store_settings.dsn, "reduce", "0", str(commits)]
        code = Forked("tests.support.analysis.killed_work", arguments, environ=os.environ, log=log).wait()
        assert code in (0, -signal.SIGKILL), log.read_text()
        assert reduced_runs(store, batch) == sum(value != "full" for value in kept(store, runs))
        if code == 0:
            break
        deaths += 1
    assert deaths >= 2
    assert kept(store, runs) == [keep.value] * len(NAMES)
    with store.read_only() as session:
        assert session.scalars(select(Cohort)).one().analysis_enabled


def test_runs_in_files_have_facts(parts: QueueParts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(written_facts, "SLICE", 2)
    store = parts.store
    cohort = make_cohort(store)
    batch = make_batch(store, keep=Keep.FACTS)
    runs = run_batch(store, batch, [*NAMES, "late.example", "failed.example"])
    keys = [run.key for run in runs]
    files = [keys[0:4:2], keys[1:4:2], keys[4:5]]  # two files overlap; the last two runs are in no file
    with store.transaction() as session:
        snapshot = ensure_snapshot(session, session.merge(cohort), session.merge(batch), floor="NOTICE", now=NOON)
        snapshot.storage, snapshot.facts_revision = FactStorage.COLUMNS, 1
        for number, some in enumerate(files):
            file = NewFile(f"{number}", len(some), 1, first_key=some[0], last_key=some[-1], run_keys=pack_keys(some))
            register_files(session, snapshot.id, [file], now=NOON)
    assert reduce_due(store, parts.broker, max_step=2) == 5
    assert kept(store, runs) == ["facts"] * 5 + ["full"] * 2
    assert reduce_due(store, parts.broker) == 0
