"""Connection settings of the database."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

Driver = Literal["sqlite", "postgres"]
NONE = timedelta(0)


@dataclass(frozen=True, slots=True)
class Limits:
    """What one kind of work may take on PostgreSQL; zero is no limit.

    `statement` is the time of each statement, `lock` of waiting for a lock, `idle` between two statements of a
    transaction. SQLite has its `busy_timeout` alone.
    """

    statement: timedelta = NONE
    lock: timedelta = NONE
    idle: timedelta = NONE

    def settings(self) -> dict[str, int]:
        """Return the settings of PostgreSQL, in milliseconds."""
        return {
            "statement_timeout": _milliseconds(self.statement),
            "lock_timeout": _milliseconds(self.lock),
            "idle_in_transaction_session_timeout": _milliseconds(self.idle),
        }


def _milliseconds(span: timedelta) -> int:
    return round(span.total_seconds() * 1000)


NO_LIMITS = Limits()


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
    tcp_user_timeout: timedelta = timedelta(seconds=10)  # what is sent and not acknowledged for so long is lost
    limits: Limits = NO_LIMITS  # of what is done without saying what it is
    long_limits: Limits = NO_LIMITS  # of work in the background, `Store.long_work`
    busy_timeout: timedelta = timedelta(seconds=30)
