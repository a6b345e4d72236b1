"""Tests of Zonemaster-Backend become runs, once, from each kind of database."""

from __future__ import annotations

import gzip
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Any

import pytest

from gonemaster_db.batches.batches import list_batches, summarise_batch
from gonemaster_db.core.filters import RunFilter
from gonemaster_db.core.ids import id_of_test
from gonemaster_db.core.session import Store
from gonemaster_db.models import Run, RunStatus
from gonemaster_db.runs.entries import entries_of_run
from gonemaster_db.runs.runs import get_run, list_runs
from gonemaster_db.zonemaster import dump
from gonemaster_db.zonemaster.source import SourceRefused
from gonemaster_engine.findings.messages import message
from gonemaster_engine.scoring.config import DEFAULT_CONFIG
from gonemaster_tasks.imports import zonemaster
from gonemaster_tasks.imports.zonemaster import ImportReport, import_zonemaster
from tests.support.postgres import PostgresServer
from tests.support.zonemaster_backend import Backend, recorded


@pytest.fixture
def backend() -> Backend:
    """A database with a batch, single tests, and tests that cannot be imported."""
    content = Backend()
    number = content.add_batch("anna", "2025-11-01 09:59:00")
    content.add_batch("bo", "2025-11-01 09:59:00")
    for domain, entries in recorded().items():
        content.add(domain, entries, batch_id=number)
    first = next(iter(recorded().values()))
    ds = [{"keytag": 1, "algorithm": 13, "digtype": 2, "digest": "aa"}]
    params = {"domain": "own.example", "nameservers": [{"ns": "ns1.example", "ip": "192.0.2.1"}], "ds_info": ds}
    content.add("own.example", first, params=params | {"ipv6": False}, undelegated=1)
    content.add("waiting.example", progress=0, started_at=None, ended_at=None)
    content.add("a..b", first)
    content.add("empty.example")
    died = {"level": "CRITICAL", "module": "Backend", "testcase": "", "tag": "TEST_DIED", "timestamp": 1.0, "args": {}}
    content.add("died.example", [*first, died])
    content.add("lost.example", first, batch_id=77)
    return content


Do = Callable[..., ImportReport]


@pytest.fixture
def do(store: Store) -> Do:
    def run(name: Path | str) -> ImportReport:
        return import_zonemaster(store, str(name), DEFAULT_CONFIG, report=lambda _: None, processes=1)

    return run


def runs_in(store: Store) -> dict[str, Run]:
    with store.read_only() as session:
        return {run.domain: run for run in list_runs(session, RunFilter(), limit=500).items}


def test_tests_become_runs_once(backend: Backend, do: Do, store: Store, tmp_path: Path) -> None:
    source = tmp_path / "zonemaster.sqlite"
    backend.write_sqlite(source)
    found = do(source)
    taken = len(recorded()) + 4
    assert (found.total, found.done, found.runs, found.known, found.batches) == (taken + 2, taken + 2, taken, 0, 2)
    assert found.problems == {
        zonemaster.UNFINISHED: 1,
        zonemaster.INVALID_NAME: 1,
        zonemaster.NO_RESULT: 1,
        zonemaster.UNKNOWN_BATCH: 1,
    }
    assert found.examples[zonemaster.INVALID_NAME] == ["a..b"]
    runs = runs_in(store)
    assert len(runs) == taken
    with store.read_only() as session:
        own = get_run(session, runs["own.example"].id)
    assert (own.status, own.worker, own.duration_ms) == (RunStatus.SUCCEEDED, "zonemaster", 20_000)
    assert own.created_at.isoformat() == "2025-11-01T10:00:00+00:00"
    assert own.config["nameservers"] == [{"ns": "ns1.example", "ip": "192.0.2.1"}]
    assert own.config["ipv6_disabled"]
    assert id_of_test(own.public_id) in {test["hash_id"] for test in backend.tests if test["domain"] == own.domain}
    assert [runs[name].status for name in ("empty.example", "died.example")] == [RunStatus.FAILED] * 2
    assert "TEST_DIED" in runs["died.example"].error
    assert runs["lost.example"].batch_id is None
    for domain in recorded():
        assert runs[domain].score is not None
    with store.read_only() as session:
        batches = {each.batch.name: each.batch for each in list_batches(session, limit=10).items}
        batch = batches["Zonemaster batch 1"]
        assert summarise_batch(session, batch.id).status_counts["succeeded"] == len(recorded())
        assert "user anna" in batch.description
    again = do(source)
    assert (again.runs, again.known, again.batches) == (0, taken, 0)
    assert len(runs_in(store)) == taken
    assert all(run.score == runs[name].score for name, run in runs_in(store).items())


def test_an_import_that_was_stopped_continues(
    backend: Backend, do: Do, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "zonemaster.sqlite"
    backend.write_sqlite(source)
    monkeypatch.setattr(zonemaster, "BLOCK", 2)

    class Stopped(Exception):
        pass

    def stop(found: ImportReport) -> None:
        if found.runs >= 2:
            raise Stopped

    with pytest.raises(Stopped):
        import_zonemaster(store, str(source), DEFAULT_CONFIG, report=stop, processes=1)
    before = len(runs_in(store))
    assert 2 <= before < len(recorded()) + 4
    assert do(source).known == before
    assert len(runs_in(store)) == len(recorded()) + 4


@pytest.mark.parametrize("packed", [False, True])
def test_a_dump_of_mysql_gives_the_same_runs(
    backend: Backend, do: Do, store: Store, tmp_path: Path, packed: bool
) -> None:
    text = backend.dump()
    source = tmp_path / "zonemaster.sql"
    source.write_bytes(gzip.compress(text.encode()) if packed else text.encode())
    found = do(source)
    assert (found.runs, found.batches) == (len(recorded()) + 4, 2)
    plain = tmp_path / "zonemaster.sqlite"
    backend.write_sqlite(plain)
    assert do(plain).runs == 0, "the runs are those of the other database"


def test_a_dump_is_read_in_parts(backend: Backend, do: Do, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dump, "PART_OCTETS", 100)  # most rows, and even their values, are longer
    hidden = "INSERT INTO `test_results` VALUES (1);"
    skipped = f"INSERT INTO `users` VALUES ('{'x' * 71}{hidden}');\n"  # its second part starts with this statement
    text = skipped + backend.dump().replace("),(", "),\n  (") + skipped
    source = tmp_path / "zonemaster.sql"
    source.write_text(text)
    assert do(source).runs == len(recorded()) + 4
    plain = tmp_path / "zonemaster.sqlite"
    backend.write_sqlite(plain)
    assert do(plain).runs == 0, "the runs are those of the other database"


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (f"1,'{'x' * 2_000_000}'", "a value has more than 1 MiB"),
        ("1," * 1_000_000 + "1", "more than 2 values"),
        ("1,'a' 'b'", "malformed row near"),
        (f"1{' ' * 2_000_000},2", "malformed row near"),
    ],
    ids=["value", "row", "malformed", "space"],
)
def test_memory_for_a_dump_is_bounded(
    do: Do, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, row: str, reason: str
) -> None:
    monkeypatch.setattr(dump, "MAX_VALUE_OCTETS", 1 << 20)
    source = tmp_path / "zonemaster.sql"
    source.write_text(f"-- MySQL dump 10.13\nINSERT INTO `log_level` VALUES ({row});\n")
    with pytest.raises(SourceRefused, match=reason):
        do(source)


def test_a_database_of_postgresql_gives_the_same_runs(
    backend: Backend, do: Do, postgres_server: PostgresServer, tmp_path: Path
) -> None:
    name = postgres_server.create_database()
    url = postgres_server.url(name)
    backend.write_postgres(url)
    try:
        assert do(url).runs == len(recorded()) + 4
        plain = tmp_path / "zonemaster.sqlite"
        backend.write_sqlite(plain)
        assert do(plain).runs == 0, "the runs are those of the other database"
        with pytest.raises(SourceRefused, match="cannot be read"):
            do(url + "_none")
    finally:
        postgres_server.drop_database(name)


def test_entries_have_the_names_of_this_engine(backend: Backend, do: Do, store: Store, tmp_path: Path) -> None:
    source = tmp_path / "zonemaster.sqlite"
    backend.write_sqlite(source)
    do(source)
    runs = runs_in(store)
    texts = []
    for domain, rows in recorded().items():
        with store.read_only() as session:
            entries = entries_of_run(session, runs[domain].id)
        assert len(entries) == len(rows), "no entry is lost"
        assert [entry.level for entry in entries] == [row["level"] for row in rows]
        assert all(entry.module == entry.module.upper() for entry in entries)
        texts += [message(entry.tag, entry.module, entry.args) for entry in entries if entry.testcase]
    incomplete = [text for text in texts if "(not given)" in text]
    assert len(incomplete) * 20 < len(texts), incomplete[:20]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "there is no file"),
        (b"no database at all, and not a dump either", "cannot be read"),
        (b"-- MySQL dump 10.13\nINSERT INTO `test_results` VALUES (1,'a\n", "in the middle of a statement"),
        (gzip.compress(b"-- MySQL dump 10.13\n" * 1000)[:40], "cannot be read"),
        (gzip.compress(Random(1).randbytes(9000))[:5000] + b"x" * 5000, "cannot be read"),
        (b"-- MySQL dump 10.13\nINSERT INTO `log_level` VALUES (1,2,3);\n", "more than 2 values"),
        (b"-- MySQL dump 10.13\nINSERT INTO `log_level` VALUES (1);\n", "1 values instead of 2"),
    ],
    ids=["absent", "text", "cut statement", "cut gzip", "damaged gzip", "more columns", "fewer columns"],
)
def test_sources_that_cannot_be_read_are_refused(do: Do, tmp_path: Path, content: bytes | None, reason: str) -> None:
    source = tmp_path / "source"
    if content is not None:
        source.write_bytes(content)
    with pytest.raises(SourceRefused, match=reason):
        do(source)


def test_a_wrong_name_of_a_source_is_refused(do: Do) -> None:
    with pytest.raises(SourceRefused, match="cannot be read"):
        do("postgresql://user@host:port/name")


@pytest.mark.parametrize(
    "fields",
    [
        {"params": {"nameservers": ["text"]}},
        {"params": {"nameservers": 5}},
        {"params": {"ds_info": {"keytag": 1}}},
    ],
)
def test_a_damaged_test_does_not_end_the_import(do: Do, tmp_path: Path, fields: dict[str, Any]) -> None:
    source = tmp_path / "zonemaster.sqlite"
    content = Backend()
    first = next(iter(recorded().values()))
    damaged = content.add("damaged.example", first, **fields)
    content.add("good.example", first)
    content.write_sqlite(source)
    found = do(source)
    assert (found.done, found.runs) == (2, 1)
    assert found.examples == {zonemaster.DAMAGED: [damaged]}


def test_damaged_times_and_entries_do_not_end_the_import(do: Do, store: Store, tmp_path: Path) -> None:
    source = tmp_path / "zonemaster.sqlite"
    content = Backend()
    first = next(iter(recorded().values()))
    zero = "0000-00-00 00:00:00"
    content.add("times.example", first, created_at=zero, started_at=zero, ended_at=zero)
    content.add("entries.example", [*first, {**first[0], "timestamp": "later"}, {**first[0], "args": ["text"]}])
    content.write_sqlite(source)
    found = do(source)
    assert (found.done, found.runs) == (2, 2)
    assert found.problems == {zonemaster.INVALID_ENTRY: 1}
    assert runs_in(store)["times.example"].created_at.year == 1970
    assert do(source).known == 2


def test_an_old_database_is_refused_with_advice(do: Do, tmp_path: Path) -> None:
    source = tmp_path / "old.sqlite"
    with closing(sqlite3.connect(source)) as database:
        database.execute("CREATE TABLE test_results (id integer, hash_id text)")
    with pytest.raises(SourceRefused, match="migrated with its own scripts"):
        do(source)
