"""What periodic tasks have in common: a failure costs one line in the log, and a task that is slow is not run twice."""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from gonemaster_db.errors import StoreError
from gonemaster_tasks.errors import TasksError

log = logging.getLogger(__name__)


@contextmanager
def repeated(task: str) -> Iterator[None]:
    """Log in one line that a server was away: the task is sent again, and Celery would log all that it knows."""
    try:
        yield
    except (StoreError, TasksError) as error:
        log.warning("maintenance task failed, it is repeated", extra={"task": task, "error": str(error)})


class OneAtATime:
    """Runs some work unless another slot of this process is at it."""

    def __init__(self, task: str) -> None:
        self._task = task
        self._running = threading.Lock()

    def run(self, work: Callable[[], object]) -> None:
        """Run the work, or leave it to who does it already."""
        if not self._running.acquire(blocking=False):
            return
        try:
            with repeated(self._task):
                work()
        finally:
            self._running.release()
