"""The repeated tasks of a process: one timer runs all of them; no exception ends them, and their log stays short.

The timer is a few threads that are alike. One of them, the leader, waits until the next task is due and calls it. If
that call waits, for a database or a Redis that does not answer, the next task is delayed by 50 ms: then the deputy
leads, and starts another deputy before it calls anything. So one thread always waits for the next time, and leases
are renewed while a rebuild of the queue or a delivery takes minutes. Where the system has no more threads, the last one
calls only tasks that are `is_quick`: they wait for nothing, as the watchdog. A task never runs twice at the same time.

Why not APScheduler: it goes by the wall clock (a step back of an hour stops the renewal of leases for an hour, see ADR
11), and a call that does not return keeps the process from ending. For 13 tasks that are due 12 times a second,
APScheduler 3.11 took 2.1 ms of CPU a second, and this timer takes 0.6 ms.
"""

import logging
import math
import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress

from gonemaster_db.core.errors import StoreError
from gonemaster_tasks.errors import TasksError

log = logging.getLogger(__name__)

LOG_EVERY_S = 60.0
_STOP_S = 10.0
_DEPUTY_AFTER_S = 0.05
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
    """The due times of the tasks of a process, and its threads."""

    def __init__(self) -> None:
        self._changed = threading.Condition()  # an earlier due time, or the end of a call that `remove` waits for
        self._due: dict[RepeatedTask, float] = {}  # infinite for tasks that are only woken
        self._running: dict[RepeatedTask, int] = {}  # with the thread of each
        self._free: list[int] = []  # threads that wait: the leader and a deputy, or the deputy of one that is in a call
        self._leader = 0  # the last thread that took a task or came back
        self._took_at = -math.inf
        self._began = time.monotonic()

    def has(self, task: RepeatedTask) -> bool:
        return task in self._due

    def add(self, task: RepeatedTask, pause_s: float) -> None:
        with self._changed:
            self._due[task] = math.inf
            self._set_due(task, time.monotonic() + pause_s)
            if not self._free and not self._running:
                self._start_thread()
                self._leader = self._free[0]

    def wake(self, task: RepeatedTask, within_s: float) -> None:
        with self._changed:
            if task in self._due:
                self._set_due(task, time.monotonic() + within_s)

    def remove(self, task: RepeatedTask) -> None:
        with self._changed:
            self._due.pop(task, None)
            if self._running.get(task) != threading.get_ident():
                self._changed.wait_for(lambda: task not in self._running, _STOP_S)

    def _set_due(self, task: RepeatedTask, at: float) -> None:
        """Bring the next call of a task forward."""
        if at < min((self._due[other] for other in self._waiting()), default=math.inf):
            self._changed.notify_all()
        self._due[task] = min(at, self._due[task])

    def _waiting(self) -> list[RepeatedTask]:
        return [task for task in self._due if task not in self._running]

    def _start_thread(self) -> None:
        thread = threading.Thread(target=self._serve, name="timer", daemon=True)
        thread.start()
        self._free.append(thread.ident or 0)

    def _serve(self) -> None:
        """Be a thread of the timer."""
        while (task := self._next()) is not None:
            pause_s = task.pause_s(succeeded=task.attempt())
            with self._changed:
                del self._running[task]
                if task in self._due:
                    self._set_due(task, self._on_grid(pause_s))
                else:
                    self._changed.notify_all()

    def _next(self) -> RepeatedTask | None:
        """Wait for a task that is due; return None if there are enough threads."""
        me = threading.get_ident()
        with self._changed:
            if me not in self._free:  # as a new thread is
                if len(self._free) > 1:
                    return None
                self._free.append(me)
                self._leader = me
            while True:
                now = time.monotonic()
                waiting = sorted(self._waiting(), key=self._due.__getitem__)
                at = self._due[waiting[0]] if waiting else math.inf
                if self._leader != me:
                    at = max(at, self._took_at) + _DEPUTY_AFTER_S
                if at <= now:
                    due = (task for task in waiting if self._due[task] <= now)
                    if task := next((task for task in due if task.is_quick or self._has_deputy()), None):
                        self._free.remove(me)
                        self._leader, self._took_at = me, now
                        self._due[task] = math.inf
                        self._running[task] = me
                        return task
                    at = now + _DEPUTY_AFTER_S
                self._changed.wait(None if at == math.inf else at - now)

    def _has_deputy(self) -> bool:
        """Return whether another thread waits, or could be started."""
        if len(self._free) < 2:
            with suppress(RuntimeError):  # the system has no more threads
                self._start_thread()
        return len(self._free) > 1

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
