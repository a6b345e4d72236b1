"""The state of the database as a process sees it: availability, full disk, writability of SQLite."""

import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from gonemaster_db.core.session import Store
from gonemaster_db.service.probes import describe_scarce_space, is_writable_within
from gonemaster_tasks.process_report.database_watch import DatabaseWatch
from gonemaster_tasks.repeating import RepeatedTask

LOOK_EVERY_S = 1.8
_RETRY_S = 0.5
# If there are many short transactions, one of them ends within this time. A long transaction does not.
_WRITER_TIMEOUT = timedelta(seconds=1)
FULL = "the database reports a full disk"


class DatabaseObserver:
    """A repeated task with separate connections, because requests may use all others.

    `is_full` returns whether the process has recently encountered a full disk.
    """

    def __init__(self, store: Store, *, is_full: Callable[[], bool] = lambda: False) -> None:
        self._store = store
        self._is_full = is_full
        self._scarce = ""
        self._writer_held_since: float | None = None  # on the monotonic clock
        self.watch = DatabaseWatch()
        self._task = RepeatedTask("database watch", self.look, pause_s=LOOK_EVERY_S, retry_s=_RETRY_S)

    def start(self) -> None:
        """Start observing."""
        self._task.start(at_once=True)

    def stop(self) -> None:
        """Stop observing."""
        self._task.stop()
        self._store.close()

    def look(self) -> None:
        """Check the database once. Raises StoreError."""
        self.watch.ask(self._store.ping)
        self._scarce = describe_scarce_space(self._store)
        started_at = time.monotonic()
        if is_writable_within(self._store, _WRITER_TIMEOUT):
            self._writer_held_since = None
        elif self._writer_held_since is None:
            self._writer_held_since = started_at

    def facts(self, now: float) -> Mapping[str, Any]:
        """Return the fields of a report at a time (POSIX seconds)."""
        silent_s, held_since = self.watch.silent_s(), self._writer_held_since
        return {
            "without_database_since": now - silent_s if silent_s else None,
            "full": FULL if self._is_full() else self._scarce,
            "writer_held_since": None if held_since is None else now - (time.monotonic() - held_since),
        }
