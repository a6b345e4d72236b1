"""Shared parts of periodic tasks: failures are logged in one line, and slow tasks do not overlap."""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from gonemaster_db.core.errors import StoreError
from gonemaster_tasks.broker.processes.locks import Locks
from gonemaster_tasks.errors import TasksError

log = logging.getLogger(__name__)


@contextmanager
def repeated(task: str) -> Iterator[None]:
    """Log a failure in one line if a service is unavailable.

    The task is sent again at its next interval, and Celery would log the full traceback.
    """
    try:
        yield
    except (StoreError, TasksError) as error:
        log.warning("maintenance task failed, will be retried", extra={"task": task, "error": str(error)})


class OneAtATime:
    """A guard that skips work if another slot of this process is doing it, or, with `locks`, another process."""

    def __init__(self, task: str, locks: Callable[[], Locks] | None = None) -> None:
        self._task = task
        self._locks = locks
        self._running = threading.Lock()

    def run(self, work: Callable[[], object]) -> None:
        """Run the work, or return if it is already running."""
        if not self._running.acquire(blocking=False):
            return
        try:
            with repeated(self._task):
                self._run_with_lock(work)
        finally:
            self._running.release()

    def _run_with_lock(self, work: Callable[[], object]) -> None:
        if self._locks is None:
            work()
            return
        with self._locks().attempt(self._task) as lock:
            if lock is not None:
                work()
