"""The repeated tasks of a process: one timer runs all of them; no exception ends them, and their log stays short.

One thread, the timer, knows when each task is due and hands it to a runner, which is another thread. As long as all
tasks return soon, one runner is enough. A task that waits, for a database or a Redis that does not answer, occupies its
runner; the next one that is due waits for 50 ms and then gets one more runner. So there are at most as many runners as
tasks that wait, and none of these delays another task: leases are renewed while a rebuild of the queue or a delivery
takes minutes. A runner ends if another one is idle. A task never runs twice at the same time. A task that waits for
nothing may be `is_quick`: the timer calls it itself, so that the watchdog depends on no runner.
"""

import logging
import math
import os
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress

from gonemaster_db.core.errors import StoreError
from gonemaster_tasks.errors import TasksError

log = logging.getLogger(__name__)

LOG_EVERY_S = 60.0
_STOP_S = 10.0
_RUNNER_WITHIN_S = 0.05
# Tasks with the same pause are due at the same time: a worker wakes 4 times a second for them and not 13 times.
_GRID_FROM_S, _GRID_S = 0.3, 0.5
_EXPECTED = (TasksError, StoreError)  # a server is unavailable, so no traceback


class FailureLog:
    """Logs the first failure of some work, then one a minute with their number, and that it works again."""

    def __init__(self, work: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._work = work
        self._clock = clock
        self.count = 0  # of failures since the work last succeeded
        self._logged_at = 0.0

    def failed(self, error: BaseException) -> None:
        """Note a failure."""
        self.count += 1
        now = self._clock()
        if self.count > 1 and now - self._logged_at < LOG_EVERY_S:
            return
        self._logged_at = now
        about = {"work": self._work, "error": f"{type(error).__name__}: {error}", "failures": self.count}
        log.warning("failed, tried again", extra=about, exc_info=None if isinstance(error, _EXPECTED) else error)

    def succeeded(self) -> None:
        """Note a success."""
        if self.count:
            log.info("works again", extra={"work": self._work, "failures": self.count})
            self.count = 0


class RepeatedTask:
    """Work that the timer of the process repeats from `start` to `stop`.

    `pause_s` is the time between two calls, or returns it; infinite for work that is done only when it is woken.
    `retry_s` is the time after a call that raised, if it differs.
    """

    def __init__(
        self,
        name: str,
        work: Callable[[], object],
        *,
        pause_s: float | Callable[[], float],
        retry_s: float | None = None,
        is_quick: bool = False,
    ) -> None:
        self.is_quick = is_quick
        self._work = work
        self._pause_s = pause_s
        self._retry_s = retry_s
        self._failures = FailureLog(name)

    @property
    def alive(self) -> bool:
        """Whether the task is repeated."""
        return _timer.has(self)

    def start(self, *, at_once: bool = False) -> None:
        """Begin; the first call is made after a pause, or immediately."""
        _timer.add(self, 0.0 if at_once else self.pause_s(succeeded=True))

    def wake(self, *, within_s: float = 0.0) -> None:
        """End the pause that is under way, at the latest after `within_s`; during a call, that of the next pause."""
        _timer.wake(self, within_s)

    def stop(self) -> None:
        """End, and wait some seconds for the call that is under way."""
        _timer.remove(self)

    def attempt(self) -> bool:
        """Make one call in the calling thread; return whether it did not raise."""
        try:
            self._work()
        except Exception as error:  # noqa: BLE001 - any error: the work goes on
            self._failures.failed(error)
            return False
        self._failures.succeeded()
        return True

    def pause_s(self, *, succeeded: bool) -> float:
        """Return the time from the end of a call to the next one."""
        if not succeeded and self._retry_s is not None:
            return self._retry_s
        return self._pause_s() if callable(self._pause_s) else self._pause_s


class _Timer:
    """The timer of a process and its runners."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._timing = threading.Condition(self._lock)  # the timer waits for a due time
        self._idling = threading.Condition(self._lock)  # idle runners wait for a task
        self._ending = threading.Condition(self._lock)  # callers of `remove` wait for the end of a call
        self._due: dict[RepeatedTask, float] = {}  # infinite for tasks that are ready or running, or only woken
        self._ready: deque[RepeatedTask] = deque()
        self._running: dict[RepeatedTask, int] = {}  # with the thread of each
        self._woken: dict[RepeatedTask, float] = {}  # when ready and running tasks are due again at the latest
        self._began = time.monotonic()
        self._wakes_at = -math.inf
        self._new_runner_at = math.inf  # unless an idle one takes the next ready task before
        self._runners = self._idle = 0
        self._is_started = False

    def has(self, task: RepeatedTask) -> bool:
        return task in self._due

    def add(self, task: RepeatedTask, pause_s: float) -> None:
        with self._lock:
            self._set_due(task, time.monotonic() + pause_s)
            if not self._is_started:
                self._is_started = True
                threading.Thread(target=self._time, name="timer", daemon=True).start()

    def wake(self, task: RepeatedTask, within_s: float) -> None:
        at = time.monotonic() + within_s
        with self._lock:
            if task in self._running or task in self._ready:
                self._woken[task] = min(at, self._woken.get(task, math.inf))
            elif task in self._due:
                self._set_due(task, min(at, self._due[task]))

    def remove(self, task: RepeatedTask) -> None:
        with self._lock:
            self._due.pop(task, None)
            self._woken.pop(task, None)
            with suppress(ValueError):
                self._ready.remove(task)
            if self._running.get(task) != threading.get_ident():
                self._ending.wait_for(lambda: task not in self._running, _STOP_S)

    def _set_due(self, task: RepeatedTask, at: float) -> None:
        self._due[task] = at
        if at < self._wakes_at:
            self._timing.notify()

    def _time(self) -> None:
        """Be the timer."""
        while True:
            for task in self._wait_for_quick():
                self._call(task)

    def _wait_for_quick(self) -> list[RepeatedTask]:
        """Hand due tasks to runners until quick ones are due."""
        with self._lock:
            while True:
                now = time.monotonic()
                due = [task for task, at in self._due.items() if at <= now]
                for task in due:
                    self._due[task] = math.inf
                self._ready.extend(task for task in due if not task.is_quick)
                self._call_runner(now)
                if quick := [task for task in due if task.is_quick]:
                    self._running.update(dict.fromkeys(quick, threading.get_ident()))
                    return quick
                self._wakes_at = min(self._due.values(), default=math.inf)
                if len(self._ready) > self._idle:
                    self._wakes_at = min(self._wakes_at, self._new_runner_at)
                self._timing.wait(None if self._wakes_at == math.inf else max(0.0, self._wakes_at - now))
                self._wakes_at = -math.inf

    def _call_runner(self, now: float) -> None:
        """Let a runner take the next ready task: an idle one, or after a moment a new one."""
        if not self._ready:
            return
        self._new_runner_at = min(self._new_runner_at, now + _RUNNER_WITHIN_S)
        if self._idle:
            self._idling.notify()
        elif not self._runners or now >= self._new_runner_at:
            self._new_runner_at = now + _RUNNER_WITHIN_S
            with suppress(RuntimeError):  # the system has no more threads: tried again soon
                threading.Thread(target=self._serve, name="runner", daemon=True).start()
                self._runners += 1

    def _serve(self) -> None:
        """Be a runner."""
        while (task := self._take()) is not None:
            self._call(task)

    def _take(self) -> RepeatedTask | None:
        """Return the next task; None if another runner is idle."""
        with self._lock:
            if not self._ready and self._idle:
                self._runners -= 1
                return None
            self._idle += 1
            while not self._ready:
                self._idling.wait()
            self._idle -= 1
            task = self._ready.popleft()
            self._running[task] = threading.get_ident()
            self._new_runner_at = time.monotonic() + _RUNNER_WITHIN_S if self._ready else math.inf
            return task

    def _call(self, task: RepeatedTask) -> None:
        pause_s = task.pause_s(succeeded=task.attempt())
        with self._lock:
            del self._running[task]
            if task in self._due:
                self._set_due(task, min(self._on_grid(pause_s), self._woken.pop(task, math.inf)))
            else:
                self._ending.notify_all()

    def _on_grid(self, pause_s: float) -> float:
        at = time.monotonic() + pause_s
        if not _GRID_FROM_S <= pause_s < math.inf:
            return at
        grid_s = min(pause_s, _GRID_S)
        return self._began + (at - self._began) // grid_s * grid_s


_timer = _Timer()


def _forget_parent() -> None:
    """Begin without tasks in a child: threads do not survive a fork."""
    global _timer
    _timer = _Timer()


os.register_at_fork(after_in_child=_forget_parent)
