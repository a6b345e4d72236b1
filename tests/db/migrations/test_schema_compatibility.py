"""Releases on the schema of a later release, and migrations while the service is running."""

import logging
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest
from sqlalchemy import inspect, text

from gonemaster_db.core.errors import StoreConflict, StoreOutdated
from gonemaster_db.core.session import Store
from gonemaster_db.migrations import runner
from gonemaster_db.migrations.runner import (
    check_schema,
    current_revision,
    downgrade,
    is_current,
    pending_revisions,
    upgrade,
)
from tests.support.next_release import CONTRACT, EXPAND, INDEX, following, head, revisions_of, write_revision
from tests.support.rows import make_run
from tests.support.stores import MakeSettings, opened
from tests.support.workers import wait_until

_KILLED = (
    "import sys\n"
    "from pathlib import Path\n"
    "from gonemaster_db.migrations.runner import upgrade\n"
    "from gonemaster_db.core.session import open_store\n"
    "from gonemaster_db.core.settings import StoreSettings\n"
    "from tests.support.next_release import following, revisions_of\n"
    "with revisions_of(Path(sys.argv[2])):\n"
    "    upgrade(open_store(StoreSettings(driver='postgres', dsn=sys.argv[1])))\n"
)


@pytest.fixture
def postgres(make_store_settings: MakeSettings) -> Iterator[Store]:
    """Open a store on PostgreSQL, where the locks of a migration matter."""
    with opened(make_store_settings("postgres")) as store:
        yield store


def test_a_release_works_on_a_compatible_later_schema(store: Store, tmp_path: Path) -> None:
    write_revision(tmp_path, EXPAND, number=1)
    last = write_revision(tmp_path, INDEX, number=2)
    with revisions_of(tmp_path):
        assert [(step.number, step.is_compatible_with(head())) for step in pending_revisions(store)] == [
            (following(1), True), (last, True),
        ]  # fmt: skip
        upgrade(store)
    assert "ix_runs_next" in {index["name"] for index in inspect(store.engine).get_indexes("runs")}
    assert not is_current(store)
    check_schema(store)
    assert pending_revisions(store) == []
    upgrade(store)  # as at the start of the service
    assert current_revision(store) == last
    run = make_run(store)
    with store.read_only() as session:
        assert session.scalar(text("SELECT next_number FROM runs WHERE id = :id"), {"id": run.id}) == 7
    with revisions_of(tmp_path):
        downgrade(store, revision=head())
    assert is_current(store)
    check_schema(store)


def test_a_release_refuses_an_incompatible_later_schema(store: Store, tmp_path: Path) -> None:
    write_revision(tmp_path, EXPAND, number=1)
    last = write_revision(tmp_path, CONTRACT, number=2, compatible=False)
    with revisions_of(tmp_path):
        assert [step.is_compatible_with(head()) for step in pending_revisions(store)] == [True, False]
        upgrade(store)
    for refusing in (check_schema, upgrade):
        with pytest.raises(StoreOutdated, match=rf"later release, version {last}: it works with releases from {last}"):
            refusing(store)


def test_an_older_schema_is_refused(empty_store: Store, tmp_path: Path) -> None:
    with pytest.raises(StoreOutdated, match="its version is none"):
        check_schema(empty_store)
    upgrade(empty_store)
    check_schema(empty_store)
    write_revision(tmp_path, EXPAND)
    outdated = rf"not up to date: run gonemaster-server db upgrade \(its version is {head()}"
    with revisions_of(tmp_path), pytest.raises(StoreOutdated, match=outdated):
        check_schema(empty_store)


def test_a_waiting_migration_does_not_block_others(
    postgres: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(runner, "LOCK_TIMEOUT_MS", 100)
    monkeypatch.setattr(runner, "PAUSE_S", (0.1, 0.1))
    last = write_revision(tmp_path, EXPAND)
    with revisions_of(tmp_path), holding(postgres, "SELECT id FROM jobs LIMIT 1") as release:
        migrating = threading.Thread(target=upgrade, args=[postgres])
        with caplog.at_level(logging.INFO, "gonemaster_db"):
            migrating.start()
            wait_until(lambda: caplog.text.count("the migration is waiting") >= 2)
            with postgres.transaction() as session:  # waits for the lock that the migration requests repeatedly
                session.execute(text("SELECT id FROM jobs LIMIT 1"))
            release()
            migrating.join()
    assert current_revision(postgres) == last


def test_a_migration_without_a_lock_fails_and_leaves_no_changes(
    postgres: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "LOCK_TIMEOUT_MS", 50)
    monkeypatch.setattr(runner, "LOCK_ATTEMPTS", 2)
    monkeypatch.setattr(runner, "PAUSE_S", (0.0, 0.0))
    write_revision(tmp_path, EXPAND)
    with revisions_of(tmp_path), holding(postgres, "SELECT id FROM jobs LIMIT 1"), pytest.raises(StoreConflict):
        upgrade(postgres)
    assert is_current(postgres)
    assert "next_table" not in inspect(postgres.engine).get_table_names()


def test_an_index_whose_build_was_killed_is_built_again(postgres: Store, tmp_path: Path) -> None:
    write_revision(tmp_path, EXPAND, number=1)
    last = write_revision(tmp_path, INDEX, number=2)
    dsn = postgres.settings.dsn
    with revisions_of(tmp_path):
        upgrade(postgres, revision=following(1))
    with holding(postgres, "LOCK TABLE runs IN ROW EXCLUSIVE MODE"):  # the build waits for writers
        process = subprocess.Popen([sys.executable, "-c", _KILLED, dsn, str(tmp_path)])
        wait_until(lambda: validity(dsn) == [(False,)], what="the index that is being built")
        process.send_signal(signal.SIGKILL)
        process.wait()
    with revisions_of(tmp_path):
        upgrade(postgres)
    assert validity(dsn) == [(True,)]
    assert current_revision(postgres) == last
    with postgres.read_only() as session:
        assert session.scalar(text("SHOW lock_timeout")) == "0"


def validity(dsn: str) -> list[tuple[bool]]:
    """Return whether PostgreSQL considers the index of the next release valid; empty if it does not exist."""
    with closing(psycopg2.connect(dsn)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass('ix_runs_next')")
        return cursor.fetchall()


class holding:  # noqa: N801  # used as a function
    """A transaction that has executed a statement and stays open until it is released or the block ends."""

    def __init__(self, store: Store, statement: str) -> None:
        self._connection = psycopg2.connect(store.settings.dsn)
        self._statement = statement

    def __enter__(self) -> Callable[[], None]:
        self._connection.cursor().execute(self._statement)
        return self._connection.rollback

    def __exit__(self, *_: object) -> None:
        self._connection.close()
