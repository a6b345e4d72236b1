"""The repeated tasks of a process. One timer runs all tasks; exceptions do not end them, and their log stays short.

The timer consists of a few identical threads. One of them, the leader, waits until the next task is due and calls it.
If that call blocks, for example on a database or a Redis that does not respond, the next task is delayed by 50 ms. Then
the deputy becomes the leader, and starts another deputy before it calls a task. One thread is therefore always waiting
for the next due time, and leases are renewed even if a rebuild of the queue or a delivery takes minutes. If the system
has no more threads, the last thread calls only tasks with `is_quick`, such as the watchdog, which never block. A task
never runs twice at the same time.

APScheduler is not used for three reasons. It follows the wall clock, so that setting the clock back by an hour would
stop the renewal of leases for an hour (see ADR 11). A call that does not return prevents the process from ending. It
also takes more than three times the CPU time: 2.1 ms a second (version 3.11) instead of 0.6 ms for 13 tasks that are
due 12 times a second.
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
_STANDBY_AFTER_S = 0.05
# Tasks are due at the same times, so that an idle process wakes once per beat. Pauses, settings and tokens must reach
# all processes within a second.
BEAT_S = 0.9
_GRID_FROM_S = 0.3
_EXPECTED = (TasksError, StoreError)  # a service is unavailable, so no traceback is needed


class FailureLog:
    """The log of repeated failures.

    It has a line for the first failure, then one line per minute with the number of failures, and a line for the
    recovery. Work that alternately fails and succeeds, for example while Redis refuses only writes, adds no further
    lines.
    """

    def __init__(self, work: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._work = work
        self._clock = clock
        self.count = 0  # failures since the last success
        self._logged_at = -math.inf
        self._is_open = False  # The last line is about a failure.

    def failed(self, error: BaseException) -> None:
        """Record a failure."""
        self.count += 1
        now = self._clock()
        if now - self._logged_at < LOG_EVERY_S:
            return
        self._logged_at, self._is_open = now, True
        about = {"work": self._work, "error": f"{type(error).__name__}: {error}", "failures": self.count}
        log.warning(
            "task failed, will be retried", extra=about, exc_info=None if isinstance(error, _EXPECTED) else error
        )

    def succeeded(self) -> None:
        """Record a success."""
        if self._is_open:
            log.info("works again", extra={"work": self._work, "failures": self.count})
        self.count, self._is_open = 0, False


class RepeatedTask:
    """A task that the timer of the process repeats from `start` to `stop`.

    `pause_s` is the time between two calls, or a function that returns it; it is infinite for tasks that only run when
    woken. `retry_s` is the time after a call that raised an exception, if it differs.
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
        """Whether the timer repeats the task."""
        return _timer.has(self)

    def start(self, *, at_once: bool = False) -> None:
        """Start repeating the task; the first call is made after a pause or immediately."""
        _timer.add(self, 0.0 if at_once else self.pause_s(succeeded=True))

    def wake(self, *, within_s: float = 0.0) -> None:
        """End the current pause after at most `within_s` seconds. During a call this applies to the next pause."""
        _timer.wake(self, within_s)

    def stop(self) -> None:
        """Stop repeating the task, and wait a few seconds for a running call."""
        _timer.remove(self)

    def attempt(self) -> bool:
        """Call the task once in the current thread; return False if it raised an exception."""
        try:
            self._work()
        except Exception as error:  # noqa: BLE001 - any error: the work goes on
            self._failures.failed(error)
            return False
        self._failures.succeeded()
        return True

    def pause_s(self, *, succeeded: bool) -> float:
        """Return the time from the end of a call to the next call."""
        if not succeeded and self._retry_s is not None:
            return self._retry_s
        return self._pause_s() if callable(self._pause_s) else self._pause_s


class _Timer:
    """The due times of the tasks of a process, and the threads that call them."""

    def __init__(self) -> None:
        self._changed = threading.Condition()  # an earlier due time, or the end of a call that `remove` waits for
        self._due: dict[RepeatedTask, float] = {}  # infinite for tasks that only run when woken
        self._running: dict[RepeatedTask, int] = {}  # the thread of each running task
        self._free: list[int] = []  # waiting threads: the leader and a deputy, or the deputy of a thread in a call
        self._leader = 0  # the last thread that took a task or returned from a call
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
        """Move the next call of a task to an earlier time."""
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
        """Call due tasks until this thread is no longer needed."""
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
            if me not in self._free:  # the case of a new thread
                if len(self._free) > 1:
                    return None
                self._free.append(me)
                self._leader = me
            while True:
                now = time.monotonic()
                waiting = sorted(self._waiting(), key=self._due.__getitem__)
                at = self._due[waiting[0]] if waiting else math.inf
                if self._leader != me:
                    at = max(at, self._took_at) + _STANDBY_AFTER_S
                if at <= now:
                    # Quick tasks first: after a suspension, the watchdog decides before other tasks fail.
                    due = sorted(
                        (task for task in waiting if self._due[task] <= now), key=lambda each: not each.is_quick
                    )
                    if task := next((task for task in due if task.is_quick or self._has_standby()), None):
                        self._free.remove(me)
                        self._leader, self._took_at = me, now
                        self._due[task] = math.inf
                        self._running[task] = me
                        return task
                    at = now + _STANDBY_AFTER_S
                self._changed.wait(None if at == math.inf else at - now)

    def _has_standby(self) -> bool:
        """Return whether another thread is waiting or could be started."""
        if len(self._free) < 2:
            with suppress(RuntimeError):  # the system has no more threads
                self._start_thread()
        return len(self._free) > 1

    def _on_grid(self, pause_s: float) -> float:
        at = time.monotonic() + pause_s
        if not _GRID_FROM_S <= pause_s < math.inf:
            return at
        grid_s = min(pause_s, BEAT_S)
        return self._began + (at - self._began) // grid_s * grid_s


_timer = _Timer()


def _forget_parent() -> None:
    """Reset the timer in a child process, because threads do not survive a fork."""
    global _timer
    _timer = _Timer()


os.register_at_fork(after_in_child=_forget_parent)
