"""The supervisor: groups of children that start in order and stop in reverse order."""

import heapq
import queue
import signal
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from datetime import timedelta
from types import FrameType

import structlog

from gonemaster_api.server.supervisor.child import Child, Program

log = structlog.get_logger(__name__)

_READY_TIMEOUT = timedelta(seconds=60)
_POLL_S = 0.05


class StartFailed(Exception):
    """A program did not become ready; programs that were already started are stopped."""


class Supervisor:
    """The supervisor that runs groups of programs until a signal. The programs of a group start and stop together."""

    def __init__(
        self,
        groups: Iterable[Sequence[Program]],
        *,
        json_lines: bool = False,
        ready_timeout: timedelta = _READY_TIMEOUT,
    ) -> None:
        self._ready_s = ready_timeout.total_seconds()
        # SimpleQueue is reentrant, so a signal handler can call put while the main thread is in get.
        self._events: queue.SimpleQueue[tuple[str, Child | None, int]] = queue.SimpleQueue()
        self._groups = [[Child(program, self._on_end, json_lines=json_lines) for program in group] for group in groups]
        self._due: list[tuple[float, int, Child]] = []  # restarts, a heap sorted by time
        self._stopping = False

    def run(self, on_ready: Callable[[], None] | None = None) -> int:
        """Start the programs, supervise them until SIGINT or SIGTERM, and stop them. Return the exit status.

        Raises:
            StartFailed: a program did not become ready in time.
        """
        with ExitStack() as stack:
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                stack.callback(signal.signal, number, signal.signal(number, self._on_signal))
            try:
                if self._start() and on_ready is not None:
                    on_ready()
                self._watch()
            finally:
                self._stop()
        return 0

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        if number == signal.SIGHUP:
            self._events.put(("reload", None, number))
            return
        if self._stopping:  # on a second signal, kill here: the main thread may be waiting
            for group in self._groups:
                for child in group:
                    child.send(signal.SIGKILL)
        self._events.put(("stop", None, number))
        self._stopping = True

    def _on_end(self, child: Child, status: int) -> None:
        self._events.put(("end", child, status))

    def _start(self) -> bool:
        """Start the groups one after another; return False if a signal arrived in the meantime."""
        for group in self._groups:
            for child in group:
                if self._stopping:
                    return False
                child.start()
            for child in group:
                if not self._await_ready(child):
                    return False
        return True

    def _await_ready(self, child: Child) -> bool:
        deadline = time.monotonic() + self._ready_s
        while child.program.ready is not None and not child.program.ready():
            if self._stopping:
                return False
            if not child.alive:
                raise StartFailed(
                    f"{child.name} exited during start; see {child.program.log_file or 'its output above'}"
                )
            if time.monotonic() > deadline:
                raise StartFailed(f"{child.name} is not ready after {self._ready_s:.0f} s")
            time.sleep(_POLL_S)
        return not self._stopping

    def _watch(self) -> None:
        while not self._stopping:
            try:
                kind, child, status = self._events.get(timeout=self._until_next_restart())
            except queue.Empty:
                self._restart_due()
                continue
            if kind == "end" and child is not None and not child.alive:
                self._plan_restart(child, status)
            elif kind == "reload":
                self._reload()

    def _until_next_restart(self) -> float | None:
        return max(0.0, self._due[0][0] - time.monotonic()) if self._due else None

    def _plan_restart(self, child: Child, status: int) -> None:
        delay = child.delay_before_restart()
        log.error("process exited, restarting", child=child.name, **_cause(status), restart_in_s=delay)
        heapq.heappush(self._due, (time.monotonic() + delay, id(child), child))

    def _restart_due(self) -> None:
        while self._due and self._due[0][0] <= time.monotonic():
            heapq.heappop(self._due)[2].start()

    def _reload(self) -> None:
        """Forward SIGHUP to the programs that handle it. It would end other programs."""
        for child in (each for group in self._groups for each in group if each.program.reloads):
            child.send(signal.SIGHUP)

    def _stop(self) -> None:
        self._stopping = True
        log.info("stopping: running tests may finish within the drain timeout; a second signal kills them")
        for group in reversed(self._groups):
            living = [child for child in group if child.alive]
            for child in living:
                log.info("stopping", child=child.name)
                child.send(signal.SIGTERM)
            for child in living:
                if not child.wait(child.program.stop_timeout_s):
                    log.error("process did not stop in time, killing it", child=child.name)
                    child.send(signal.SIGKILL)
                    child.wait(5)
        log.info("stopped")


def _cause(status: int) -> dict[str, object]:
    if status < 0:
        return {"signal": signal.Signals(-status).name}
    return {"status": status}
