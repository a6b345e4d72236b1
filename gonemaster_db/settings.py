"""Connection settings of the database."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

Driver = Literal["sqlite", "postgres"]


@dataclass(frozen=True, slots=True)
class StoreSettings:
    """Database of one process.

    `dsn` is a path or `sqlite:///path` for SQLite; a `postgresql://` URL or a libpq string
    (`host=... dbname=...`) for PostgreSQL.
    """

    driver: Driver = "sqlite"
    dsn: str = "gonemaster.db"
    pool_size: int = 5
    pool_overflow: int = 20
    pool_wait: timedelta = timedelta(seconds=30)
    connection_lifetime: timedelta = timedelta(seconds=300)
    connect_timeout: timedelta = timedelta(seconds=5)
    busy_timeout: timedelta = timedelta(seconds=30)
