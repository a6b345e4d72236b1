"""Politeness of one process: a packet leaves when the share or a lease of its address allows it.

A process requests leases for all addresses together, one request at a time, and never waits for the reply. If the lease
client does not answer, the process stays within its share of the limits. A query that waits here has not been sent, so
its timeout has not started. docs/explanation/politeness.md has the rules and their reasons.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import NamedTuple

from gonemaster_engine.addresses import accounting_address
from gonemaster_engine.net.pacing.address import PacedAddress
from gonemaster_engine.net.pacing.fair_queue import WaitingQuery
from gonemaster_engine.net.pacing.limits import NO_SHARE, AddressLimits, LeaseClient, LeaseRequest
from gonemaster_engine.net.query import Query

_GATHER_S = 0.02  # time between two requests for leases
_ANSWER_S = 2.0  # time after which a lease client that does not answer counts as unavailable
_SWEEP_S = 0.5
_IDLE_S = 3.0  # time after which an idle address is dropped
_SWITCH_S = 1.5  # change between leases and whole shares: last lease, its life, the second that counts it
_FEWER_S = 15.0  # how long a lower count must last: a Redis that has lost its data counts no processes
_EXTRA_PARTS = 10  # an extra process gets a tenth of a share
_LONG_S = 0.1  # shorter waits are for a lease, not for the limit


class Stats(NamedTuple):
    """Waits that were longer than a lease takes. The numbers only grow."""

    waits: int = 0  # packets
    waited_s: float = 0.0  # total, all packets


class Pacing:
    """Sends packets as the limits allow. Create it in an event loop; call its methods only there.

    `limits` returns the limits that apply now. With `is_extra`, the lease client does not count the process as a
    worker; the process then has no share and sends nothing without a lease.
    """

    def __init__(
        self, lease_client: LeaseClient, limits: Callable[[], AddressLimits], *, is_extra: bool = False
    ) -> None:
        self.stats = Stats()
        self.is_without_leases = False  # the lease client is unavailable, so that the process stays within its share
        self._loop = asyncio.get_running_loop()
        self._lease_client = lease_client
        self._read_limits = limits
        self._limits = limits()
        self._is_extra = is_extra
        self._addresses: dict[str, PacedAddress] = {}
        self._wanted: list[PacedAddress] = []
        self._is_due = asyncio.Event()  # the next request
        self._processes = 0  # 0: unknown
        self._counted_at = 0.0  # when at least this number of processes was last counted
        self._known_at = math.inf
        self._settled_at = -math.inf
        self._can_lease = True
        self._share = NO_SHARE
        self._sweeping: asyncio.TimerHandle | None = None  # set while there are addresses
        self._asking = self._loop.create_task(self._request_when_due())

    def limited(self) -> list[str]:
        """Return the addresses at which queries wait for the limit."""
        since = time.monotonic() - _LONG_S
        addresses = self._addresses.values()
        return [each.name for each in addresses if any(query.since < since for query in each.queue.waiting())]

    def enter(self, query: Query, send: Callable[[Query], bool]) -> None:
        """Send a packet of the query now or when the limits allow; `send` returns whether a packet has left.

        An earlier packet of the query counts as answered.
        """
        query.release()
        if self._limits.is_unlimited:
            self._follow_limits()
            if self._limits.is_unlimited:
                send(query)
                return
        name, now = accounting_address(query.address), time.monotonic()
        address = self._addresses.get(name)
        if address is None:
            address = self._addresses[name] = PacedAddress(name, now)
            self._sweeping = self._sweeping or self._loop.call_later(_SWEEP_S, self._sweep)
        address.used_at = now
        if not address.queue and (is_leased := address.take(self._share, now)) is not None:
            self._send(address, query, send, is_leased=is_leased)
            return
        address.queue.add(WaitingQuery(query, send, now))
        self._advance(address)

    def _send(self, address: PacedAddress, query: Query, send: Callable[[Query], bool], *, is_leased: bool) -> None:
        query.on_release = partial(self._on_outcome, address, is_leased)
        if not send(query):
            query.on_release = None
            address.release(is_leased=is_leased, is_unsent=True)

    def _on_outcome(self, address: PacedAddress, is_leased: bool) -> None:
        address.release(is_leased=is_leased)
        if address.queue:
            self._loop.call_soon(self._advance, address)  # deferred: the outcome is processed first
        elif address.is_shared and is_leased and not address.leased_in_flight:
            self._want(address)  # to return packets that other processes wait for

    def _advance(self, address: PacedAddress) -> None:
        """Send the packets that are allowed now, and request a lease or set a timer for the rest."""
        now, queue = time.monotonic(), address.queue
        if address.timer:
            address.timer.cancel()
        while queue and (is_leased := address.take(self._share, now)) is not None:
            waiting = queue.take()
            self._record_wait(waiting, now)
            if waiting.query.done:
                address.release(is_leased=is_leased, is_unsent=True)
            else:
                self._send(address, waiting.query, waiting.send, is_leased=is_leased)
        if not queue:
            return
        if now >= address.retry_at and not address.has_lease(now):
            self._want(address)
        if (at := address.next_at(self._share, now)) is not None:
            address.timer = self._loop.call_at(max(at, now + 0.001), self._on_time, address)

    def _on_time(self, address: PacedAddress) -> None:
        address.extend_expired(time.monotonic())
        self._advance(address)

    def _record_wait(self, waiting: WaitingQuery, now: float) -> None:
        waited_s = now - waiting.since
        waiting.query.pace.waited_s += waited_s
        if waited_s > _LONG_S:
            self.stats = Stats(self.stats.waits + 1, self.stats.waited_s + waited_s)

    def _want(self, address: PacedAddress) -> None:
        if self._can_lease and not address.is_asked:
            address.is_asked = True
            self._wanted.append(address)
            self._is_due.set()

    async def _request_when_due(self) -> None:
        while await self._is_due.wait():
            self._is_due.clear()
            await self._request()
            await asyncio.sleep(_GATHER_S)

    async def _request(self) -> None:
        """Request all wanted leases; without any, the number of processes."""
        now, limits = time.monotonic(), self._limits
        wanted, self._wanted = self._wanted, []
        requests = [
            LeaseRequest(each.name, 0 if each.has_lease(now) else len(each.queue), each.leased_in_flight)
            for each in wanted
        ]
        terms, leases = limits.lease_terms(max(1, self._processes)), None
        with suppress(TimeoutError):
            async with asyncio.timeout(_ANSWER_S):
                leases = await self._lease_client.request(requests, terms, limited=self.limited())
        now = time.monotonic()
        if self.is_without_leases != (leases is None):
            self.is_without_leases, self._settled_at = leases is None, now + _SWITCH_S
        if leases:
            self._count(leases.processes, now)
        self._update_share(now)
        for number, address in enumerate(wanted):
            address.is_asked = False
            if leases and self._can_lease and limits == self._limits:
                address.accept(leases.leases[number], made_at=leases.made_at, now=now)
            self._advance(address)

    def _count(self, processes: int, now: float) -> None:
        """Store the number of processes; a lower number takes effect only after a while."""
        self._known_at = min(self._known_at, now)
        if processes >= self._processes or now - self._counted_at >= _FEWER_S:
            self._processes, self._counted_at = processes, now

    def _update_share(self, now: float) -> None:
        """Set what the process may send without a lease, and whether it may request leases."""
        processes = max(1, self._processes)
        is_settled = now >= self._settled_at
        self._can_lease = is_settled and not self.is_without_leases
        if is_settled and self.is_without_leases:
            self._share = self._limits.full_share(processes * _EXTRA_PARTS if self._is_extra else processes)
        elif self._limits.is_unlimited:
            self._share = self._limits.half_share(processes)
        elif self._is_extra or now < self._known_at + _SWITCH_S:  # until others have reduced their shares
            self._share = NO_SHARE
        else:
            self._share = self._limits.half_share(processes)

    def _follow_limits(self) -> None:
        """Read the current limits; if they changed, leases of the old limits end."""
        limits = self._read_limits()
        if limits != self._limits:
            self._limits = limits
            for address in self._addresses.values():
                address.leased = 0

    def _sweep(self) -> None:
        """Update limits and shares, renew leases of unanswered packets, and drop idle addresses."""
        now = time.monotonic()
        self._follow_limits()
        self._update_share(now)
        for address in list(self._addresses.values()):
            if address.is_idle and now - address.used_at > _IDLE_S:
                del self._addresses[address.name]
                continue
            if address.leased_in_flight and self._limits.outstanding:
                self._want(address)
            if address.queue:
                self._advance(address)
        if self._addresses:
            self._is_due.set()
        self._sweeping = self._loop.call_later(_SWEEP_S, self._sweep) if self._addresses else None

    def close(self) -> list[Query]:
        """Stop, and return the waiting queries."""
        self._asking.cancel()
        addresses = self._addresses.values()
        for timer in (self._sweeping, *(address.timer for address in addresses)):
            if timer:
                timer.cancel()
        waiting = [each.query for address in addresses for each in address.queue.waiting()]
        for query in waiting:
            query.pace.end()
        return waiting
