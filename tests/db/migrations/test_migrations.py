"""Migrations create and drop the tables on both databases and agree with the models."""

from pathlib import Path

import pytest
from sqlalchemy import inspect, text

from gonemaster_db.core.errors import StoreOutdated
from gonemaster_db.core.session import Store
from gonemaster_db.migrations.runner import (
    check_schema,
    current_revision,
    differences,
    downgrade,
    head_revision,
    is_current,
    upgrade,
)
from gonemaster_db.models import Base
from gonemaster_db.runs.runs import get_run
from tests.support.consistency import faults
from tests.support.next_release import EXPAND, head, revisions_of, write_revision
from tests.support.rows import make_run
from tests.support.threads import together


def table_names(store: Store) -> set[str]:
    return set(inspect(store.engine).get_table_names()) - {"alembic_version"}


def test_upgrade_creates_every_table_and_downgrade_drops_it(empty_store: Store) -> None:
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


def test_rows_survive_a_downgrade_and_upgrade(store: Store, tmp_path: Path) -> None:
    run = make_run(store)
    write_revision(tmp_path, EXPAND)
    with revisions_of(tmp_path):
        upgrade(store)
        downgrade(store, revision=head())
    assert is_current(store)
    assert differences(store) == []
    assert faults(store) == []
    with store.read_only() as session:
        assert get_run(session, run.id).domain == run.domain


def test_migrated_tables_are_those_of_the_models(store: Store) -> None:
    assert differences(store) == []


def test_drift_between_tables_and_models_is_reported(store: Store) -> None:
    with store.transaction() as session:
        session.execute(text("ALTER TABLE batches DROP COLUMN description"))
        session.execute(text("DROP INDEX ix_runs_by_finished_reversed"))
        session.execute(text("ALTER TABLE jobs ADD COLUMN odd INTEGER"))
        session.execute(text("CREATE INDEX ix_odd ON jobs (odd)"))
        session.execute(text("CREATE TABLE of_somebody_else (id INTEGER)"))
    assert differences(store) == [
        "column batches.description is missing",
        "column jobs.odd is not part of this release",
        "index ix_odd of table jobs is not part of this release",
        "index ix_runs_by_finished_reversed of table runs is missing",
    ]


def test_a_missing_table_and_an_altered_column_are_reported(store: Store) -> None:
    with store.transaction() as session:
        session.execute(text("DROP TABLE settings"))
        session.execute(text("ALTER TABLE jobs DROP COLUMN worker"))
        session.execute(text("ALTER TABLE jobs ADD COLUMN worker TEXT NOT NULL DEFAULT ''"))
    found = differences(store)
    assert "table settings is missing" in found
    assert "column jobs.worker: nullable is False, not True" in found
    assert any(text.startswith("column jobs.worker: type is TEXT") for text in found)


@pytest.mark.parametrize("version", ["0001", "0028"])
def test_a_database_from_before_the_first_release_is_refused(store: Store, version: str) -> None:
    with store.transaction() as session:
        session.execute(text("UPDATE alembic_version SET version_num = :version"), {"version": version})
    for refusing in (check_schema, upgrade, lambda store: downgrade(store, revision="base")):
        with pytest.raises(StoreOutdated, match=rf"version {version}, from before the first release: .* at commit \w+"):
            refusing(store)
    assert current_revision(store) == version


def test_upgrade_can_be_repeated(store: Store) -> None:
    upgrade(store)
    assert is_current(store)


def test_concurrent_processes_upgrade_once(empty_store: Store) -> None:
    answers = together(*[lambda: upgrade(empty_store)] * 4)
    assert answers == [None] * 4
    assert is_current(empty_store)


def test_failed_migration_leaves_no_changes(empty_store: Store) -> None:
    with empty_store.transaction() as session:
        session.execute(text("CREATE TABLE snapshot_testcases (id INTEGER)"))  # conflicts with the last step
    with pytest.raises(Exception, match="snapshot_testcases"):
        upgrade(empty_store)
    assert table_names(empty_store) == {"snapshot_testcases"}
    assert current_revision(empty_store) is None


def test_foreign_keys_are_checked_after_an_upgrade(store: Store) -> None:
    with pytest.raises(Exception, match=r"(?i)foreign key"), store.transaction() as session:
        session.execute(text("INSERT INTO domain_tags (domain_id, tag) VALUES (1, 'none')"))


def test_missing_tables_raise_store_outdated(empty_store: Store) -> None:
    with pytest.raises(StoreOutdated), empty_store.read_only() as session:
        session.execute(text("SELECT id FROM jobs"))
