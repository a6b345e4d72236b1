"""Connection settings of the database."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

Driver = Literal["sqlite", "postgres"]
NONE = timedelta(0)


@dataclass(frozen=True, slots=True)
class Limits:
    """Time limits of one kind of work on PostgreSQL; zero means no limit.

    `statement` limits each statement, `lock` the wait for a lock, `idle` the time between two statements of a
    transaction. SQLite only has `busy_timeout`.
    """

    statement: timedelta = NONE
    lock: timedelta = NONE
    idle: timedelta = NONE

    def settings(self) -> dict[str, int]:
        """Return the PostgreSQL settings in milliseconds."""
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
    """Settings of the database of one process.

    `dsn` is a path or `sqlite:///path` for SQLite; a `postgresql://` URL or a libpq string (`host=... dbname=...`) for
    PostgreSQL.
    """

    driver: Driver = "sqlite"
    dsn: str = "gonemaster.db"
    pool_size: int = 5
    pool_overflow: int = 20
    pool_wait: timedelta = timedelta(seconds=30)
    connection_lifetime: timedelta = timedelta(seconds=300)
    connect_timeout: timedelta = timedelta(seconds=5)
    tcp_user_timeout: timedelta = timedelta(seconds=6)  # limit for unacknowledged data
    limits: Limits = NO_LIMITS  # limits of all other work
    long_limits: Limits = NO_LIMITS  # limits of background work, `Store.background_limits`
    busy_timeout: timedelta = timedelta(seconds=30)
