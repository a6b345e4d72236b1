"""Look-ups in DNS that a request waits for: the engine in one thread of the API process, within narrow bounds.

The thread is started by the first look-up. All that it shares with the
workers are the limits for name servers.
"""

import asyncio
import logging
import threading
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from time import monotonic

from gonemaster_engine.net.pacing import Pacing
from gonemaster_engine.resources import Resources
from gonemaster_engine.run.as_names import AsName, look_up_as_names
from gonemaster_engine.zone.delegation_data import DelegationData, look_up_delegation
from gonemaster_tasks.config.profiles import caller_limits
from gonemaster_tasks.config.settings import CurrentSettings
from gonemaster_tasks.worker.execute.engine_resources import follow_settings, open_resources
from gonemaster_tasks.worker.execute.lender import RedisLender
from gonemaster_tasks.worker.execute.running import EngineLoop

log = logging.getLogger(__name__)

DELEGATIONS_AT_ONCE = 8
DELEGATION_LIMIT_S = 10.0
NAMES_AT_ONCE = 8
NAMES_WAIT_S = 3.0  # of a request; a look-up that takes longer goes on, and the next request has its name
_EACH_NAME_S = 10.0
_MOST_WAITING = 256  # look-ups of names, under way or not begun
_MOST_NAMES = 10_000  # that are remembered
_KNOWN_S, _UNKNOWN_S = 86_400.0, 3_600.0


class TooManyLookups(Exception):
    """As many look-ups are under way as one process makes at a time."""


class DnsLookups:
    """The look-ups of one process; safe in threads."""

    def __init__(self, live: CurrentSettings) -> None:
        self._live = live
        self._lock = threading.Lock()
        self._thread: _LookupThread | None = None
        self._delegations = threading.BoundedSemaphore(DELEGATIONS_AT_ONCE)

    def delegation(self, domain: str) -> DelegationData:
        """Return what the parent of a zone has about it.

        Raises:
            TooManyLookups: nothing was sent.
            TimeoutError: it takes too long.
        """
        with _one_of(self._delegations):
            return self._running().delegation(domain)

    def as_names(self, asns: Iterable[int], *, wait_s: float = NAMES_WAIT_S) -> dict[int, AsName | None]:
        """Return who holds ASes; None where nobody does, and what is not known within some seconds is missing."""
        return self._running().as_names(list(asns), wait_s=wait_s)

    def _running(self) -> "_LookupThread":
        with self._lock:
            if self._thread is None:
                self._thread = _LookupThread(self._live)
            return self._thread

    def close(self) -> None:
        """End the thread, if there is one."""
        with self._lock:
            thread, self._thread = self._thread, None
        if thread is not None:
            thread.close()


class _LookupThread:
    """An event loop with what the engine needs."""

    def __init__(self, live: CurrentSettings) -> None:
        self._live = live
        self._applied = live.current
        self._loop = EngineLoop()
        self._loop.start()
        self._lender = RedisLender.of_extra(live.own, "api")
        self._lender.start()
        try:
            self._resources = self._loop.call(_opened(self._open))
        except BaseException:
            self._lender.stop()
            self._loop.stop()
            raise
        self._names = _AsNames(self._look_up_name)

    def _open(self) -> Resources:
        pacing = Pacing(self._lender, lambda: self._live.current.politeness, is_extra=True)
        return open_resources(self._applied, pacing=pacing)

    def delegation(self, domain: str) -> DelegationData:
        return self._loop.call(self._delegation(domain))

    async def _delegation(self, domain: str) -> DelegationData:
        self._follow()
        profile = caller_limits(self._live.current)
        return await look_up_delegation(domain, profile, self._resources, limit_s=DELEGATION_LIMIT_S)

    def as_names(self, asns: list[int], *, wait_s: float) -> dict[int, AsName | None]:
        return self._loop.call(self._names.find(asns, wait_s=wait_s))

    async def _look_up_name(self, asn: int) -> dict[int, AsName | None]:
        self._follow()
        profile = caller_limits(self._live.current)
        return await look_up_as_names([asn], profile, self._resources, limit_s=_EACH_NAME_S)

    def _follow(self) -> None:
        before, self._applied = self._applied, self._live.current
        follow_settings(self._resources, before, self._applied)

    def close(self) -> None:
        self._loop.call(self._end())
        self._lender.stop()
        self._loop.stop()

    async def _end(self) -> None:
        await self._names.end()
        await self._resources.close()


class _AsNames:
    """Names that are known, and look-ups that are under way; belongs to the event loop."""

    def __init__(self, look_up: Callable[[int], Awaitable[dict[int, AsName | None]]]) -> None:
        self._look_up = look_up
        self._known: OrderedDict[int, tuple[AsName | None, float]] = OrderedDict()  # with the end of its life
        self._running: dict[int, asyncio.Task[None]] = {}
        self._slots = asyncio.Semaphore(NAMES_AT_ONCE)

    async def find(self, asns: list[int], *, wait_s: float) -> dict[int, AsName | None]:
        lacking = [asn for asn in asns if not self._is_known(asn)]
        tasks = [task for asn in lacking if (task := self._task(asn))]
        if tasks:
            await asyncio.wait(tasks, timeout=wait_s)
        return {asn: self._known[asn][0] for asn in asns if self._is_known(asn)}

    def _is_known(self, asn: int) -> bool:
        return asn in self._known and self._known[asn][1] > monotonic()

    def _task(self, asn: int) -> asyncio.Task[None] | None:
        """Return the look-up of a name, which several requests may wait for; None if there are too many."""
        task = self._running.get(asn)
        if task is None and len(self._running) < _MOST_WAITING:
            task = self._running[asn] = asyncio.ensure_future(self._find_one(asn))
            task.add_done_callback(partial(self._note_end, asn))
        return task

    def _note_end(self, asn: int, task: asyncio.Task[None]) -> None:
        self._running.pop(asn, None)
        if not task.cancelled() and (error := task.exception()):
            log.error("look-up of the name of an AS failed", exc_info=error, extra={"asn": asn})

    async def _find_one(self, asn: int) -> None:
        async with self._slots:
            found = await self._look_up(asn)
        if asn in found:
            name = found[asn]
            self._known.pop(asn, None)
            self._known[asn] = name, monotonic() + (_KNOWN_S if name else _UNKNOWN_S)
            while len(self._known) > _MOST_NAMES:
                self._known.popitem(last=False)

    async def end(self) -> None:
        tasks = list(self._running.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _opened(make: Callable[[], Resources]) -> Resources:
    return make()


@contextmanager
def _one_of(slots: threading.BoundedSemaphore) -> Iterator[None]:
    if not slots.acquire(blocking=False):
        raise TooManyLookups
    try:
        yield
    finally:
        slots.release()
