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
from functools import partial

from gonemaster_engine.addresses import accounting_address
from gonemaster_engine.net.pacing.address import LONG_S, PacedAddress, WaitingQuery
from gonemaster_engine.net.pacing.limits import LIFE_S, NO_SHARE, AddressLimits, LeaseClient, Leases
from gonemaster_engine.net.query import Query

_GATHER_S = 0.02  # time between two requests for leases
_SWEEP_S = 0.5
_IDLE_S = 3.0  # time after which an idle address is dropped
_SWITCH_S = 1.5  # change between leases and whole shares: last lease, its life, the second that counts it
_FEWER_S = 15.0  # how long a lower count must last: a Redis that has lost its data counts no processes
_EXTRA_PARTS = 10  # without leases, a process that is not a worker gets a tenth of a share


class Pacing:
    """Sends packets as the limits allow. Create it in an event loop; call its methods only there.

    `limits` returns the limits that apply now.
    """

    def __init__(self, lease_client: LeaseClient, limits: Callable[[], AddressLimits]) -> None:
        self.waits = 0  # packets that waited longer than a lease takes, and how long they waited in total
        self.waited_s = 0.0
        self.is_without_leases = False  # the lease client is unavailable, so that the process stays within its share
        self._loop = asyncio.get_running_loop()
        self._lease_client = lease_client
        self._read_limits = limits
        self._limits = limits()
        self._share = NO_SHARE
        self._addresses: dict[str, PacedAddress] = {}
        self._wanted: list[PacedAddress] = []
        self._is_due = asyncio.Event()  # the next request
        self._processes = 1
        self._counted_at = 0.0  # when at least this number of processes was last counted
        self._share_from = math.inf  # the other processes have reduced their shares
        self._switched_at = -math.inf  # between leases and whole shares
        self._sweeping: asyncio.TimerHandle | None = None  # set while there are addresses
        self._requesting = self._loop.create_task(self._request_when_due())

    def enter(self, query: Query, send: Callable[[Query], bool]) -> None:
        """Send a packet of the query now or when the limits allow; `send` returns whether a packet has left.

        An earlier packet of the query counts as answered.
        """
        query.release()
        if self._limits.is_unlimited:
            self._limits = self._read_limits()
            if self._limits.is_unlimited:
                send(query)
                return
        name, now = accounting_address(query.address), time.monotonic()
        address = self._addresses.get(name)
        if address is None:
            address = self._addresses[name] = PacedAddress(name, now)
            self._sweeping = self._sweeping or self._loop.call_later(_SWEEP_S, self._sweep)
        address.used_at = now
        if not address.queue:
            if address.leased and now >= address.starts_at + LIFE_S:
                address.leased = 0  # it expired while no query waited for it
            if (is_leased := address.take(self._share, now)) is not None:
                self._send(address, query, send, is_leased=is_leased)
                return
        address.queue.add(WaitingQuery(query, send, now))
        self._advance(address)

    def _send(self, address: PacedAddress, query: Query, send: Callable[[Query], bool], *, is_leased: bool) -> None:
        query.on_release = partial(self._on_answer, address)
        if not send(query):
            query.on_release = None
            address.give_back(is_leased=is_leased)

    def _on_answer(self, address: PacedAddress) -> None:
        address.unanswered -= 1
        if address.queue:
            self._loop.call_soon(self._advance, address)  # deferred: the outcome is processed first

    def _advance(self, address: PacedAddress) -> None:
        """Send the packets that are allowed now, and request a lease or set a timer for the rest."""
        now, queue = time.monotonic(), address.queue
        if address.timer:
            address.timer.cancel()
        while queue and (is_leased := address.take(self._share, now)) is not None:
            waiting = queue.take()
            if waiting.is_over:
                address.give_back(is_leased=is_leased)
                continue
            waited_s = now - waiting.since
            waiting.query.pace.waited_s += waited_s
            if waited_s > LONG_S:
                self.waits += 1
                self.waited_s += waited_s
            self._send(address, waiting.query, waiting.send, is_leased=is_leased)
        if not queue:
            return
        if now >= address.starts_at:
            self._want(address)
        if (at := address.next_at(self._share, now)) is not None:
            address.timer = self._loop.call_at(max(at, now + 0.001), self._advance, address)

    def _want(self, address: PacedAddress) -> None:
        is_switching = time.monotonic() < self._switched_at + _SWITCH_S
        if not (address.is_requested or self.is_without_leases or is_switching):
            address.is_requested = True
            self._wanted.append(address)
            self._is_due.set()

    async def _request_when_due(self) -> None:
        while await self._is_due.wait():
            self._is_due.clear()
            await self._request()
            await asyncio.sleep(_GATHER_S)

    async def _request(self) -> None:
        """Request all wanted leases; without any, the number of processes."""
        asked_at = time.monotonic()
        wanted, self._wanted = self._wanted, []
        requests = [each.request(self._share, asked_at) for each in wanted]
        reply = await self._lease_client.request(requests, self._limits.leased(self._processes))
        now = time.monotonic()
        if self.is_without_leases != (reply is None):
            self.is_without_leases, self._switched_at = reply is None, now
        if reply:
            self._count(reply, now)
            for address, request, lease in zip(wanted, requests, reply.leases, strict=True):
                if request.packets:
                    address.leased, address.starts_at = lease.packets, (asked_at + now) / 2 + lease.delay_s
        self._update_share(now)
        for address in wanted:
            address.is_requested = False
            self._advance(address)

    def _count(self, reply: Leases, now: float) -> None:
        """Store the number of processes; a lower number takes effect only after a while."""
        if not reply.has_share:
            self._share_from = math.inf
        elif self._share_from == math.inf:
            self._share_from = now + _SWITCH_S
        if reply.processes >= self._processes or now - self._counted_at >= _FEWER_S:
            self._processes, self._counted_at = max(1, reply.processes), now

    def _update_share(self, now: float) -> None:
        """Set what the process may send without a lease."""
        if self.is_without_leases and now >= self._switched_at + _SWITCH_S:
            self._share = self._limits.full_share(
                self._processes * (_EXTRA_PARTS if self._share_from == math.inf else 1)
            )
        elif now >= self._share_from or self._limits.is_unlimited:
            self._share = self._limits.half_share(self._processes)
        else:
            self._share = NO_SHARE

    def _sweep(self) -> None:
        """Update limits and shares, renew leases of unanswered packets, and drop idle addresses."""
        now = time.monotonic()
        self._limits = self._read_limits()
        self._update_share(now)
        for address in list(self._addresses.values()):
            if address.unanswered > self._share.unanswered:
                self._want(address)
            if address.queue:
                self._advance(address)
            elif now - address.used_at > _IDLE_S and not (address.unanswered or address.is_requested):
                del self._addresses[address.name]
        if self._addresses:
            self._is_due.set()
        self._sweeping = self._loop.call_later(_SWEEP_S, self._sweep) if self._addresses else None

    def close(self) -> list[Query]:
        """Stop, and return the waiting queries."""
        self._requesting.cancel()
        addresses = self._addresses.values()
        for timer in (self._sweeping, *(address.timer for address in addresses)):
            if timer:
                timer.cancel()
        waiting = [each.query for address in addresses for each in address.queue]
        for query in waiting:
            query.pace.is_over = True
        return waiting
