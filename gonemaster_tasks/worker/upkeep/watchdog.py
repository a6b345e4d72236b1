"""Watchdog that ends a worker process if its event loop is blocked, or after it was suspended.

The supervisor then restarts the process, and its jobs are requeued.
"""

import faulthandler
import logging
import os
import time

from gonemaster_tasks.repeating import BEAT_S, RepeatedTask
from gonemaster_tasks.worker.execute.fork_server import ForkServer
from gonemaster_tasks.worker.execute.running import EngineLoop, RunningJobs

log = logging.getLogger(__name__)

_TICK_S = BEAT_S
_SUSPENDED_S = 10.0  # A longer time between two checks is a suspension, even on a busy machine.
EXIT_STATUS = 70  # EX_SOFTWARE


class Watchdog:
    """The watchdog of an event loop, which must run at least every `limit_s` seconds.

    A job that blocks the loop would otherwise hold all jobs of the process forever, because leases are renewed outside
    the loop. The limit must be longer than the pauses of a machine that swaps or is overloaded. The timer ends the
    process and logs its jobs. If the interpreter itself is blocked, for example by a C function or a regular
    expression, no Python thread runs; the fork server then ends the process a little later with a traceback.

    A process that was suspended for longer than its leases has lost its jobs and its registration.
    """

    def __init__(
        self, loop: EngineLoop, jobs: RunningJobs, server: ForkServer | None, *, limit_s: float, lease_s: float
    ) -> None:
        self._loop = loop
        self._jobs = jobs
        self._server = server
        self._limit_s = limit_s
        self._suspended_s = max(lease_s, _SUSPENDED_S)
        self._checked_at = time.monotonic()
        self._stalled_s = 0.0
        self._stopped = False
        self._task = RepeatedTask("watchdog", self._check, pause_s=_TICK_S, is_quick=True)

    def start(self) -> None:
        """Start the watchdog of a running loop."""
        faulthandler.enable()
        self._checked_at = time.monotonic()
        self._loop.call_soon(self._tick)
        self._task.start()

    def stop(self) -> None:
        """Stop the watchdog; must be called before the loop is stopped."""
        self._stopped = True
        self._task.stop()
        if self._server is not None:
            self._server.stop_watching()

    def _tick(self) -> None:
        if self._stopped:
            return
        self._stalled_s = 0.0
        if self._server is not None:
            self._server.tick()
        self._loop.call_later(_TICK_S, self._tick)

    def _check(self) -> None:
        now = time.monotonic()
        gap_s, self._checked_at = now - self._checked_at, now
        if gap_s > self._suspended_s:
            about = {"seconds": round(gap_s), "jobs": list(self._jobs.ids())}
            log.critical("process was suspended, process exits", extra=about)
            os._exit(EXIT_STATUS)
        self._stalled_s += min(gap_s, 2 * _TICK_S)
        if self._stalled_s < self._limit_s:
            return
        about = {"seconds": round(self._stalled_s), "jobs": list(self._jobs.ids())}
        log.critical("event loop stalled, process exits", extra=about)
        faulthandler.dump_traceback(all_threads=True)
        os._exit(EXIT_STATUS)
