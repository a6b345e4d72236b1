"""Watchdog that ends a worker process if its event loop is blocked.

The supervisor then restarts the process, and its jobs are requeued.
"""

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
    """The watchdog of an event loop, which must run at least every `limit_s` seconds.

    A job that blocks the loop would otherwise hold all jobs of the process forever, because leases are renewed outside
    the loop. The limit must be longer than the pauses of a machine that swaps or is overloaded. The timer ends the
    process and logs its jobs. If the interpreter itself is blocked, for example by a C function or a regular
    expression, no Python thread runs. The timer of faulthandler does not need Python threads, and ends the process a
    little later with a traceback.
    """

    def __init__(self, loop: EngineLoop, jobs: RunningJobs, *, limit_s: float) -> None:
        self._loop = loop
        self._jobs = jobs
        self._limit_s = limit_s
        self._ticked_at = time.monotonic()
        self._stopped = False
        self._task = RepeatedTask("watchdog", self._look, pause_s=_TICK_S, is_quick=True)

    def start(self) -> None:
        """Start the watchdog of a running loop."""
        self._ticked_at = time.monotonic()
        self._loop.call_soon(self._tick)
        self._task.start()

    def stop(self) -> None:
        """Stop the watchdog; must be called before the loop is stopped."""
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
        log.critical("event loop stalled, process exits", extra=about)
        faulthandler.dump_traceback(all_threads=True)
        os._exit(EXIT_STATUS)
