"""Group execution: one thread does the work of many concurrent threads, such as one commit for many rows."""

import threading
import time
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")
Work = Callable[[Sequence[Item]], Sequence[Result | BaseException]]


class _Submitted(Generic[Item, Result]):
    """A submitted item; its thread sleeps until the item is done or the thread leads the next group."""

    def __init__(self, item: Item, wait_s: float) -> None:
        self.item = item
        self.due = time.monotonic() + wait_s
        self.outcome: Result | BaseException | None = None
        self.done = False
        self.woken = threading.Lock()
        self.woken.acquire()


class Groups(Generic[Item, Result]):
    """An executor that processes the items of concurrent callers in groups.

    While one caller works, others queue up; then the first of them works for all waiting callers. A single caller is
    served immediately, and the group size follows from the duration of the previous group. Callers that are not in a
    hurry can wait for others to join.
    """

    def __init__(self, *, maximum: int) -> None:
        """Limit groups to `maximum` items."""
        self._max_group = maximum
        self._lock = threading.Lock()
        self._waiting: list[_Submitted[Item, Result]] = []
        self._busy = False
        self._is_complete = threading.Event()  # The next group has no reason to wait for more items.

    def do(self, item: Item, work: Work[Item, Result], *, wait_s: float = 0.0, expected: int = 1) -> Result:
        """Process an item in a group and return its result.

        All callers pass the same `work`. It gets items in order of arrival and returns a result or an error for each.
        The group may wait up to `wait_s` until it has `expected` items; an item without `wait_s` ends the wait.

        Raises:
            BaseException: what `work` returned for the item, or raised.
        """
        entry: _Submitted[Item, Result] = _Submitted(item, wait_s)
        with self._lock:
            self._waiting.append(entry)
            if not wait_s or len(self._waiting) >= min(expected, self._max_group):
                self._is_complete.set()
            leads, self._busy = not self._busy, True
        if not leads:
            entry.woken.acquire()
        if not entry.done:
            if wait_s:
                self._is_complete.wait(max(0.0, entry.due - time.monotonic()))
            self._lead(work)
        if isinstance(entry.outcome, BaseException):
            raise entry.outcome
        return entry.outcome  # type: ignore[return-value]  # it is done

    def _lead(self, work: Work[Item, Result]) -> None:
        """Process a group that includes the caller's item, then let the next waiting caller lead a group."""
        with self._lock:
            group = self._waiting[: self._max_group]
            del self._waiting[: self._max_group]
            if not self._waiting:
                self._is_complete.clear()
        outcomes: Sequence[Result | BaseException] = ()
        try:
            outcomes = work([entry.item for entry in group])
        except BaseException as error:  # noqa: BLE001 - each caller raises it
            outcomes = [error] * len(group)
        finally:
            for entry, outcome in zip(group, outcomes, strict=True):
                entry.outcome, entry.done = outcome, True
                entry.woken.release()
            with self._lock:
                self._busy = bool(self._waiting)
                if self._waiting:
                    self._waiting[0].woken.release()
