"""Priority in an event loop: work of other runs waits while urgent runs, for which users wait, have work.

All runs of a process share one event loop, which calls everything that is ready, in order, in each turn. An urgent run
needs some hundred turns, and next to runs of hostile zones each turn can take a tenth of a second and more. So while an
urgent run is in progress, other runs get `QUANTUM_S` in a turn, and none until the urgent runs have had nothing to do
for a whole turn, but no less than one quantum in `MAX_HOLD_S`. A step, from one `await` to the next, is not divided.

The tasks of a run know whether it is urgent by the context in which they are created. `LoopPriority.make_task` is the
task factory of a loop with urgent runs; without it, or without an urgent run, nothing waits.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Coroutine, Generator, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from threading import Lock
from time import perf_counter
from typing import Any, TypeAlias, TypeVar
from weakref import WeakKeyDictionary

T = TypeVar("T")
_Work: TypeAlias = Coroutine[Any, Any, T] | Generator[Any, None, T]

QUANTUM_S = 0.002
MAX_HOLD_S = 0.05
_AVERAGED_STEPS = 16
_LEAST_STEP_S = 0.00002
_QUIET_TURNS = 2  # the second one is whole: the tasks of the first were already in their order

IS_URGENT: ContextVar[bool | None] = ContextVar("is_urgent", default=None)  # None: not part of a run


class LoopPriority:
    """The urgent runs of one event loop, and the time that other runs have had in its current turn."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._lock = Lock()  # runs may begin in any thread
        self._urgent_runs = 0
        self._quiet_turns = _QUIET_TURNS  # since the last work of an urgent run
        self._spent_s = 0.0  # by other runs in this turn
        self._others_at = 0.0  # when other runs last worked
        self._is_counting = False
        self._step_s = 0.0  # the usual duration of a step of another run
        self._held: deque[asyncio.Future[None]] = deque()  # steps of other runs that wait

    @contextmanager
    def run(self, *, is_urgent: bool) -> Iterator[None]:
        """Give the tasks that are created in the context their priority, as those of one run."""
        token = IS_URGENT.set(is_urgent)
        with self._lock:
            self._urgent_runs += is_urgent
        try:
            yield
        finally:
            with self._lock:
                self._urgent_runs -= is_urgent
            IS_URGENT.reset(token)

    def make_task(self, loop: asyncio.AbstractEventLoop, coroutine: _Work[T], **options: Any) -> asyncio.Task[T]:
        """Create a task that yields if its run is not urgent: a task factory."""
        is_urgent = IS_URGENT.get()
        work = coroutine if is_urgent is None else _in_steps(_Steps(self, coroutine, is_urgent=is_urgent))
        return asyncio.Task(work, loop=loop, **options)

    @property
    def is_needed(self) -> bool:
        """Whether an urgent run is in progress."""
        return self._urgent_runs > 0

    @property
    def holds_others(self) -> bool:
        """Whether work of other runs must wait for another turn."""
        if not self._urgent_runs:
            return False
        self._count_turns()
        if self._spent_s >= QUANTUM_S:
            return True
        return self._quiet_turns < _QUIET_TURNS and perf_counter() < self._others_at + MAX_HOLD_S

    def note_work(self, spent_s: float, *, is_urgent: bool) -> None:
        """Count work that was done in this turn."""
        if is_urgent:
            self._quiet_turns = 0
        else:
            self._spent_s += spent_s
            self._step_s += (spent_s - self._step_s) / _AVERAGED_STEPS
            self._others_at = perf_counter()
        if self._urgent_runs:
            self._count_turns()

    def hold(self) -> asyncio.Future[None]:
        """Return a future that is done when a step of another run may be done."""
        held: asyncio.Future[None] = self._loop.create_future()
        self._held.append(held)
        return held

    def _count_turns(self) -> None:
        if not self._is_counting:
            self._is_counting = True
            self._loop.call_soon(self._end_turn)

    def _end_turn(self) -> None:
        self._is_counting = False
        self._spent_s = 0.0
        self._quiet_turns += 1
        if not self._held:
            return
        if not self.holds_others:
            steps = max(1, int(QUANTUM_S / max(self._step_s, _LEAST_STEP_S)))
            for _ in range(min(steps if self._urgent_runs else len(self._held), len(self._held))):
                held = self._held.popleft()
                if not held.done():  # not cancelled
                    held.set_result(None)
        if self._held:
            self._count_turns()


class _Steps:
    """The steps of a coroutine: those of other runs wait until they may be done."""

    def __init__(self, priority: LoopPriority, coroutine: _Work[Any], *, is_urgent: bool) -> None:
        self._priority = priority
        self._coroutine = coroutine
        self._is_urgent = is_urgent

    def __await__(self) -> Generator[Any, None, Any]:
        priority, coroutine, is_urgent = self._priority, self._coroutine, self._is_urgent
        error: BaseException | None = None
        while True:
            try:
                if not is_urgent and priority.holds_others:
                    yield from priority.hold()
            except BaseException as thrown:  # noqa: BLE001 - a cancellation is for the coroutine
                error = thrown
            began = perf_counter()
            try:
                awaited = coroutine.send(None) if error is None else coroutine.throw(error)
            except StopIteration as end:
                return end.value
            finally:
                error = None  # it would keep this frame alive
                priority.note_work(perf_counter() - began, is_urgent=is_urgent)
            try:
                yield awaited
            except BaseException as thrown:  # noqa: BLE001 - as above
                error = thrown


async def _in_steps(steps: _Steps) -> Any:
    return await steps


_PRIORITIES: WeakKeyDictionary[asyncio.AbstractEventLoop, LoopPriority] = WeakKeyDictionary()


def priority_of(loop: asyncio.AbstractEventLoop) -> LoopPriority:
    """Return the priority of an event loop."""
    priority = _PRIORITIES.get(loop)
    if priority is None:
        priority = _PRIORITIES[loop] = LoopPriority(loop)
    return priority
