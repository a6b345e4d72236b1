"""Domains know the outcomes of their newest runs, whatever release stored these."""

import subprocess
import sys
from typing import Any

import pytest
from sqlalchemy import select, text

from gonemaster_db.batches.batches import create_batch
from gonemaster_db.batches.deletion import delete_batch
from gonemaster_db.core.filters import EntryFilter
from gonemaster_db.core.records import NewBatch
from gonemaster_db.core.session import Store, open_store
from gonemaster_db.core.settings import Driver, StoreSettings
from gonemaster_db.domains.domains import ensure_domains
from gonemaster_db.domains.models.domains import OUTCOME_UNKNOWN
from gonemaster_db.migrations.runner import current_revision, differences, downgrade, head_revision, upgrade
from gonemaster_db.models import Domain
from gonemaster_db.runs import newest_outcomes
from gonemaster_db.runs.entries import list_entries
from gonemaster_db.runs.newest_outcomes import note_outcomes, outcomes_known
from gonemaster_tasks.maintenance.newest_outcomes import note_newest_outcomes
from tests.support.consistency import faults
from tests.support.release_before import release_before
from tests.support.rows import NOON, make_run, record
from tests.support.stores import DRIVERS, MakeSettings


def known(store: Store) -> bool:
    with store.read_only() as session:
        return outcomes_known(session)


def errors_of_newest_runs(store: Store) -> list[str]:
    with store.read_only() as session:
        return [entry.run_id for entry in list_entries(session, EntryFilter(latest=True, level="ERROR")).items]


def note(store: Store) -> int:
    return note_newest_outcomes(store)


def test_they_know_what_this_release_has_stored(store: Store) -> None:
    with store.transaction() as session:
        ensure_domains(session, ["untested.example"], now=NOON)
    make_run(store, outcome=record("ERROR"))
    assert known(store)
    make_run(store, outcome=record())
    assert known(store)
    assert errors_of_newest_runs(store) == []
    assert note(store) == 0


@pytest.mark.parametrize("again", [False, True])
def test_a_run_that_the_release_before_has_stored_is_looked_up(store: Store, again: bool) -> None:
    """`again`: with the outcome that the domain had."""
    make_run(store, outcome=record("ERROR"))
    with release_before(store):
        run = make_run(store, outcome=record("ERROR") if again else record("INFO"))
        other = make_run(store, "other.example", outcome=record("NOTICE", "ERROR"))
    expected = [run.id, other.id] if again else [other.id]
    assert not known(store)
    assert errors_of_newest_runs(store) == expected
    assert note(store) == 2
    assert known(store)
    assert errors_of_newest_runs(store) == expected
    assert faults(store) == []


def test_a_run_that_the_release_before_has_deleted_is_shown_no_more(store: Store) -> None:
    with store.transaction() as session:
        batch_id = create_batch(session, NewBatch(domain_count=2), now=NOON).id
    first = make_run(store, outcome=record("INFO"))
    make_run(store, outcome=record("ERROR"), batch_id=batch_id)
    make_run(store, "other.example", outcome=record("ERROR"), batch_id=batch_id)
    with release_before(store), store.transaction() as session:
        delete_batch(session, batch_id)
    assert not known(store)
    assert errors_of_newest_runs(store) == []
    assert note(store) == 2
    assert faults(store) == []
    assert errors_of_newest_runs(store) == []
    with store.read_only() as session:
        shown = select(Domain.latest_run_id, Domain.latest_outcome_id).order_by(Domain.id)
        assert [tuple(row) for row in session.execute(shown)] == [(first.id, first.outcome_id), (None, None)]


def test_after_an_upgrade_they_are_noted_in_steps(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    for outcome in (record("INFO"), record("INFO", "ERROR"), record()):
        for name in ("a.example", "b.example"):
            make_run(store, name, outcome)
    for name in ("c.example", "d.example"):
        make_run(store, name, record("ERROR", "NOTICE"))
    with store.transaction() as session:
        ensure_domains(session, ["untested.example"], now=NOON)
    expected = errors_of_newest_runs(store)
    downgrade(store, revision="0025")
    upgrade(store)
    assert errors_of_newest_runs(store) == expected
    monkeypatch.setattr(newest_outcomes, "_SOME_UNKNOWN", select(Domain.id).where(OUTCOME_UNKNOWN).limit(2))
    assert [store.run_in_transaction(note_outcomes) for _ in range(3)] == [2, 2, 0]
    assert known(store)
    assert errors_of_newest_runs(store) == expected
    assert faults(store) == []


def test_a_worker_that_stops_goes_on_another_time(store: Store) -> None:
    with release_before(store):
        make_run(store)
    assert note_newest_outcomes(store, stopped=lambda: True) == 0
    assert not known(store)


def test_whether_all_are_known_is_read_in_an_index_of_the_others(store: Store) -> None:
    """Not by a walk through all domains, of which none may be found."""
    with store.transaction() as session:
        ensure_domains(session, [f"d{number}.example" for number in range(5000)], now=NOON)
    with store.engine.connect() as connection:
        connection.exec_driver_sql("ANALYZE")
        connection.commit()
        assert "ix_domains_outcome_unknown" in plan_of(connection, newest_outcomes._ANY_UNKNOWN)


def plan_of(connection: Any, statement: Any) -> str:
    prefix = "EXPLAIN" if connection.dialect.name == "postgresql" else "EXPLAIN QUERY PLAN"
    compiled = statement.compile(connection, compile_kwargs={"literal_binds": True})
    return "\n".join(str(row[-1]) for row in connection.execute(text(f"{prefix} {compiled}")))


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("driver", DRIVERS)
def test_a_migration_that_is_killed_again_and_again_comes_to_its_end(
    make_store_settings: MakeSettings, driver: Driver
) -> None:
    settings = make_store_settings(driver)
    store = open_store(settings)
    try:
        runs = [make_run(store, domain, record("ERROR")) for domain in ("a.example", "b.example")]
        for direction, revision in (("down", "0025"), ("up", head_revision())):
            store.close()  # its connections would be idle meanwhile
            assert killed_migration(settings, direction, "0025") > 2
            assert current_revision(store) == revision
        assert differences(store) == []
        assert errors_of_newest_runs(store) == [run.id for run in runs]
        note(store)
        assert faults(store) == []
    finally:
        store.close()


def killed_migration(settings: StoreSettings, direction: str, revision: str) -> int:
    """Return how many processes were killed, each some statements later than the one before."""
    command = [sys.executable, "-m", "tests.support.killed_migration", settings.driver, settings.dsn, "0", direction]
    done = subprocess.run([*command, "1", revision], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return len(done.stdout.split())
