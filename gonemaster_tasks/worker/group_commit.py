"""Group commit: what several threads want written at one time is written together, by one of them, the leader."""

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")


class _Call:
    """The request of one thread. `woken` is released once it is answered, or when its thread is to lead."""

    __slots__ = ("answer", "answered", "item", "woken")

    def __init__(self, item: Any) -> None:
        self.item = item
        self.answer: Any = None
        self.answered = False
        self.woken = threading.Lock()  # an Event costs three times as much
        self.woken.acquire()


class GroupCommit(Generic[T, R]):
    """Serves the requests of several threads in groups, with no thread of its own and no wait for company.

    A request that comes while nothing is under way is served at once and alone, by its own thread. Those that come
    meanwhile are served together, as soon as that is over, by the thread of the first of them.
    """

    def __init__(self, serve: Callable[[Sequence[T]], Sequence[R | Exception]], *, max_group: int) -> None:
        """Use `serve` for groups of at most `max_group`; it gives an answer or an exception for each item, in order.

        What it raises is raised to all of the group.
        """
        self._serve = serve
        self._max_group = max_group
        self._lock = threading.Lock()
        self._waiting: list[_Call] = []
        self._served = 0  # by the group under way
        self._busy = False

    @property
    def pending(self) -> int:
        """Requests that are not answered yet."""
        with self._lock:
            return len(self._waiting) + self._served

    def submit(self, item: T) -> R:
        """Have one item served; returns its answer or raises its exception."""
        call = _Call(item)
        with self._lock:
            self._waiting.append(call)
            is_leader, self._busy = not self._busy, True
        if not is_leader:
            call.woken.acquire()
        if not call.answered:
            self._serve_as_leader()
        if isinstance(call.answer, Exception):
            raise call.answer
        answer: R = call.answer
        return answer

    def _serve_as_leader(self) -> None:
        """Serve the group that waits, this thread's request among it, and let the first of who came meanwhile lead."""
        time.sleep(0)  # threads that are about to ask, and wait for the interpreter only, ask now
        with self._lock:
            group, self._waiting = self._waiting[: self._max_group], self._waiting[self._max_group :]
            self._served = len(group)
        answers = self._answers([call.item for call in group])
        with self._lock:
            following = self._waiting[0] if self._waiting else None
            self._busy, self._served = following is not None, 0
        if following:
            following.woken.release()
        for call, answer in zip(group, answers, strict=True):
            call.answer, call.answered = answer, True
            call.woken.release()

    def _answers(self, items: Sequence[T]) -> Sequence[R | Exception]:
        try:
            return self._serve(items)
        except Exception as error:  # noqa: BLE001  # each thread raises it as its own
            return [error] * len(items)
