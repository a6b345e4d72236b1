"""Measure how long runs take to move from tables of entries to outcomes and documents, and back (migration 0009).

    python -m benchmarks.migration --driver postgres --runs 100000
    python -m benchmarks.migration --driver sqlite --runs 100000

Runs are as those of a sweep, 100 entries each. The disk is what tables and indexes take, of SQLite also its WAL, at the
beginning, at most, and at the end.
"""

from __future__ import annotations

import argparse
import logging
import random
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from hashlib import sha256
from itertools import count
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import text

from benchmarks.job_cost import DURABLE
from benchmarks.store import chosen_store
from benchmarks.sweep.sample import Drawn, Sweep, word
from gonemaster_db.core.base import UtcDateTime
from gonemaster_db.core.bulk import insert_into_table
from gonemaster_db.core.clock import utcnow
from gonemaster_db.core.ids import new_batch_id
from gonemaster_db.core.json_text import dump_json
from gonemaster_db.core.levels import worst
from gonemaster_db.core.session import Store, open_store
from gonemaster_db.migrations.runner import downgrade, upgrade

_OLD = "0007"
_BATCH = 10_000
_AT_A_TIME = 2_000
_TIMES = {"created_at", "started_at", "finished_at", "latest_run_at"}
_RUN = (
    "id", "domain", "domain_id", "batch_id", "status", "priority", "created_at", "started_at", "finished_at",
    "duration_ms", "attempt", "worker", "error", "sev_notice", "sev_warning", "sev_error", "sev_critical",
    "entry_count", "worst_level", "score", "grade", "findings_hash", "profile", "profile_name",
    "effective_profile_digest", "nameserver_timings", "config",
)  # fmt: skip
_ENTRY = ("id", "run_id", "domain_id", "timestamp", "module", "testcase", "tag", "level", "args")
_DOMAIN = ("id", "name", "created_at", "run_count")
_PROFILE = dump_json({"number": list(range(2000))})
_DIGEST = sha256(_PROFILE.encode()).hexdigest()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--driver", choices=("postgres", "sqlite"), default="postgres")
    parser.add_argument("--runs", type=int, default=100_000)
    given = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    logging.getLogger("alembic").setLevel(logging.WARNING)
    with chosen_store(given.driver, "", postgres=DURABLE) as settings:
        store = open_store(settings)
        begin = time.monotonic()
        fill(store, given.runs)
        print(f"{given.runs} runs written in {time.monotonic() - begin:.0f} s", flush=True)
        measure(store, "up", lambda: upgrade(store))
        measure(store, "down", lambda: downgrade(store, revision=_OLD))
        store.close()


def measure(store: Store, name: str, migrate: Any) -> None:
    before = disk(store)
    begin, cpu = time.monotonic(), time.process_time()
    with watched(store) as sizes:
        migrate()
    took, cpu = time.monotonic() - begin, time.process_time() - cpu
    print(
        f"{name}: {took:.0f} s, {cpu:.0f} s of CPU of this process; disk {before / 1e6:.0f} MB before,"
        f" {max(sizes) / 1e6:.0f} at most, {disk(store) / 1e6:.0f} after",
        flush=True,
    )


@contextmanager
def watched(store: Store) -> Iterator[Sequence[int]]:
    """Note the disk each second."""
    ended, sizes = threading.Event(), [disk(store)]

    def watch() -> None:
        while not ended.wait(1):
            sizes.append(disk(store))

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield sizes
    finally:
        ended.set()
        thread.join()


def disk(store: Store) -> int:
    if store.engine.dialect.name == "sqlite":
        path = Path(store.settings.dsn)
        return sum(file.stat().st_size for file in path.parent.glob(f"{path.name}*"))
    with store.read_only() as session:
        return int(session.execute(text("SELECT pg_database_size(current_database())")).scalar_one())


def fill(store: Store, runs: int) -> None:
    """Write runs with the tables of migration 0007; indexes are created at the end."""
    upgrade(store, revision=_OLD)
    indexes = list(drop_indexes(store))
    sweep, rng, entry_ids, written = Sweep(), random.Random(1), count(1), 0
    insert(store, "effective_profiles", ("digest", "document", "created_at"), [(_DIGEST, _PROFILE, utcnow())])
    for first in range(0, runs, _BATCH):
        batch_id = new_batch_id()
        insert_batch(store, batch_id)
        for start in range(first, min(first + _BATCH, runs), _AT_A_TIME):
            numbers = range(start, min(start + _AT_A_TIME, runs))
            drawn = [(number, sweep.draw(f"{word(number)}.example", rng)) for number in numbers]
            insert(
                store, "domains", _DOMAIN, [(number + 1, f"{word(number)}.example", utcnow(), 1) for number in numbers]
            )
            insert(store, "runs", _RUN, [run_row(sweep, number, one, batch_id) for number, one in drawn])
            insert(store, "entries", _ENTRY, entry_rows(sweep, drawn, entry_ids))
            written += len(drawn)
    with store.transaction() as session:
        for index in indexes:
            session.execute(text(index))
        session.execute(text("UPDATE domains SET latest_run_id = (SELECT id FROM runs WHERE domain_id = domains.id)"))
    tidy(store)


def run_id(number: int) -> str:
    return f"job_{number:09d}0000000000"


def run_row(sweep: Sweep, number: int, drawn: Drawn, batch_id: str) -> Sequence[Any]:
    now, levels = utcnow(), sweep.levels(drawn)
    severities = [levels[level] for level in ("NOTICE", "WARNING", "ERROR", "CRITICAL")]
    return (
        run_id(number), f"{word(number)}.example", number + 1, batch_id, "succeeded", 1, now,
        now, now + timedelta(milliseconds=drawn.duration_ms), drawn.duration_ms, 1, "celery@worker-1", "", *severities,
        len(drawn.kinds), worst(levels), drawn.score, drawn.grade, number, "", "default", _DIGEST,
        dump_json(drawn.timing_records()), "{}",
    )  # fmt: skip


def entry_rows(sweep: Sweep, drawn: Sequence[tuple[int, Drawn]], ids: Iterator[int]) -> Iterator[Sequence[Any]]:
    for number, one in drawn:
        for time_us, kind, args in zip(one.times_us, one.kinds, one.args, strict=True):
            yield next(ids), run_id(number), number + 1, time_us / 1e6, *sweep.kinds[kind], args


def insert(store: Store, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    types = [sa.column(name, UtcDateTime() if name in _TIMES else sa.Text()) for name in columns]
    with store.transaction() as session:
        insert_into_table(session.connection(), sa.table(table, *types), columns, rows)


def insert_batch(store: Store, batch_id: str) -> None:
    columns = ("id", "tag", "created_at", "domain_count", "description", "snapshot_intent", "origin")
    types = [sa.column(name, UtcDateTime() if name in _TIMES else sa.Text()) for name in columns[:-2]]
    table = sa.table("batches", *types, sa.column("snapshot_intent", sa.Boolean()), sa.column("origin", sa.Text()))
    with store.transaction() as session:
        insert_into_table(session.connection(), table, columns, [(batch_id, "", utcnow(), _BATCH, "", False, "")])


def drop_indexes(store: Store) -> Iterator[str]:
    """Drop the indexes of runs and entries; returns the statements that create them."""
    if store.engine.dialect.name == "postgresql":
        query = (
            "SELECT indexname, indexdef FROM pg_indexes WHERE tablename IN ('runs', 'entries')"
            " AND indexname LIKE 'ix\\_%'"
        )
    else:
        query = (
            "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name IN ('runs', 'entries') AND sql <> ''"
        )
    with store.transaction() as session:
        for name, statement in session.execute(text(query)).all():
            session.execute(text(f"DROP INDEX {name}"))
            yield statement


def tidy(store: Store) -> None:
    with store.engine.connect() as connection:
        raw: Any = connection.connection.driver_connection
        if connection.dialect.name == "sqlite":
            raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            return
        raw.autocommit = True
        raw.cursor().execute("VACUUM ANALYZE")
        raw.autocommit = False


if __name__ == "__main__":
    main()
