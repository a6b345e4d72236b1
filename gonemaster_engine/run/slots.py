"""The limit of concurrent test cases of a run."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self

from gonemaster_engine.waiting import SILENCE_TIMEOUT_S


class CaseSlots:
    """Limits the number of concurrent test cases; each case runs within `async with slots.one():`.

    A case that has not ended after half a second usually waits for slow or silent servers. It then frees its slot;
    otherwise a few such cases would delay all others, which would wait for the same servers again.
    """

    def __init__(self, count: int) -> None:
        self._free = asyncio.Semaphore(count)
        self._timeout_s = SILENCE_TIMEOUT_S if count > 1 else None  # a count of one means strictly sequential

    def one(self) -> _Slot:
        """Return the slot of one case."""
        return _Slot(self._free, self._timeout_s)


class _Slot:
    def __init__(self, free: asyncio.Semaphore, timeout_s: float | None) -> None:
        self._free = free
        self._timeout_s = timeout_s
        self._is_held = False
        self._timer: asyncio.TimerHandle | None = None

    async def __aenter__(self) -> Self:
        await self._free.acquire()
        self._is_held = True
        if self._timeout_s is not None:
            self._timer = asyncio.get_running_loop().call_later(self._timeout_s, self._release)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._release()

    def _release(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None
        if self._is_held:
            self._is_held = False
            self._free.release()
