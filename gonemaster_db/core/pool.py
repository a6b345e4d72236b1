"""A pool of connections that keeps all of a burst open while it lasts."""

import time
from collections import deque
from typing import Any, Self

from sqlalchemy.pool import ConnectionPoolEntry, QueuePool

LINGER_S = 5.0
_IDLE_SINCE = "gonemaster_idle_since"


class LingeringPool(QueuePool):
    """Closes connections above `kept` when they have been idle for some seconds, and not when they are given back.

    While more threads work at once than connections are kept, SQLAlchemy's pool opens and closes one for nearly each
    request. That costs PostgreSQL a process each time, the client milliseconds, and what it remembers of the database.
    """

    kept: int

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.kept = self.size()

    @classmethod
    def options(cls, *, most: int) -> dict[str, Any]:
        """Return the arguments of create_engine for a pool of this class, which keeps all until `kept` is set."""
        return {"poolclass": cls, "pool_size": most, "max_overflow": 0, "pool_use_lifo": True}

    def recreate(self) -> Self:
        """Return a new pool of the same kind, as the base class does when the engine is disposed of."""
        made = super().recreate()
        made.kept = self.kept  # type: ignore[attr-defined]  # of this class
        return made  # type: ignore[return-value]

    def _do_return_conn(self, record: ConnectionPoolEntry) -> None:
        now = time.monotonic()
        record.info[_IDLE_SINCE] = now
        super()._do_return_conn(record)
        while (idle := self._pop_idle(now - LINGER_S)) is not None:
            try:
                idle.close()
            finally:
                self._dec_overflow()

    def _pop_idle(self, since: float) -> ConnectionPoolEntry | None:
        """Take the connection out of the pool that has been idle for longest, if that is too long."""
        pool: Any = self._pool  # of SQLAlchemy's own class of queues
        with pool.mutex:
            waiting: deque[ConnectionPoolEntry] = pool.queue  # the last one given back is the first one taken
            is_late = len(waiting) > self.kept and waiting[0].info.get(_IDLE_SINCE, since) <= since
            return waiting.popleft() if is_late else None
