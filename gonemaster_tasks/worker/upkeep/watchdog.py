"""Ends a worker process whose event loop is blocked: its supervisor starts it again, its jobs are queued again."""

import faulthandler
import logging
import os
import time

from gonemaster_tasks.repeating import RepeatedTask
from gonemaster_tasks.worker.execute.running import EngineLoop, RunningJobs

log = logging.getLogger(__name__)

_TICK_S = 0.5
_MARGIN_S = 2.0
EXIT_STATUS = 70  # EX_SOFTWARE


class Watchdog:
    """Expects the event loop to turn at least every `limit_s` seconds.

    A job that blocks the loop would keep all jobs of the process for ever, since leases are renewed outside of it. The
    limit must be longer than the pauses of a machine that swaps or is overloaded. The timer ends the process
    and says which jobs it had; if the interpreter itself is held (a C function, a regular expression), no thread of
    Python runs, and the timer of faulthandler, which needs none, ends it a little later with a traceback.
    """

    def __init__(self, loop: EngineLoop, jobs: RunningJobs, *, limit_s: float) -> None:
        self._loop = loop
        self._jobs = jobs
        self._limit_s = limit_s
        self._ticked_at = time.monotonic()
        self._stopped = False
        self._task = RepeatedTask("watchdog", self._look, pause_s=_TICK_S, is_quick=True)

    def start(self) -> None:
        """Begin to watch a loop that runs."""
        self._ticked_at = time.monotonic()
        self._loop.call_soon(self._tick)
        self._task.start()

    def stop(self) -> None:
        """End; before the loop is stopped."""
        self._stopped = True
        self._task.stop()
        faulthandler.cancel_dump_traceback_later()

    def _tick(self) -> None:
        if self._stopped:
            return
        self._ticked_at = time.monotonic()
        faulthandler.dump_traceback_later(self._limit_s + _MARGIN_S, exit=True)
        self._loop.call_later(_TICK_S, self._tick)

    def _look(self) -> None:
        still_s = time.monotonic() - self._ticked_at
        if still_s < self._limit_s:
            return
        about = {"seconds": round(still_s), "jobs": list(self._jobs.ids())}
        log.critical("the event loop stands still, this process ends", extra=about)
        faulthandler.dump_traceback(all_threads=True)
        os._exit(EXIT_STATUS)
