"""Runs move from tables of entries to outcomes and documents and back, whole, whatever interrupts it."""

import json
import logging
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from gonemaster_db.core.errors import StoreError
from gonemaster_db.core.ids import batch_key
from gonemaster_db.core.session import Store
from gonemaster_db.migrations.run_store import backward, forward, progress
from gonemaster_db.migrations.runner import current_revision, differences, downgrade, is_current, upgrade
from gonemaster_db.models import Batch, Domain, Run
from gonemaster_db.runs.counters import read_counts
from gonemaster_db.runs.newest_outcomes import note_outcomes
from tests.support.old_runs import OLD, OldTables, contents, fingerprint, make_old_store, schema
from tests.support.rows import make_run, record
from tests.support.stores import DRIVERS, MakeSettings, opened
from tests.support.threads import together

RUNS = 40
CHUNK_RUNS = forward.CHUNK_RUNS
_TEXTS = st.text(st.characters(codec="utf-8")) | st.text('\\" ,:{}[]\n', max_size=8)
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | _TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_TEXTS, inner, max_size=4),
    max_leaves=12,
)


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forward, "CHUNK_RUNS", 7)
    monkeypatch.setattr(backward, "CHUNK_RUNS", 7)


def rows_of_all_tables(store: Store) -> Mapping[str, list[Any]]:
    """Read every row as it is, without the times at which outcomes were created."""
    tables = OldTables(store).named
    found = {}
    with store.read_only() as session:
        for name, table in tables.items():
            columns = [column for column in table.c if (name, column.name) != ("outcomes", "created_at")]
            found[name] = sorted(map(str, session.execute(sa.select(*columns))))
    return found


class Interrupted(Exception):
    """Stands for whatever ends a migration in the middle."""


def interrupt_at(monkeypatch: pytest.MonkeyPatch, module: Any, call: int) -> None:
    """Let the migration end before it moves this chunk."""
    move, calls = module._move_runs, Counter[str]()

    def interrupted(*arguments: Any, **options: Any) -> None:
        calls["chunks"] += 1
        if calls["chunks"] == call:
            raise Interrupted
        move(*arguments, **options)

    monkeypatch.setattr(module, "_move_runs", interrupted)


def test_everything_of_a_run_moves_there_and_back(empty_store: Store) -> None:
    make_old_store(empty_store, runs=RUNS)
    before, tables_before = contents(empty_store), schema(empty_store)
    assert sum(len(run["entries"]) for run in before["runs"]) > 2 * RUNS

    upgrade(empty_store)
    assert is_current(empty_store)
    assert differences(empty_store) == []
    assert contents(empty_store) == before

    downgrade(empty_store, revision=OLD)
    assert schema(empty_store) == tables_before
    assert contents(empty_store) == before


@given(st.lists(JSON_VALUES))
def test_json_of_postgres_is_written_without_spaces_and_otherwise_as_it_is(values: list[Any]) -> None:
    texts = [json.dumps(value, ensure_ascii=False) for value in values]  # spaced as PostgreSQL does
    assert forward._compact(texts) == [json.dumps(value, ensure_ascii=False, separators=(",", ":")) for value in values]


def test_runs_share_outcomes_and_counters_are_those_of_the_runs(empty_store: Store) -> None:
    make_old_store(empty_store, runs=RUNS)
    upgrade(empty_store)
    empty_store.run_in_transaction(note_outcomes)
    with empty_store.read_only() as session:
        runs = session.scalars(sa.select(Run)).all()
        with_entries = [run.outcome_id for run in runs if run.entry_count]
        assert None not in with_entries
        assert 1 < len(set(with_entries)) < len(with_entries)
        assert {run.outcome_id for run in runs if not run.entry_count} == {None}
        outcomes = {run.id: run.outcome_id for run in runs}
        newest = session.execute(sa.select(Domain.latest_run_id, Domain.latest_outcome_id)).all()
        assert any(outcome_id for _, outcome_id in newest)
        assert all(outcome_id == outcomes.get(run_id or "") for run_id, outcome_id in newest)
        for key in (None, *{run.batch_key for run in runs}):
            of_batch = [run for run in runs if key in (None, run.batch_key)]
            counted = Counter((run.status, run.worst_level, run.grade) for run in of_batch)
            groups = read_counts(session, key)
            assert {(group.status, group.level, group.grade): number for group, number in groups.items()} == counted


def test_batches_have_keys_in_the_order_of_their_ids(empty_store: Store) -> None:
    make_old_store(empty_store, runs=3)
    upgrade(empty_store)
    with empty_store.read_only() as session:
        batches = session.execute(sa.select(Batch.id, Batch.key).order_by(Batch.id)).all()
    assert [key for _, key in batches] == sorted(batch_key(batch_id) for batch_id, _ in batches)


def test_the_store_works_after_the_migration(empty_store: Store) -> None:
    make_old_store(empty_store, runs=RUNS)
    upgrade(empty_store)
    run = make_run(empty_store, "d1.example", record("INFO", "ERROR"))
    with empty_store.read_only() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Run)) == RUNS + 1
    downgrade(empty_store, revision=OLD)
    assert run.id in {row["id"] for row in contents(empty_store)["runs"]}
    upgrade(empty_store)
    assert make_run(empty_store, "d1.example").key > RUNS


@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize("seed", [1])
def test_a_migration_that_is_killed_again_and_again_ends_as_one_that_was_not(
    make_store_settings: MakeSettings, driver: Any, seed: int
) -> None:
    with ExitStack() as stack:
        stores = []
        for _ in range(2):
            stores.append(stack.enter_context(opened(make_store_settings(driver, empty=True))))
            make_old_store(stores[-1], runs=RUNS, seed=seed)
        killed, undisturbed = stores
        before = contents(killed)
        for direction, migrate in DIRECTIONS.items():
            killed.close()  # its connections would be idle meanwhile
            kills = kill_migration(driver, killed.settings.dsn, seed, direction, chunk=5)
            assert kills >= 8
            migrate(undisturbed)
            assert current_revision(killed) == current_revision(undisturbed)
            assert rows_of_all_tables(killed) == rows_of_all_tables(undisturbed)
            assert contents(killed) == before
            assert schema(killed) == schema(undisturbed)


DIRECTIONS: Mapping[str, Callable[[Store], None]] = {
    "up": upgrade,
    "down": lambda store: downgrade(store, revision=OLD),
}


def kill_migration(driver: str, dsn: str, seed: int, direction: str, *, chunk: int) -> int:
    """Return how often the migration was killed before it came to its end."""
    command = [sys.executable, "-m", "tests.support.killed_migration", driver, dsn, str(seed), direction, str(chunk)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return len(done.stdout.split())


@pytest.mark.parametrize("chunk", [1, 3])
def test_a_step_back_from_the_middle_takes_the_old_tables_back(
    empty_store: Store, monkeypatch: pytest.MonkeyPatch, chunk: int
) -> None:
    make_old_store(empty_store, runs=RUNS)
    before, tables_before = contents(empty_store), schema(empty_store)
    with monkeypatch.context() as patch:
        interrupt_at(patch, forward, chunk)
        with pytest.raises(Interrupted):
            upgrade(empty_store)
    assert current_revision(empty_store) == "0008"
    assert not is_current(empty_store)
    downgrade(empty_store, revision=OLD)
    assert contents(empty_store) == before
    assert schema(empty_store) == tables_before


def test_a_step_forward_from_the_middle_of_one_back_takes_the_new_tables_back(
    empty_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_old_store(empty_store, runs=RUNS)
    upgrade(empty_store)
    before, rows_before = contents(empty_store), rows_of_all_tables(empty_store)
    with monkeypatch.context() as patch:
        interrupt_at(patch, backward, 3)
        with pytest.raises(Interrupted):
            downgrade(empty_store, revision=OLD)
    assert current_revision(empty_store) == "0008"
    upgrade(empty_store)
    assert differences(empty_store) == []
    assert contents(empty_store) == before
    assert rows_of_all_tables(empty_store) == rows_before


def test_processes_that_start_at_once_move_each_run_once(empty_store: Store, caplog: pytest.LogCaptureFixture) -> None:
    make_old_store(empty_store, runs=RUNS)
    before = contents(empty_store)
    with caplog.at_level(logging.INFO, "gonemaster_db"):
        assert together(*[lambda: upgrade(empty_store)] * 3) == [None] * 3
    assert contents(empty_store) == before
    messages = Counter(line.getMessage() for line in caplog.records)
    assert messages["runs are moved to other tables"] == 1
    assert messages["another process migrates the database: waiting for its end"] >= 1


def test_progress_is_logged(
    empty_store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    make_old_store(empty_store, runs=RUNS)
    monkeypatch.setattr(progress, "LOG_EVERY_S", 0.0)
    with caplog.at_level(logging.INFO, "gonemaster_db"):
        upgrade(empty_store)
    lines = [vars(line) for line in caplog.records if line.getMessage() == "runs move"]
    assert [line["done"] for line in lines] == [7, 14, 21, 28, 35, 40]
    assert {line["of"] for line in lines} == {RUNS}
    assert all(line["per_second"] >= 0 and line["seconds_left"] >= 0 for line in lines)
    assert lines[-1]["seconds_left"] == 0
    assert any(line.getMessage() == "indexes are created" for line in caplog.records)


def test_a_chunk_has_fewer_runs_where_they_have_many_entries(
    empty_store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    make_old_store(empty_store, runs=RUNS)
    before = contents(empty_store)
    monkeypatch.setattr(forward, "CHUNK_ENTRIES", 1)
    monkeypatch.setattr(progress, "LOG_EVERY_S", 0.0)
    with caplog.at_level(logging.INFO, "gonemaster_db"):
        upgrade(empty_store)
    assert len([line for line in caplog.records if line.getMessage() == "runs move"]) > RUNS / 3
    assert contents(empty_store) == before


def test_a_damaged_document_moves_back_without_arguments(empty_store: Store) -> None:
    make_old_store(empty_store, runs=RUNS)
    upgrade(empty_store)
    with empty_store.transaction() as session:
        key, run_id = session.execute(sa.select(Run.key, Run.id).where(Run.entry_count > 0).limit(1)).one()
        session.execute(
            sa.text("UPDATE run_documents SET document = :junk WHERE run_key = :key"), {"junk": b"x", "key": key}
        )
    downgrade(empty_store, revision=OLD)
    run = next(row for row in contents(empty_store)["runs"] if row["id"] == run_id)
    assert len(run["entries"]) == run["entry_count"]
    assert {str(entry[-1]) for entry in run["entries"]} == {"{}"}


def test_batches_with_the_same_key_refuse_the_migration_and_nothing_changes(empty_store: Store) -> None:
    make_old_store(empty_store, runs=RUNS)
    with empty_store.transaction() as session:
        rows = [{"id": f"batch_00000000A0{end}00000000"} for end in "01"]
        copy = sa.text(
            "INSERT INTO batches (id, tag, created_at, domain_count, description, snapshot_intent, origin)"
            " SELECT :id, tag, created_at, domain_count, description, snapshot_intent, origin FROM batches LIMIT 1"
        )
        rows = [{"id": f"batch_00000000A00{end}0000000"} for end in "01"]
        session.execute(copy, rows)
    before, tables_before = contents(empty_store), schema(empty_store)
    with pytest.raises(StoreError, match="the same key"):
        upgrade(empty_store)
    assert current_revision(empty_store) == OLD
    assert contents(empty_store) == before
    assert schema(empty_store) == tables_before


def test_sqlite_gives_the_space_of_old_rows_back(make_store_settings: MakeSettings) -> None:
    settings = make_store_settings("sqlite", empty=True)
    with opened(settings) as store:
        make_old_store(store, runs=300)
        with store.engine.connect() as connection:
            connection.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        before = Path(settings.dsn).stat().st_size
        upgrade(store)
        assert Path(settings.dsn).stat().st_size < before / 2
        with store.read_only() as session:
            assert session.scalar(sa.text("PRAGMA freelist_count")) == 0
    assert not Path(f"{settings.dsn}-migration").exists()


@pytest.mark.slow
@pytest.mark.timeout(0)
@pytest.mark.skipif("GONEMASTER_MIGRATION_RUNS" not in os.environ, reason="set GONEMASTER_MIGRATION_RUNS to 100000")
@pytest.mark.parametrize("driver", DRIVERS)
def test_many_runs_move_there_and_back_through_kills(make_store_settings: MakeSettings, driver: Any) -> None:
    with opened(make_store_settings(driver, empty=True)) as store:
        make_old_store(store, runs=int(os.environ["GONEMASTER_MIGRATION_RUNS"]))
        before, tables_before = fingerprint(store), schema(store)
        for direction in DIRECTIONS:
            store.close()
            assert kill_migration(driver, store.settings.dsn, 1, direction, chunk=CHUNK_RUNS) >= 4
            assert fingerprint(store) == before
        assert schema(store) == tables_before
