"""The write-ahead log of PostgreSQL by table, index and kind of record, read with pg_waldump on the same machine."""

from __future__ import annotations

import re
import subprocess
from collections import Counter
from pathlib import Path

from sqlalchemy import text

from gonemaster_db.core.session import Store
from tests.support.postgres import find_binaries

_RECORD = re.compile(r"rmgr: (\S+)\s+len \(rec/tot\):\s*\d+/\s*(\d+),.*? desc: (\S+)")
_RELATION = re.compile(r"blkref #\d+: rel \d+/\d+/(\d+)")
_NAMES = (
    "SELECT c.relfilenode, coalesce(p.relname || ' (toast)', c.relname) FROM pg_class c"
    " LEFT JOIN pg_class p ON p.reltoastrelid = c.oid WHERE c.relfilenode <> 0"
)


def position(store: Store) -> str:
    """Return the end of the log."""
    return _value(store, "SELECT pg_current_wal_insert_lsn()")


def octets_by_object(store: Store, start: str, end: str) -> Counter[tuple[str, str]]:
    """Return the bytes of the log between two positions by object and kind of record.

    A record that changes several objects counts for the first one.
    """
    with store.read_only() as session:
        names = {str(number): str(name) for number, name in session.execute(text(_NAMES))}
    sums: Counter[tuple[str, str]] = Counter()
    for line in _records(store, start, end):
        if record := _RECORD.match(line):
            manager, octets, description = record.groups()
            relation = _RELATION.search(line)
            name = names.get(relation[1], relation[1]) if relation else "(no object)"
            sums[str(name), f"{manager} {description}"] += int(octets)
    return sums


def print_objects(sums: Counter[tuple[str, str]], jobs: int, *, least: int = 5) -> None:
    """Print the bytes of a job by object, and the kinds of its records."""
    objects: dict[str, Counter[str]] = {}
    for (name, kind), octets in sums.items():
        objects.setdefault(name, Counter())[kind] += octets
    for name, kinds in sorted(objects.items(), key=lambda item: -item[1].total()):
        if kinds.total() >= least * jobs:
            parts = ", ".join(f"{kind} {octets / jobs:.0f}" for kind, octets in kinds.most_common(4))
            print(f"  {kinds.total() / jobs:7.0f}  {name}: {parts}")


def _records(store: Store, start: str, end: str) -> list[str]:
    _value(store, "SELECT pg_switch_wal()")  # the rest is written to the file
    folder = Path(_value(store, "SHOW data_directory")) / "pg_wal"
    command: list[str | Path] = [find_binaries() / "pg_waldump", "-p", folder, "-s", start, "-e", end]
    # At the end of the log, pg_waldump fails after the last record.
    output: str = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    return output.splitlines()


def _value(store: Store, query: str) -> str:
    with store.read_only() as session:
        return str(session.execute(text(query)).scalar_one())
