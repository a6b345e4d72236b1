"""Domains store the outcomes of their newest runs, from which entries of newest runs are listed."""

from gonemaster_db.batches.batches import create_batch
from gonemaster_db.batches.deletion import delete_batch
from gonemaster_db.core.filters import EntryFilter
from gonemaster_db.core.records import NewBatch
from gonemaster_db.core.session import Store
from gonemaster_db.domains.domains import ensure_domains
from gonemaster_db.runs.entries import list_entries
from tests.support.consistency import faults
from tests.support.rows import NOON, make_run, record


def errors_of_newest_runs(store: Store) -> list[str]:
    with store.read_only() as session:
        return [entry.run_id for entry in list_entries(session, EntryFilter(latest=True, level="ERROR")).items]


def test_a_later_run_replaces_the_outcome(store: Store) -> None:
    with store.transaction() as session:
        ensure_domains(session, ["untested.example"], now=NOON)
    first = make_run(store, outcome=record("ERROR"))
    assert errors_of_newest_runs(store) == [first.id]
    make_run(store, outcome=record())
    assert errors_of_newest_runs(store) == []
    assert faults(store) == []


def test_deleting_the_newest_run_restores_the_previous_outcome(store: Store) -> None:
    with store.transaction() as session:
        batch_id = create_batch(session, NewBatch(domain_count=1), now=NOON).id
    first = make_run(store, outcome=record("ERROR", "NOTICE"))
    make_run(store, outcome=record("INFO"), batch_id=batch_id)
    assert errors_of_newest_runs(store) == []
    with store.transaction() as session:
        delete_batch(session, batch_id)
    assert errors_of_newest_runs(store) == [first.id]
    assert faults(store) == []
