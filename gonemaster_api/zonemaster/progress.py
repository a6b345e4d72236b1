"""The progress of tests as clients of Zonemaster expect it: it never falls, and is 100 only if the result is stored."""

import threading
from contextlib import suppress

from cachetools import TTLCache

from gonemaster_api.state import State
from gonemaster_db.models import Job, JobStatus, Run
from gonemaster_tasks.errors import BrokerUnavailable

_REMEMBERED_S = 3600
_MAX_TESTS = 100_000


class ShownProgress:
    """The greatest progress shown by this process, for the time without Redis, which has that of all processes."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._shown: TTLCache[str, int] = TTLCache(_MAX_TESTS, _REMEMBERED_S)

    def raised(self, job_id: str, percent: int) -> int:
        """Return the greater of a progress and the one shown before."""
        with self._lock:
            shown = max(percent, self._shown.get(job_id, 0))
            self._shown[job_id] = shown
        return shown


_shown = ShownProgress()


def progress_percent(state: State, item: Job | Run) -> int:
    """Return the progress of a test: 0 waiting, 1 to 99 running, 100 finished.

    A test whose worker was lost waits again and starts from the beginning; meanwhile its progress stays.
    """
    if isinstance(item, Run):
        return 100
    percent = 1 if item.status == JobStatus.RUNNING else 0
    with suppress(BrokerUnavailable):
        percent = state.broker.events.highest_progress(item.id, at_least=percent)
    return _shown.raised(item.id, min(percent, 99))
