"""Group execution: one thread does the work of many concurrent threads, such as one commit for many rows."""

import threading
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")
Work = Callable[[Sequence[Item]], Sequence[Result | BaseException]]


class _Submitted(Generic[Item, Result]):
    """A submitted item; its thread sleeps until the item is done or the thread leads the next group."""

    def __init__(self, item: Item) -> None:
        self.item = item
        self.outcome: Result | BaseException | None = None
        self.done = False
        self.woken = threading.Lock()
        self.woken.acquire()


class Groups(Generic[Item, Result]):
    """An executor that processes the items of concurrent callers in groups.

    While one caller works, others queue up; then the first of them works for all waiting callers. A single caller is
    served immediately, and the group size follows from the duration of the previous group.
    """

    def __init__(self, *, maximum: int) -> None:
        """Limit groups to `maximum` items."""
        self._max_group = maximum
        self._lock = threading.Lock()
        self._waiting: list[_Submitted[Item, Result]] = []
        self._busy = False

    def do(self, item: Item, work: Work[Item, Result]) -> Result:
        """Process an item in a group and return its result.

        All callers pass the same `work`. It gets items in order of arrival and returns a result or an error for each.

        Raises:
            BaseException: what `work` returned for the item, or raised.
        """
        entry: _Submitted[Item, Result] = _Submitted(item)
        with self._lock:
            self._waiting.append(entry)
            leads, self._busy = not self._busy, True
        if not leads:
            entry.woken.acquire()
        if not entry.done:
            self._lead(work)
        if isinstance(entry.outcome, BaseException):
            raise entry.outcome
        return entry.outcome  # type: ignore[return-value]  # it is done

    def _lead(self, work: Work[Item, Result]) -> None:
        """Process a group that includes the caller's item, then let the next waiting caller lead a group."""
        with self._lock:
            group = self._waiting[: self._max_group]
            del self._waiting[: self._max_group]
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
