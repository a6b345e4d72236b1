"""Admission: limits the concurrent queries to one address by concurrency and budget; other queries wait here.

An admitted query may still wait for the limits that all runs share: see net/pacing.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from gonemaster_engine.limits import TCP_PACKETS
from gonemaster_engine.net.cache import QueryKey
from gonemaster_engine.net.query import Query
from gonemaster_engine.net.server.paths import PathHealth
from gonemaster_engine.net.server.pending import Pending
from gonemaster_engine.net.server.run_state import RunState
from gonemaster_engine.waiting import SILENCE_TIMEOUT_S


class QueryAdmission:
    """The queries to one address, in flight and waiting.

    An address that has not answered yet, or no longer answers, gets few queries at a time. The other queries wait, and
    most of them are never sent if the address stays silent: it may belong to someone unrelated to the zone.
    """

    __slots__ = (
        "_active_tcp",
        "_deferred",
        "_held",
        "_run",
        "_timer",
        "account",
        "health",
        "is_exclusive",
        "under_way",
    )

    def __init__(self, run: RunState, address: str, health: PathHealth) -> None:
        self._run = run
        self.health = health
        self.account = run.budget.account(address)
        self.under_way: dict[QueryKey, tuple[Query, Pending, int]] = {}  # the number is of packets charged
        self._active_tcp = 0
        self.is_exclusive = False  # whether the query in flight must stay the only one
        self._held: tuple[deque[Pending], deque[Pending]] = (deque(), deque())  # queries over UDP, queries over TCP
        self._deferred: deque[Pending] = deque()  # queries on paths that have not answered
        self._timer: asyncio.TimerHandle | None = None

    def admits(self, pending: Pending, *, resume: Callable[[], None]) -> bool:
        """Return whether a query may be sent now.

        Otherwise it waits, and `resume` is called when a slot may be free.
        """
        if self.defers(pending):
            return False
        if self._has_room(pending):
            return True
        self._held[pending.key.tcp].append(pending)
        if self.health.was_queried:  # otherwise it has never answered, and waiting changes nothing
            self._set_timer(resume)
        self.wait_for_network(resume)
        return False

    def defers(self, pending: Pending) -> bool:
        """Return whether a query must wait until its path has answered; if so, queue it."""
        must_wait = self.health.must_wait(pending.key, self.under_way)
        if must_wait:
            self._deferred.append(pending)
        return must_wait

    def pop_deferred(self) -> list[Pending]:
        """Remove and return the queries that wait for their paths."""
        deferred = list(self._deferred)
        self._deferred.clear()
        return deferred

    def pop_held(self) -> Pending | None:
        """Remove and return a waiting query that may be sent now, or None."""
        for held in self._held:
            if held and self._has_room(held[0]):
                return held.popleft()
        return None

    @property
    def has_waiting(self) -> bool:
        """Whether queries wait for a free slot."""
        return bool(self._held[0] or self._held[1])

    def _has_room(self, pending: Pending) -> bool:
        """Return whether one more query may be in flight.

        Beyond what it has earned, an address gets a few queries and one connection; more if it serves the zone and is
        slow.
        """
        limit, budget, active = self._run.profile.nameserver_concurrency, self._run.budget, len(self.under_way)
        key, packets = pending.key, self._packets(pending)
        if self.is_exclusive:
            return False
        if limit and active >= limit:
            return False
        if active and not budget.allows(self.account, packets):
            return False  # queries in flight may be refunded
        if budget.waits_for_network(self.account, packets):
            return False
        if budget.is_earned(self.account, packets) or self._can_exceed_credit(key):
            return True
        return not self._active_tcp if key.tcp else active - self._active_tcp < budget.limits.max_probes

    def _can_exceed_credit(self, key: QueryKey) -> bool:
        """Return whether queries need not wait for earlier answers, because the server is slow."""
        is_slow = self.health.is_slow(key, self._run.loop.time())
        return is_slow and self._run.budget.can_exceed_credit(self.account)

    def _packets(self, pending: Pending) -> int:
        """Return the maximum number of packets of a query."""
        if pending.key.tcp:
            return TCP_PACKETS
        is_sent_once = pending.key.probing or pending.repeat
        return self._run.probe_timing.tries if is_sent_once else self._run.timing.tries

    def charge(self, pending: Pending) -> int:
        """Charge the budget for a query; return the number of packets, 0 if the budget does not allow them."""
        packets = self._packets(pending)
        return packets if self._run.budget.charge(self.account, packets) else 0

    def start(self, query: Query, pending: Pending, charged: int) -> None:
        """Register a query that is in flight."""
        self.under_way[pending.key] = query, pending, charged
        self._active_tcp += pending.key.tcp
        self.is_exclusive = pending.repeat is not None
        for network in self.account.networks:
            network.active += 1

    def end(self, key: QueryKey) -> int:
        """Unregister a query that has ended, and charge the budget for the packets that it has sent.

        Return its transmissions over UDP.
        """
        query, _, charged = self.under_way.pop(key)
        self._active_tcp -= key.tcp
        self.is_exclusive = False
        for network in self.account.networks:
            network.active -= 1
        transmissions = 0 if key.tcp else charged - query.tries_left
        # A query over UDP may have continued over TCP, when its answers could have been forged.
        self._run.budget.settle(self.account, charged, query.sent_segments() + transmissions)
        return transmissions

    def wait_for_network(self, resume: Callable[[], None]) -> None:
        """Call `resume` when a query to another address of the network ends, if this address has none in flight."""
        if not self.under_way:
            self.account.networks[-1].waiting[id(self)] = resume

    def resume_network(self) -> None:
        """Resume the queries that wait at other addresses of the networks; all of them wait at the widest."""
        network = self.account.networks[-1]
        if network.waiting:
            waiting = list(network.waiting.values())
            network.waiting.clear()
            for resume in waiting:
                resume()

    def _set_timer(self, resume: Callable[[], None]) -> None:
        if self._timer is None:
            self._timer = self._run.loop.call_later(SILENCE_TIMEOUT_S, self._on_time, resume)

    def _on_time(self, resume: Callable[[], None]) -> None:
        self._timer = None
        resume()
        if self.has_waiting:
            self._set_timer(resume)

    def close(self) -> None:
        """Stop: the run has ended, waiting queries are not sent, and the outcome of the others is not needed."""
        for query, _, _ in self.under_way.values():
            query.abandon()
        if self._timer:
            self._timer.cancel()
            self._timer = None
