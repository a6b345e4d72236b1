"""Queries over UDP and TCP, with timeouts and retries; the sockets are in `udp` and `tcp`.

A query over UDP needs no task or coroutine: it is an object with a callback, and timeouts are kept in one queue per
duration. A server error ends in a `QueryOutcome` without a response, never in an exception.

Source: RFC 1035 section 4.2, RFC 5452 (spoofing), RFC 7766 (TCP).
"""

from __future__ import annotations

import asyncio
import errno
import socket
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from functools import partial

from gonemaster_engine.loop_time import BatchTime, LoopTime
from gonemaster_engine.net.pace import RunPace
from gonemaster_engine.net.pacing import Pacing
from gonemaster_engine.net.query import (
    CLOSED,
    MALFORMED,
    TIMEOUT,
    UNREACHABLE,
    Query,
    QueryOutcome,
    Timing,
)
from gonemaster_engine.net.tcp import exchange
from gonemaster_engine.net.udp import UdpSockets
from gonemaster_engine.open_files import open_files_limit

__all__ = [
    "CLOSED",
    "MALFORMED",
    "TIMEOUT",
    "UNREACHABLE",
    "Query",
    "QueryOutcome",
    "Timing",
    "Transport",
    "host_has_ipv6",
]

_TCP_CONNECTIONS = 512  # concurrent, per process
_URGENT_PART = 4  # one in this many connections is for urgent runs only
UDP_SOCKETS = 4096  # concurrent, per process, if it may open as many file descriptors


class _Deadlines:
    """Calls back queries whose timeout has expired.

    There is one queue per duration, so each queue is in order of arrival.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, turns: LoopTime, on_due: Callable[[Query, int], None]) -> None:
        self._loop = loop
        self._turns = turns
        self._on_due = on_due
        self._queues: dict[float, deque[tuple[float, Query, int]]] = {}
        self._timers: dict[float, asyncio.TimerHandle] = {}

    def add(self, query: Query, delay_s: float) -> None:
        queue = self._queues.setdefault(delay_s, deque())
        queue.append((self._loop.time() + delay_s, query, query.tries_left))
        if delay_s not in self._timers:
            self._timers[delay_s] = self._loop.call_later(delay_s, self._sweep, delay_s)

    def _sweep(self, delay_s: float) -> None:
        queue, now = self._queues[delay_s], self._loop.time()
        while queue and (queue[0][1].done or queue[0][0] <= now):
            _, query, tries_left = queue.popleft()
            if not query.done:  # there may be thousands
                self._turns.call(partial(self._on_due, query, tries_left))
        if queue:
            self._timers[delay_s] = self._loop.call_at(queue[0][0], self._sweep, delay_s)
        else:
            del self._timers[delay_s]

    def close(self) -> list[Query]:
        """Stop, and return the queries that have no outcome yet."""
        for timer in self._timers.values():
            timer.cancel()
        pending = [query for queue in self._queues.values() for _, query, _ in queue if not query.done]
        self._timers.clear()
        self._queues.clear()
        return pending


class Transport:
    """Sends the queries of all runs of one event loop. Create and close it inside the loop.

    With `pacing`, each UDP packet and each connection waits until `pacing` allows it. `turns` may be shared with
    another transport of the loop.
    """

    def __init__(
        self,
        *,
        port: int = 53,
        tcp_connections: int = _TCP_CONNECTIONS,
        pacing: Pacing | None = None,
        turns: LoopTime | None = None,
    ) -> None:
        self.loop = asyncio.get_running_loop()
        self.port = port
        self.pacing = pacing
        self.turns = turns or LoopTime()  # turns of the event loop, for all runs together
        self._batch_turns = BatchTime(self.turns)
        self._udp = UdpSockets(
            port=port,
            turns=self.turns,
            max_sockets=min(UDP_SOCKETS, open_files_limit() // 2),
            transmit=self._transmit_in_turn,
            send_again=self.send_udp,
            send_over_tcp=self._send_over_tcp_instead,
        )
        self._deadlines = _Deadlines(self.loop, self.turns, self._on_due)
        self._outgoing: set[Query] = set()  # queries that wait for a turn of the event loop with time left
        self._tcp_slots = asyncio.Semaphore(tcp_connections)
        self._other_tcp_slots = asyncio.Semaphore(tcp_connections - tcp_connections // _URGENT_PART)
        self._tcp_tasks: dict[asyncio.Task[None], Query] = {}
        self._closed = False
        self._connections = 0  # TCP connections so far
        self._connections_ipv6 = 0

    @property
    def queries(self) -> int:
        """Number of UDP packets and TCP connections so far."""
        return self._udp.packets + self._connections

    @property
    def queries_ipv6(self) -> int:
        """Number of UDP packets and TCP connections to IPv6 addresses so far."""
        return self._udp.packets_ipv6 + self._connections_ipv6

    @property
    def answers(self) -> Mapping[int, int]:
        """Number of answers over UDP so far, by address family."""
        return self._udp.answers

    def turns_of(self, pace: RunPace) -> LoopTime:
        """Return the turns in which a run works and sends its packets."""
        return self.turns if pace.is_urgent else self._batch_turns

    def send_udp(self, query: Query) -> None:
        """Send the query over UDP, and retransmit it until it is answered or its tries are used up."""
        if self._closed:
            self._refuse(query)
            return
        query.tries_left -= 1
        self._start_in_turn(query, self._transmit_in_turn)

    def _start_in_turn(self, query: Query, start: Callable[[Query], object]) -> None:
        """Start sending a query now, or in a later turn of the event loop if this one has no time left."""
        turns = self.turns_of(query.pace)
        if not turns.is_over:
            start(query)
            return
        self._outgoing.add(query)
        turns.call(partial(self._start_outgoing, query, start))

    def _start_outgoing(self, query: Query, start: Callable[[Query], object]) -> None:
        self._outgoing.discard(query)
        if not query.done:
            start(query)

    def _transmit_in_turn(self, query: Query) -> None:
        if self.pacing is None or self._udp.is_in_flight(query):
            self._transmit(query)
        else:
            self.pacing.enter(query, self._transmit)

    def _transmit(self, query: Query) -> bool:
        """Send a packet, or let the query wait with an identical query or for a socket.

        Return whether a packet has left.
        """
        packets = self._udp.packets
        try:
            is_sent = self._udp.send(query)
        except OSError as error:
            # An immediate call would come before the caller has stored the query.
            self.loop.call_soon(query.finish, QueryOutcome(None, _reason(error)))
            return True
        if is_sent:
            self._deadlines.add(query, query.timing.wait_s(tries_left=query.tries_left))
        return self._udp.packets != packets

    def _send_over_tcp_instead(self, query: Query) -> None:
        query.tries_left -= 1  # so that UDP timeouts no longer apply
        self.send_tcp(query)

    def _on_due(self, query: Query, tries_left: int) -> None:
        if not _is_due(query, tries_left):
            return
        # If the event loop is late, it may not have read a response that arrived in time. Then the server is not
        # silent.
        if query.waiting and not query.waiting.read_arrived():
            self.loop.call_soon(self._on_due, query, tries_left)
            return
        if not _is_due(query, tries_left):
            return  # a message that was just read has finished the query or moved it to TCP
        if query.tries_left > 0:
            self.send_udp(query)
        else:
            query.finish(QueryOutcome(None, TIMEOUT))

    def send_tcp(self, query: Query) -> None:
        """Send the query once, over a separate TCP connection."""
        if self._closed:
            self._refuse(query)
        else:
            self._start_in_turn(query, self._connect_in_turn)

    def _connect_in_turn(self, query: Query) -> None:
        if self.pacing is None:
            self._connect(query)
        else:
            self.pacing.enter(query, self._connect)

    def _connect(self, query: Query) -> bool:
        self._connections += 1
        self._connections_ipv6 += ":" in query.address
        task = self.loop.create_task(self._converse(query))
        self._tcp_tasks[task] = query
        query.connection = task
        task.add_done_callback(self._on_connection_end)
        return True

    def _on_connection_end(self, task: asyncio.Task[None]) -> None:
        self._tcp_tasks.pop(task).connection = None

    def _refuse(self, query: Query) -> None:
        # An immediate call would come before the caller has stored the query.
        self.loop.call_soon(query.finish, QueryOutcome(None, CLOSED))

    async def _converse(self, query: Query) -> None:
        """Wait for a free connection, which does not count towards the timeout, and send the query."""
        try:
            others = nullcontext() if query.pace.is_urgent else self._other_tcp_slots
            async with query.tcp_slots, others, self._tcp_slots:
                await self.turns_of(query.pace).wait()
                if not query.done:
                    await exchange(query, port=self.port, turns=self.turns)
        except TimeoutError:
            query.finish(QueryOutcome(None, TIMEOUT))
        except OSError as error:
            query.finish(QueryOutcome(None, _reason(error)))

    async def close(self) -> None:
        """Close all sockets; queries in flight and later queries end with the outcome CLOSED."""
        self._closed = True  # first: an outcome may make its run send the next query
        waiting = self.pacing.close() if self.pacing else []
        waiting += self._outgoing
        under_way = [*self._deadlines.close(), *self._udp.close(), *self._tcp_tasks.values(), *waiting]
        for query in under_way:  # before the tasks: a closing connection sets another outcome
            query.finish(QueryOutcome(None, CLOSED))
        tasks = list(self._tcp_tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._udp.close_sockets()
        await asyncio.sleep(0)  # closed connections release their sockets in the next iteration of the event loop


def _is_due(query: Query, tries_left: int) -> bool:
    """Return whether the query still waits for the answer to that transmission, not to a later one."""
    return not query.done and tries_left == query.tries_left


_UNREACHABLE_ERRNOS = frozenset(
    {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ECONNREFUSED, errno.EADDRNOTAVAIL, errno.EACCES, errno.EPERM}
)


def _reason(error: OSError) -> str:
    return UNREACHABLE if error.errno in _UNREACHABLE_ERRNOS or error.errno is None else TIMEOUT


def host_has_ipv6() -> bool:
    """Return whether this host has a route for IPv6; nothing is sent."""
    return _has_route("2001:500:2::c") or _has_route("::1")


def _has_route(address: str) -> bool:
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe:
            probe.connect((address, 53))
    except OSError:
        return False
    return True
