"""DNS lookups that a request waits for: each is one call of an engine function with its own limits.

A lookup has its own event loop, sockets and caches, which are closed afterwards. Only the query limits of name servers
are shared with the workers. It is not a job, because a form needs the answer within seconds, even if the queue is full
or paused.
"""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import TypeVar

from cachetools import TLRUCache

from gonemaster_engine.net.pacing import Pacing
from gonemaster_engine.profile.profile import Profile
from gonemaster_engine.resources import Resources
from gonemaster_engine.run.as_names import AsName, look_up_as_names
from gonemaster_engine.run.host_addresses import look_up_addresses
from gonemaster_engine.zone.delegation_data import DelegationData, look_up_delegation
from gonemaster_tasks.broker.politeness import RedisLeaseClient
from gonemaster_tasks.config.profiles import caller_limits
from gonemaster_tasks.config.settings import CurrentSettings
from gonemaster_tasks.worker.execute.engine_resources import open_resources

DELEGATIONS_AT_ONCE = 8
DELEGATION_LIMIT_S = 10.0
NAMES_AT_ONCE = 8
NAMES_WAIT_S = 3.0  # maximum wait of a request; a longer lookup continues for the next request
_EACH_NAME_S = 10.0
_MAX_PENDING = 256  # lookups of names, running or waiting
_MAX_NAMES = 10_000
_KNOWN_S, _UNKNOWN_S = 86_400.0, 3_600.0

Found = TypeVar("Found")


class TooManyLookups(Exception):
    """The limit on simultaneous lookups of a process is reached."""


class DnsLookups:
    """The DNS lookups of one process; thread-safe."""

    def __init__(self, live: CurrentSettings) -> None:
        self._live = live
        self._lock = threading.Lock()
        self._delegations = threading.BoundedSemaphore(DELEGATIONS_AT_ONCE)
        self._names = ThreadPoolExecutor(NAMES_AT_ONCE, thread_name_prefix="as-names")
        self._known: TLRUCache[int, AsName | None] = TLRUCache(_MAX_NAMES, _end_of_life)
        self._pending: dict[int, Future[None]] = {}

    def delegation(self, domain: str) -> DelegationData:
        """Return the delegation data of a zone from its parent zone.

        Raises:
            TooManyLookups: the limit is reached, and no query was sent.
            TimeoutError: the lookup takes too long.
        """
        with _one_of(self._delegations):
            return self._call(
                lambda profile, resources: look_up_delegation(domain, profile, resources, limit_s=DELEGATION_LIMIT_S)
            )

    def addresses(self, name: str) -> list[str]:
        """Return the addresses of a host name. Raises like `delegation`, and shares its limit."""
        with _one_of(self._delegations):
            return self._call(
                lambda profile, resources: look_up_addresses(name, profile, resources, limit_s=DELEGATION_LIMIT_S)
            )

    def as_names(self, asns: Iterable[int], *, wait_s: float = NAMES_WAIT_S) -> dict[int, AsName | None]:
        """Return the holders of ASes, None for an AS without a holder.

        ASes that take longer than `wait_s` are missing.
        """
        requested = list(asns)
        with self._lock:
            pending = [future for asn in requested if asn not in self._known and (future := self._look_up(asn))]
        wait(pending, timeout=wait_s)
        with self._lock:
            return {asn: self._known[asn] for asn in requested if asn in self._known}

    def _look_up(self, asn: int) -> Future[None] | None:
        """Return the lookup of an AS name, which several requests may share; None if too many lookups are pending."""
        if asn not in self._pending and len(self._pending) < _MAX_PENDING:
            self._pending[asn] = self._names.submit(self._find_name, asn)
        return self._pending.get(asn)

    def _find_name(self, asn: int) -> None:
        found: dict[int, AsName | None] = {}
        try:
            found = self._call(
                lambda profile, resources: look_up_as_names([asn], profile, resources, limit_s=_EACH_NAME_S)
            )
        finally:
            with self._lock:
                self._known.update(found)
                del self._pending[asn]

    def _call(self, look_up: Callable[[Profile, Resources], Awaitable[Found]]) -> Found:
        settings = self._live.current

        async def ask() -> Found:
            lease_client = RedisLeaseClient(self._live.base.broker_url)
            pacing = Pacing(lease_client, lambda: self._live.current.politeness)
            resources = open_resources(settings, pacing=pacing)
            try:
                return await look_up(caller_limits(settings), resources)
            finally:
                await resources.close()
                await lease_client.close()

        return asyncio.run(ask())

    def close(self) -> None:
        """Stop the lookups; names that no request waits for are dropped."""
        self._names.shutdown(wait=False, cancel_futures=True)


def _end_of_life(_asn: int, name: AsName | None, now: float) -> float:
    return now + (_KNOWN_S if name else _UNKNOWN_S)


@contextmanager
def _one_of(slots: threading.BoundedSemaphore) -> Iterator[None]:
    if not slots.acquire(blocking=False):
        raise TooManyLookups
    try:
        yield
    finally:
        slots.release()
