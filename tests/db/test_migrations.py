"""Migrations bring the tables up and down on both databases and agree with the models."""

import pytest
from sqlalchemy import inspect, text

from gonemaster_db.core.errors import StoreOutdated
from gonemaster_db.core.session import Store
from gonemaster_db.migrations.runner import (
    current_revision,
    differences,
    downgrade,
    head_revision,
    is_current,
    upgrade,
)
from gonemaster_db.models import Base
from gonemaster_db.runs.newest_outcomes import note_outcomes
from gonemaster_db.runs.runs import get_run
from tests.support.consistency import faults
from tests.support.rows import make_run, record
from tests.support.threads import together


def table_names(store: Store) -> set[str]:
    return set(inspect(store.engine).get_table_names()) - {"alembic_version"}


def test_upgrade_makes_every_table_and_downgrade_removes_it(empty_store: Store) -> None:
    assert not is_current(empty_store)
    upgrade(empty_store)
    assert table_names(empty_store) == set(Base.metadata.tables)
    assert is_current(empty_store)
    assert current_revision(empty_store) == head_revision() is not None

    downgrade(empty_store, revision="base")
    assert table_names(empty_store) == set()
    assert not is_current(empty_store)
    upgrade(empty_store)
    assert is_current(empty_store)


def test_rows_outlive_a_step_back_and_forth(store: Store) -> None:
    run = make_run(store)
    downgrade(store, revision="0001")
    assert current_revision(store) == "0001"
    upgrade(store)
    assert differences(store) == []
    with store.read_only() as session:
        assert get_run(session, run.id).domain == run.domain


def test_what_lists_and_outcomes_are_made_of_outlives_a_step_back_and_forth(store: Store) -> None:
    """From 0023 on the numbers of runs of domains have a table of their own, from 0024 on parts of outcomes no keys."""
    for domain, level in (("a.example", "INFO"), ("b.example", "ERROR"), ("a.example", "ERROR")):
        make_run(store, domain, outcome=record(level))
    downgrade(store, revision="0022")
    upgrade(store)
    store.run_in_transaction(note_outcomes)
    assert faults(store) == []
    make_run(store, "a.example", outcome=record("CRITICAL"))
    assert faults(store) == []


def test_migrated_tables_are_those_of_the_models(store: Store) -> None:
    assert differences(store) == []


def test_drift_between_tables_and_models_is_found(store: Store) -> None:
    with store.transaction() as session:
        session.execute(text("ALTER TABLE batches DROP COLUMN description"))
        session.execute(text("DROP INDEX ix_runs_by_finished"))
    assert len(differences(store)) == 2


def test_upgrade_can_be_repeated(store: Store) -> None:
    upgrade(store)
    assert is_current(store)


def test_processes_that_start_at_once_upgrade_once(empty_store: Store) -> None:
    answers = together(*[lambda: upgrade(empty_store)] * 4)
    assert answers == [None] * 4
    assert is_current(empty_store)


def test_failed_migration_leaves_nothing(empty_store: Store) -> None:
    with empty_store.transaction() as session:
        session.execute(text("CREATE TABLE entries (id INTEGER)"))  # in the way of the last step
    with pytest.raises(Exception, match="entries"):
        upgrade(empty_store)
    assert table_names(empty_store) == {"entries"}
    assert current_revision(empty_store) is None


def test_foreign_keys_are_checked_after_an_upgrade(store: Store) -> None:
    with pytest.raises(Exception, match=r"(?i)foreign key"), store.transaction() as session:
        session.execute(text("INSERT INTO domain_tags (domain_id, tag) VALUES (1, 'none')"))


def test_work_without_tables_says_that_the_store_is_outdated(empty_store: Store) -> None:
    with pytest.raises(StoreOutdated), empty_store.read_only() as session:
        session.execute(text("SELECT id FROM jobs"))


def test_a_domain_whose_run_was_deleted_by_hand_survives_the_way_back(store: Store) -> None:
    run, kept = make_run(store), make_run(store, "kept.example", config={"tags": ["eu"]})
    with store.transaction() as session:
        session.execute(text("DELETE FROM run_documents"))
        session.execute(text("DELETE FROM runs WHERE id = :id"), {"id": run.id})
    downgrade(store, revision="0013")
    upgrade(store)
    with store.read_only() as session:
        found = set(session.execute(text("SELECT name, latest_run_id FROM domains")).all())
        tags = session.execute(text("SELECT domain_id, tag FROM domain_tags")).all()
    assert found == {(run.domain, None), ("kept.example", kept.id)}
    assert tags == [(kept.domain_id, "eu")]
