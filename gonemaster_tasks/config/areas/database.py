# ruff: noqa: RUF009 - option() is dataclasses.field() with metadata
"""Settings of the database and of the retention of runs."""

from dataclasses import dataclass
from datetime import timedelta
from typing import get_args

from gonemaster_db.core.settings import Driver
from gonemaster_tasks.config.option_types import choice, duration, integer, text
from gonemaster_tasks.config.options import option


@dataclass(frozen=True, kw_only=True)
class DatabaseOptions:
    """Database, connections, retention."""

    db_driver: str = option(
        "sqlite", choice(*get_args(Driver)), "database system", key="database.driver", flag="--db-driver"
    )
    db_dsn: str = option(
        "",
        text(4096),
        "URL or connection string of PostgreSQL, or file of SQLite; if empty, gonemaster.db in data_dir",
        key="database.dsn",
        flag="--db-dsn",
        secret=True,
    )
    retention_days: int = option(
        0,
        integer(0, 36500),
        "age in days at which runs are deleted; 0 means never",
        key="database.retention_days",
        flag="--db-retention-days",
        runtime=True,
    )
    audit_retention_days: int = option(
        365,
        integer(0, 36500),
        "age in days at which audit records are deleted; 0 means never",
        key="database.audit_retention_days",
        flag="--db-audit-retention-days",
        runtime=True,
    )
    purge_interval_seconds: int = option(
        3600,
        integer(1, 31536000),
        "interval of the deletion of old runs, in seconds",
        key="database.purge_interval_seconds",
        env="DB_PURGE_INTERVAL",
        flag="--db-purge-interval",
        runtime=True,
    )
    db_max_open_conns: int = option(
        25, integer(1, 1000), "maximum number of connections of one process", key="database.max_open_conns"
    )
    db_max_idle_conns: int = option(
        5, integer(0, 1000), "maximum number of idle connections of one process", key="database.max_idle_conns"
    )
    db_conn_max_lifetime_seconds: int = option(
        300, integer(1, 86400), "maximum age of a connection, in seconds", key="database.conn_max_lifetime_seconds"
    )
    db_connect_timeout: timedelta = option(
        timedelta(seconds=5),
        duration(),
        "how long PostgreSQL may take for a new connection, each host of several; at least 2s",
        key="database.connect_timeout",
    )
    db_tcp_user_timeout: timedelta = option(
        timedelta(seconds=10),
        duration(),
        "how long data to PostgreSQL, and from it, may be unacknowledged, or a connection idle without a sign of life,"
        " before it is given up",
        key="database.tcp_user_timeout",
    )
    db_statement_timeout: timedelta = option(
        timedelta(seconds=15),
        duration(above_zero=False),
        "time limit of each statement of claims, results and leases on PostgreSQL; 0s means none",
        key="database.statement_timeout",
    )
    db_lock_timeout: timedelta = option(
        timedelta(seconds=5),
        duration(above_zero=False),
        "how long a statement may wait for a lock on PostgreSQL before it is repeated; 0s means no limit",
        key="database.lock_timeout",
    )
    db_idle_in_transaction_timeout: timedelta = option(
        timedelta(seconds=15),
        duration(above_zero=False),
        "how long PostgreSQL keeps a transaction, and its locks, whose process says nothing; 0s means no limit",
        key="database.idle_in_transaction_timeout",
    )
    db_long_statement_timeout: timedelta = option(
        timedelta(minutes=30),
        duration(above_zero=False),
        "time limit of each statement of work in the background on PostgreSQL: retention, operations, analysis,"
        " schedules; between two of them it may be silent for a tenth of that; 0s means none",
        key="database.long_statement_timeout",
    )
