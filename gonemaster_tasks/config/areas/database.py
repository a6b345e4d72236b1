"""Settings of the database and of the retention of runs."""

from dataclasses import dataclass
from typing import get_args

from gonemaster_db.settings import Driver
from gonemaster_tasks.config.option_types import choice, integer, text
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
