"""A connection pool that keeps the connections of a burst open while it lasts."""

import time
from collections import deque
from typing import Any, Self

from sqlalchemy.pool import ConnectionPoolEntry, QueuePool

LINGER_S = 5.0
_IDLE_SINCE = "gonemaster_idle_since"


class LingeringPool(QueuePool):
    """A pool that closes connections above `kept` after some idle seconds instead of when they are returned.

    If more threads work at the same time than connections are kept, SQLAlchemy's pool opens and closes a connection for
    nearly each request. Each time, PostgreSQL starts a process and the client loses its caches.

    After `dispose`, each connection is closed when it is returned. Without this, connections that threads return to the
    old pool would stay open until the garbage collector finds them.
    """

    kept: int

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.kept = self.size()

    @classmethod
    def options(cls, *, maximum: int) -> dict[str, Any]:
        """Return the arguments of `create_engine` for this pool, which keeps all connections until `kept` is set."""
        return {"poolclass": cls, "pool_size": maximum, "max_overflow": 0, "pool_use_lifo": True}

    def dispose(self) -> None:
        """Close the idle connections, and from now on each connection that is returned."""
        self.kept = 0
        super().dispose()

    def recreate(self) -> Self:
        """Return a new pool of the same kind, as the base class does when the engine is disposed of."""
        created: Any = super().recreate()
        created.kept = self.kept
        return created  # type: ignore[no-any-return]

    def _do_return_conn(self, record: ConnectionPoolEntry) -> None:
        now = time.monotonic()
        record.info[_IDLE_SINCE] = now
        super()._do_return_conn(record)
        while (idle := self._pop_idle(now - LINGER_S if self.kept else now)) is not None:
            try:
                idle.close()
            finally:
                self._dec_overflow()

    def _pop_idle(self, since: float) -> ConnectionPoolEntry | None:
        """Remove and return the connection that has been idle for longest, if it has been idle for too long."""
        pool: Any = self._pool  # The queue is SQLAlchemy's own class.
        with pool.mutex:
            waiting: deque[ConnectionPoolEntry] = pool.queue  # The last connection returned is the first one reused.
            is_late = len(waiting) > self.kept and waiting[0].info.get(_IDLE_SINCE, since) <= since
            return waiting.popleft() if is_late else None
