"""What periodic tasks have in common: a failure costs one line in the log, and a task that is slow is not run twice."""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from gonemaster_db.core.errors import StoreError
from gonemaster_tasks.broker.locks import Locks
from gonemaster_tasks.errors import TasksError

log = logging.getLogger(__name__)


@contextmanager
def repeated(task: str) -> Iterator[None]:
    """Log in one line that a server was unavailable: the task is sent again, and Celery would log all that it knows."""
    try:
        yield
    except (StoreError, TasksError) as error:
        log.warning("maintenance task failed, it is repeated", extra={"task": task, "error": str(error)})


class OneAtATime:
    """Runs some work unless another slot of this process is at it, or with `locks` one of another process."""

    def __init__(self, task: str, locks: Callable[[], Locks] | None = None) -> None:
        self._task = task
        self._locks = locks
        self._running = threading.Lock()

    def run(self, work: Callable[[], object]) -> None:
        """Run the work, or leave it to who does it already."""
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
