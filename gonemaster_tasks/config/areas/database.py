# ruff: noqa: RUF009 - option() is dataclasses.field() with metadata
"""Settings of the database and of the retention of runs."""

from dataclasses import dataclass
from datetime import timedelta
from typing import get_args

from gonemaster_db.core.settings import Driver
from gonemaster_db.core.states import Keep
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
        "PostgreSQL URL or connection string, or SQLite file; if empty, gonemaster.db in data_dir",
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
    keep_runs: str = option(
        "full",
        choice(*map(str, Keep)),
        "what is kept of the runs of batches once their facts are written, for batches, schedules and cohorts that set "
        "nothing: full, findings (WARNING and worse), or facts (only the row of the run)",
        key="database.keep_runs",
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
        "interval at which old runs are deleted, in seconds",
        key="database.purge_interval_seconds",
        env="DB_PURGE_INTERVAL",
        flag="--db-purge-interval",
        runtime=True,
    )
    db_max_open_conns: int = option(
        25, integer(1, 1000), "maximum number of connections per process", key="database.max_open_conns"
    )
    db_max_idle_conns: int = option(
        5, integer(0, 1000), "maximum number of idle connections per process", key="database.max_idle_conns"
    )
    db_conn_max_lifetime_seconds: int = option(
        300, integer(1, 86400), "maximum age of a connection, in seconds", key="database.conn_max_lifetime_seconds"
    )
    db_connect_timeout: timedelta = option(
        timedelta(seconds=5),
        duration(),
        "time limit for connecting to each PostgreSQL host; at least 2s",
        key="database.connect_timeout",
    )
    db_tcp_user_timeout: timedelta = option(
        timedelta(seconds=6),
        duration(),
        "time after which a PostgreSQL connection is closed if sent data remains unacknowledged or the peer does not"
        " answer keepalive probes",
        key="database.tcp_user_timeout",
    )
    db_statement_timeout: timedelta = option(
        timedelta(seconds=15),
        duration(above_zero=False),
        "time limit for each PostgreSQL statement of claims, results and leases; 0s means no limit",
        key="database.statement_timeout",
    )
    db_lock_timeout: timedelta = option(
        timedelta(seconds=5),
        duration(above_zero=False),
        "time that a PostgreSQL statement waits for a lock before it is retried; 0s means no limit",
        key="database.lock_timeout",
    )
    db_idle_in_transaction_timeout: timedelta = option(
        timedelta(seconds=15),
        duration(above_zero=False),
        "time after which PostgreSQL ends an idle transaction and releases its locks; 0s means no limit",
        key="database.idle_in_transaction_timeout",
    )
    db_long_statement_timeout: timedelta = option(
        timedelta(minutes=30),
        duration(above_zero=False),
        "time limit for each PostgreSQL statement of background work (retention, operations, analysis, schedules); its"
        " transactions may be idle for a tenth of this time; 0s means no limit",
        key="database.long_statement_timeout",
    )
