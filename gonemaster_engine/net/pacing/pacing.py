"""Politeness of one process: each packet leaves when its share or a lease of its address allows it.

A process asks for leases of all addresses at once, one request at a time, and never waits for the reply. Without a
lender that answers it keeps to its share of the limits. A query that waits here is not sent yet, so its time limit has
not begun. The rules and the reasons: docs/explanation/politeness.md.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from gonemaster_engine.addresses import counted_as
from gonemaster_engine.net.pacing.address import PacedAddress
from gonemaster_engine.net.pacing.leases import Leases, Lender, Want
from gonemaster_engine.net.pacing.limits import NO_SHARE, AddressLimits, Share
from gonemaster_engine.net.pacing.turns import WaitingQuery
from gonemaster_engine.net.query import Query

_GATHER_S = 0.02  # between two requests for leases
_ANSWER_S = 2.0  # after which a lender that does not answer counts as unavailable
_SWEEP_S = 0.5
_IDLE_S = 3.0  # after which an address is forgotten
_SWITCH_S = 1.5  # between leases and whole shares: the last lease, its life, and the second in which its packets count
_FEWER_S = 15.0  # for which fewer processes must be counted: a Redis that lost everything counts none
_EXTRA_PARTS = 10  # an extra process takes a tenth of a share
_LONG_S = 0.1  # shorter waits are those for a lease, not for the limit


class Stats(NamedTuple):
    """What waited longer than a lease takes. The numbers only grow."""

    waits: int = 0  # packets
    waited_s: float = 0.0  # all of them together


class Pacing:
    """Lets packets go as the limits allow. Make it for one event loop; its methods are called there.

    `limits` returns those that apply now. `is_extra`: the lender does not count the process among the workers, so it
    has no share and sends nothing without a lease.
    """

    def __init__(self, lender: Lender, limits: Callable[[], AddressLimits], *, is_extra: bool = False) -> None:
        self._loop = asyncio.get_running_loop()
        self._lender = lender
        self._read_limits = limits
        self._limits = limits()
        self._is_extra = is_extra
        self._addresses: dict[str, PacedAddress] = {}
        self._wanted: list[PacedAddress] = []
        self._timers: dict[Callable[[], None], asyncio.TimerHandle] = {}
        self._request = 0  # number of the last one
        self._asked_at = 0.0
        self._limit_of_reply: asyncio.TimerHandle | None = None  # while a request is under way
        self._processes = 0  # 0: not known
        self._known_at = math.inf
        self._counted_at = 0.0  # when at least so many processes were counted last
        self._is_alone = False  # the lender is unavailable
        self._switched_at = -math.inf
        self._may_lease = True
        self._share = NO_SHARE
        self._stats = Stats()
        self._is_closed = False

    @property
    def stats(self) -> Stats:
        """What waited so far."""
        return self._stats

    @property
    def is_alone(self) -> bool:
        """Whether the process keeps to its share, since no lender answers."""
        return self._is_alone

    def limited(self) -> list[str]:
        """Return the addresses at which queries wait for the limit."""
        since = time.monotonic() - _LONG_S
        addresses = self._addresses.values()
        return [each.name for each in addresses if any(query.since < since for query in each.queue.waiting())]

    def enter(self, query: Query, send: Callable[[Query], bool]) -> None:
        """Send a packet of the query, now or when it may be sent; `send` returns whether a packet has left.

        A packet of it that was sent before counts as answered.
        """
        query.let_go()
        if self._limits.is_none:
            self._follow_limits()
            if self._limits.is_none:
                send(query)
                return
        name, now = counted_as(query.address), time.monotonic()
        address = self._addresses.get(name)
        if address is None:
            address = self._addresses[name] = PacedAddress(name, now)
            self._call_at(now + _SWEEP_S, self._sweep)
        address.used_at = now
        if not address.queue and (is_leased := address.take(self._share, now)) is not None:
            self._send(address, query, send, is_leased=is_leased)
            return
        address.queue.add(WaitingQuery(query, send, now))
        self._advance(address)

    def _call_at(self, at: float, method: Callable[[], None]) -> None:
        """Call a method of this object at a time, unless it is to be called anyway."""

        def call() -> None:
            del self._timers[method]
            method()

        if method not in self._timers:
            self._timers[method] = self._loop.call_at(at, call)

    def _send(self, address: PacedAddress, query: Query, send: Callable[[Query], bool], *, is_leased: bool) -> None:
        query.on_let_go = partial(self._on_outcome, address, is_leased)
        if not send(query):
            query.on_let_go = None
            address.give_back(is_leased=is_leased)

    def _on_outcome(self, address: PacedAddress, is_leased: bool) -> None:
        address.answered(is_leased=is_leased)
        if address.queue:
            self._loop.call_soon(self._advance, address)  # not now: the outcome comes first
        elif address.is_shared and is_leased and not address.leased_in_flight:
            self._want(address)  # to return what others wait for

    def _advance(self, address: PacedAddress) -> None:
        """Send what waits at an address as far as it may be sent, and arrange for the rest."""
        now, queue = time.monotonic(), address.queue
        if address.timer:
            address.timer.cancel()
        if self._is_closed:
            return
        while queue and (is_leased := address.take(self._share, now)) is not None:
            waiting = queue.take()
            self._note_wait(waiting, now)
            if waiting.query.done:
                address.give_back(is_leased=is_leased)
            else:
                self._send(address, waiting.query, waiting.send, is_leased=is_leased)
        if not queue:
            return
        if now >= address.retry_at and not address.has_lease(now):
            self._want(address)
        if (at := address.next_at(self._share, now)) is not None:
            address.timer = self._loop.call_at(max(at, now + 0.001), self._on_time, address)

    def _on_time(self, address: PacedAddress) -> None:
        address.save_late(time.monotonic())
        self._advance(address)

    def _note_wait(self, waiting: WaitingQuery, now: float) -> None:
        waited_s = now - waiting.since
        waiting.query.pace.waited_s += waited_s
        if waited_s > _LONG_S:
            self._stats = Stats(self._stats.waits + 1, self._stats.waited_s + waited_s)

    def _want(self, address: PacedAddress) -> None:
        if self._may_lease and not address.is_asked:
            address.is_asked = True
            self._wanted.append(address)
            self._ask_soon()

    def _ask_soon(self) -> None:
        if self._limit_of_reply is None:  # else the reply to the request under way comes first
            self._call_at(max(time.monotonic(), self._asked_at + _GATHER_S), self._ask)

    def _ask(self) -> None:
        """Ask for all leases that are wanted; without any, for the number of processes."""
        now = self._asked_at = time.monotonic()
        wanted, self._wanted = self._wanted, []
        wants = [
            Want(each.name, 0 if each.has_lease(now) else len(each.queue), each.leased_in_flight) for each in wanted
        ]
        self._request += 1
        reply = partial(self._on_reply, self._request, self._limits, wanted)
        self._limit_of_reply = self._loop.call_later(_ANSWER_S, reply, None)
        terms = self._limits.lease_terms(max(1, self._processes))
        self._lender.ask(wants, terms, reply, limited=self.limited())

    def _on_reply(self, request: int, limits: AddressLimits, wanted: list[PacedAddress], leases: Leases | None) -> None:
        if self._is_closed or request != self._request or self._limit_of_reply is None:  # too late
            return
        self._limit_of_reply.cancel()
        self._limit_of_reply = None
        now = time.monotonic()
        if self._is_alone != (leases is None):
            self._is_alone, self._switched_at = leases is None, now
        if leases:
            self._count(leases.processes, now)
        self._update_share(now)
        for number, address in enumerate(wanted):
            address.is_asked = False
            if leases and self._may_lease and limits == self._limits:
                address.accept(leases.leases[number], made_at=leases.made_at, now=now)
            self._advance(address)
        if self._wanted:
            self._ask_soon()

    def _count(self, processes: int, now: float) -> None:
        """Note how many processes there are; fewer only after a while."""
        self._known_at = min(self._known_at, now)
        if processes >= self._processes or now - self._counted_at >= _FEWER_S:
            self._processes, self._counted_at = processes, now

    def _update_share(self, now: float) -> None:
        """Set what the process may send without a lease, and whether it may lease."""
        processes = max(1, self._processes)
        is_settled = now >= self._switched_at + _SWITCH_S
        self._may_lease = is_settled and not self._is_alone
        if self._limits.is_none:
            self._share = Share(math.inf, math.inf)
        elif is_settled and self._is_alone:
            self._share = self._limits.whole_share(processes * _EXTRA_PARTS if self._is_extra else processes)
        elif self._is_extra or now < self._known_at + _SWITCH_S:  # the others' shares are too large until they know
            self._share = NO_SHARE
        else:
            self._share = self._limits.half_share(processes)

    def _follow_limits(self) -> None:
        """See whether other limits apply now; leases of the old ones end."""
        limits = self._read_limits()
        if limits != self._limits:
            self._limits = limits
            for address in self._addresses.values():
                address.leased = 0

    def _sweep(self) -> None:
        """Follow limits and shares, renew what is without an answer, forget addresses that are not used."""
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
            self._ask_soon()
            self._call_at(now + _SWEEP_S, self._sweep)

    def close(self) -> list[Query]:
        """Stop, and return the queries that wait."""
        self._is_closed = True
        for timer in self._timers.values():
            timer.cancel()
        if self._limit_of_reply:
            self._limit_of_reply.cancel()
        waiting = [each.query for address in self._addresses.values() for each in address.queue.waiting()]
        for address in self._addresses.values():
            if address.timer:
                address.timer.cancel()
        for query in waiting:
            query.pace.end()
        return waiting
