"""PostgreSQL databases that tests reuse: cleaning a database is much cheaper than copying the template."""

from __future__ import annotations

import time
from typing import Any

import psycopg2

from tests.support.postgres import PostgresServer

# Larger tables leave large indexes, which VACUUM does not shrink.
_MAX_OCTETS = 1 << 20
_END_S = 20
_OTHERS = "datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
# Objects that initdb did not create have an OID of 16384 or higher; copies keep the OIDs of their template.
_SHAPE = """
    SELECT md5(string_agg(line, '|' ORDER BY line)) FROM (
        SELECT concat('relation', oid, relname, relkind, relchecks, relhastriggers, reloptions) AS line
        FROM pg_class WHERE oid >= 16384 AND relnamespace <> 'pg_toast'::regnamespace
        UNION ALL SELECT concat('column', attrelid, attnum, attname, atttypid, atttypmod, attnotnull, attisdropped)
        FROM pg_attribute WHERE attrelid >= 16384
        UNION ALL SELECT concat('constraint', oid, conname) FROM pg_constraint WHERE oid >= 16384
        UNION ALL SELECT concat('default', oid) FROM pg_attrdef WHERE oid >= 16384
        UNION ALL SELECT concat('trigger', oid, tgenabled) FROM pg_trigger WHERE oid >= 16384
        UNION ALL SELECT concat('function', oid) FROM pg_proc WHERE oid >= 16384
        UNION ALL SELECT concat('type', oid) FROM pg_type WHERE oid >= 16384
        UNION ALL SELECT concat('schema', oid) FROM pg_namespace WHERE oid >= 16384
        UNION ALL SELECT concat('extension', oid) FROM pg_extension WHERE oid >= 16384
        UNION ALL SELECT concat('statistics', starelid, staattnum) FROM pg_statistic WHERE starelid >= 16384
        UNION ALL SELECT concat('setting', setrole, setconfig) FROM pg_db_role_setting
    ) AS lines
"""
_SIZES = """
    SELECT oid::regclass::text, pg_relation_size(oid) FROM pg_class
    WHERE oid >= 16384 AND relkind = 'r' AND pg_relation_size(oid) > 0
"""
_RESTART_SEQUENCES = "SELECT setval(seqrelid, seqstart, false) FROM pg_sequence WHERE seqrelid >= 16384"
# Reset the statistics: the planner must not know that the tables are empty.
_FORGET_COUNTS = "UPDATE pg_class SET relpages = 0, reltuples = -1 WHERE oid = ANY(%s::regclass[])"


class CleanDatabases:
    """A pool of copies of a template. A copy is dropped if a test changed more than rows, and cleaned otherwise."""

    def __init__(self, server: PostgresServer, template: str) -> None:
        self._server = server
        self._template = template
        self._free: list[str] = []
        self._kept: dict[str, object] = {}
        self._shape: object = None

    def take(self) -> str:
        """Return the name of a database that equals the template."""
        if self._free:
            return self._free.pop()
        name = self._server.create_database(self._template)
        if self._shape is None:
            with self._server.cursor(name) as cursor:
                self._shape = _value(cursor, _SHAPE)
                self._kept = {table: _contents(cursor, table) for table in _sizes(cursor)}
        return name

    def release(self, name: str) -> None:
        """Take back a database from a test that has finished."""
        if self._is_clean(name):
            self._free.append(name)
        else:
            self._server.drop_database(name)

    def _is_clean(self, name: str) -> bool:
        """Clean the database; return whether it equals the template again."""
        try:
            with self._server.cursor(name) as cursor:
                _end_others(cursor)
                return _value(cursor, _SHAPE) == self._shape and self._has_no_rows(cursor)
        except psycopg2.Error:
            return False

    def _has_no_rows(self, cursor: Any) -> bool:
        sizes = _sizes(cursor)
        written = sorted(sizes.keys() - self._kept.keys())
        if any(sizes[table] > _MAX_OCTETS for table in written):
            return False
        if written:
            _empty(cursor, written)
        cursor.execute(_RESTART_SEQUENCES)
        return all(_contents(cursor, table) == contents for table, contents in self._kept.items())


def _end_others(cursor: Any) -> None:
    """End the connections that a killed process has left, and wait: they may still write."""
    end = time.monotonic() + _END_S
    while _value(cursor, f"SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE {_OTHERS}"):
        if time.monotonic() > end:
            raise psycopg2.OperationalError("a connection does not end")
        time.sleep(0.001)


def _sizes(cursor: Any) -> dict[str, int]:
    """Return the size in bytes of each table that was ever written to."""
    cursor.execute(_SIZES)
    return dict(cursor.fetchall())


def _empty(cursor: Any, tables: list[str]) -> None:
    names = ", ".join(tables)
    cursor.execute("SET session_replication_role = replica")  # disables foreign key checks
    for table in tables:
        cursor.execute(f"DELETE FROM {table}")
    cursor.execute(f"VACUUM {names}")
    cursor.execute(_FORGET_COUNTS, [tables])


def _contents(cursor: Any, table: str) -> object:
    return _value(cursor, f"SELECT string_agg(t::text, '|' ORDER BY t::text) FROM {table} AS t")


def _value(cursor: Any, query: str) -> object:
    cursor.execute(query)
    return cursor.fetchone()[0]
