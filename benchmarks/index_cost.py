"""Measure what the indexes of runs cost when a run is stored: CPU and WAL of inserts into a seeded PostgreSQL database.

    python -m benchmarks.index_cost --seeded DSN --revisions 0002 0003

Runs are copied one a transaction, as a worker stores them, at each revision in turn. The database is changed by that:
give a copy.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import text

from gonemaster_db.engine import autocommit_engine
from gonemaster_db.migrations.runner import current_revision, downgrade, upgrade
from gonemaster_db.session import Store, open_store
from gonemaster_db.settings import StoreSettings

_COPIED = """
    INSERT INTO runs ({columns})
    SELECT {values} FROM runs WHERE id = :id
"""
_WAL = "SELECT pg_current_wal_insert_lsn() - '0/0'"
_COLUMNS = (
    "domain", "domain_id", "batch_id", "status", "priority", "attempt", "error", "sev_notice", "sev_warning",
    "sev_error", "sev_critical", "entry_count", "worst_level", "grade", "profile", "profile_name",
    "effective_profile_digest", "nameserver_timings", "config",
)  # fmt: skip
_CHANGED = {
    "id": "'job_' || :name",
    "created_at": "now()",
    "started_at": "now()",
    "finished_at": "now()",
    "duration_ms": "(random() * 60000)::int",
    "score": "(random() * 100)::int",
}


def measure(store: Store, name: str, count: int) -> tuple[float, float]:
    """Store `count` runs; gives microseconds of CPU of the server and bytes of WAL a run, without whole pages."""
    columns = [*_COLUMNS, *_CHANGED]
    statement = text(_COPIED.format(columns=", ".join(columns), values=", ".join([*_COLUMNS, *_CHANGED.values()])))
    with autocommit_engine(store.engine).connect() as connection:
        pid = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
        connection.execute(text("SET synchronous_commit = off"))
        cpu = Path(f"/proc/{pid}/schedstat")
        chosen = [f"job_{number:019d}" for number in range(0, count * 37, 37)]
        before, begin = connection.execute(text(_WAL)).scalar_one(), int(cpu.read_text().split()[0])
        for number, run_id in enumerate(chosen):
            connection.execute(statement, {"id": run_id, "name": f"{name}_{number:09d}"})
        end, after = int(cpu.read_text().split()[0]), connection.execute(text(_WAL)).scalar_one()
    return (end - begin) / count / 1000, float(after - before) / count


def at_revisions(store: Store, revisions: list[str]) -> Iterator[str]:
    for revision in revisions:
        if (current_revision(store) or "") > revision:
            downgrade(store, revision=revision)
        else:
            upgrade(store, revision=revision)
        yield revision


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seeded", required=True, metavar="DSN", help="full_page_writes should be off")
    parser.add_argument("--revisions", nargs="+", required=True)
    parser.add_argument("--runs", type=int, default=4000)
    options = parser.parse_args()
    store = open_store(StoreSettings(driver="postgres", dsn=options.seeded))
    for place, revision in enumerate(at_revisions(store, options.revisions)):
        measure(store, f"warm{place}", options.runs // 4)
        cpu, wal = measure(store, f"cost{place}", options.runs)
        print(f"{revision}: {cpu:.0f} us of CPU and {wal:.0f} bytes of WAL a run", flush=True)
    store.close()


if __name__ == "__main__":
    main()
