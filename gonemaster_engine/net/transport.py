"""The only socket code: queries over UDP and TCP, with timeouts and retries.

UDP queries of all runs of a process share a few sockets. A reply is matched by socket, message id, question section and
peer; ids are random, sockets are renewed after some thousand queries so that their ports do not stay guessable.
Nothing here is a task or a coroutine per query: a query is an object with a callback, timeouts lie in one
queue per duration. What a server does wrong ends as an `Outcome` without response, never as an exception.

Source: RFC 1035 section 4.2, RFC 5452 (spoofing), RFC 7766 (TCP).
"""

from __future__ import annotations

import asyncio
import errno
import random
import secrets
import socket
import struct
import sys
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from gonemaster_engine.errors import WireError
from gonemaster_engine.net.rrtypes import IN
from gonemaster_engine.net.wire import Response

_SOCKETS_PER_FAMILY = 8
_QUERIES_PER_SOCKET = 4000  # then a socket with a new port takes over
_RECEIVE_OCTETS = 65535
_SEND_TRIES = 3
_RECEIVE_BURST = 64  # datagrams read before the loop gets its turn
_BUFFER_OCTETS = 4 * 1024 * 1024
_TCP_CONNECTIONS = 512  # at once, per process
_HEADER_OCTETS = 12
_TYPE_AND_CLASS_OCTETS = 4
_IP_RECVERR = 11  # linux/in.h; not in the socket module before Python 3.14
_IPV6_RECVERR = 25
_QUERY_BITS = 0x8000  # QR
_OPCODE_BITS = 0x7800

TIMEOUT = "timeout"
UNREACHABLE = "unreachable"  # the network or the host said so
MALFORMED = "malformed"
CLOSED = "closed"  # the transport was closed before an answer came


@dataclass(slots=True)
class Outcome:
    """How a query ended."""

    response: Response | None
    error: str = ""  # TIMEOUT, UNREACHABLE, MALFORMED, CLOSED, or empty
    strayed: bool = False  # a reply came from another address, and was not taken


@dataclass(frozen=True, slots=True)
class Timing:
    """How long to wait and how often to send."""

    timeout_s: float  # of a TCP exchange as a whole, and the longest wait for one transmission over UDP
    retrans_s: float  # after a transmission over UDP, until the next one or the end
    tries: int  # transmissions over UDP

    @property
    def udp_wait_s(self) -> float:
        """How long one transmission over UDP is waited for."""
        return min(self.retrans_s, self.timeout_s)


def _told(_outcome: Outcome) -> None:
    """Stand for the callback of a query that has ended."""


class Query:
    """A query on its way. `on_done` is called once with the outcome."""

    __slots__ = (
        "address",
        "any_source",
        "body",
        "done",
        "on_done",
        "qclass",
        "question_name",
        "question_type",
        "sent_at",
        "slot",
        "source_address",
        "strayed",
        "timing",
        "tries_left",
    )

    def __init__(
        self,
        address: str,
        body: bytes,
        timing: Timing,
        on_done: Callable[[Outcome], None],
        *,
        question_octets: int,
        qclass: int = IN,
        any_source: bool = False,
        source_address: str = "",
    ) -> None:
        self.address = address
        self.body = body  # the message without its id
        self.timing = timing
        self.on_done = on_done
        question = body[_HEADER_OCTETS - 2 : _HEADER_OCTETS - 2 + question_octets]
        self.question_name = question[:-_TYPE_AND_CLASS_OCTETS].lower()
        self.question_type = question[-_TYPE_AND_CLASS_OCTETS:]  # and class
        self.qclass = qclass
        self.any_source = any_source
        self.source_address = source_address
        self.tries_left = timing.tries
        self.sent_at = 0.0
        self.strayed = False
        self.slot: tuple[_UdpSocket, int] | None = None
        self.done = False

    def finish(self, outcome: Outcome) -> None:
        """End the query; a second call does nothing."""
        if self.done:
            return
        self.done = True
        if self.slot:
            self.slot[0].forget(self.slot[1])
            self.slot = None
        # the queue of deadlines holds the query for seconds more, and must not hold its run
        report, self.on_done = self.on_done, _told
        report(outcome)


class _UdpSocket:
    """One UDP socket and the queries that wait on it, by message id."""

    __slots__ = ("_loop", "_sock", "_waiting", "closing", "port", "sent")

    def __init__(self, loop: asyncio.AbstractEventLoop, family: int, source_address: str) -> None:
        self._loop = loop
        self._sock = socket.socket(family, socket.SOCK_DGRAM)
        self._waiting: dict[int, Query] = {}
        self.sent = 0
        self.closing = False
        try:
            self._prepare(family, source_address)
        except OSError:
            self._sock.close()
            raise
        loop.add_reader(self._sock.fileno(), self._on_readable)

    def _prepare(self, family: int, source_address: str) -> None:
        self._sock.setblocking(False)
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER_OCTETS)
        if family == socket.AF_INET6:
            self._sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        if sys.platform == "linux":  # elsewhere a closed port is a timeout
            ipv6 = family == socket.AF_INET6
            level, option = (socket.IPPROTO_IPV6, _IPV6_RECVERR) if ipv6 else (socket.IPPROTO_IP, _IP_RECVERR)
            self._sock.setsockopt(level, option, 1)
        self._sock.bind((source_address, 0))

    def send(self, query: Query, port: int) -> None:
        """Send the query, for a first or another time; raises OSError."""
        message_id = query.slot[1] if query.slot else self._free_id()
        self._waiting[message_id] = query
        query.slot = (self, message_id)
        query.sent_at = self._loop.time()
        self.sent += 1
        try:
            self._send_packet(message_id.to_bytes(2) + query.body, (query.address, port))
        except OSError:
            query.slot = None
            self.forget(message_id)
            raise

    def _send_packet(self, wire: bytes, destination: tuple[str, int]) -> None:
        for tries_left in reversed(range(_SEND_TRIES)):
            try:
                self._sock.sendto(wire, destination)
                return
            except BlockingIOError:
                return  # the send buffer is full: the same as a lost packet, the next try comes
            except OSError:
                # With IP_RECVERR an ICMP error that another address sent is reported here, too, once.
                if not tries_left:
                    raise
                self._read_errors()

    def _free_id(self) -> int:
        while True:
            message_id = secrets.randbits(16)
            if message_id not in self._waiting:
                return message_id

    def forget(self, message_id: int) -> None:
        """Wait no longer for that id."""
        self._waiting.pop(message_id, None)
        if self.closing and not self._waiting:
            self.close()

    def retire(self) -> None:
        """Take no more queries and close when the last one is answered."""
        self.closing = True
        if not self._waiting:
            self.close()

    def close(self) -> None:
        """Close the socket."""
        if self._sock.fileno() >= 0:
            self._loop.remove_reader(self._sock.fileno())
            self._sock.close()

    def _on_readable(self) -> None:
        for _ in range(_RECEIVE_BURST):
            try:
                wire, peer = self._sock.recvfrom(_RECEIVE_OCTETS)
            except BlockingIOError:
                return
            except OSError:
                self._read_errors()
                return
            self._on_datagram(wire, peer[0])
            if self._sock.fileno() < 0:
                return

    def _read_errors(self) -> None:
        """Take ICMP errors from the error queue: each holds the packet that caused it and where it went."""
        for _ in range(_RECEIVE_BURST):
            try:
                wire, _, _, peer = self._sock.recvmsg(_RECEIVE_OCTETS, 0, socket.MSG_ERRQUEUE)
            except (BlockingIOError, OSError):
                return
            query = self._waiting.get(int.from_bytes(wire[:2]))
            if query and peer[0] == query.address and wire[2:] == query.body:
                query.finish(Outcome(None, UNREACHABLE))

    def _on_datagram(self, wire: bytes, peer: str) -> None:
        if len(wire) < _HEADER_OCTETS:
            return
        query = self._waiting.get(wire[0] << 8 | wire[1])
        if query is None or not _answers(wire, query):
            return
        if peer != query.address and not query.any_source:
            query.strayed = True
            return
        rtt_ms = (self._loop.time() - query.sent_at) * 1000
        query.finish(_parse(wire, query, source=peer, over_tcp=False, rtt_ms=rtt_ms))


def _answers(wire: bytes, query: Query) -> bool:
    """Say whether the message is a response that repeats the question, or leaves it out altogether."""
    flags = wire[2] << 8 | wire[3]
    if not flags & _QUERY_BITS or flags & _OPCODE_BITS:
        return False
    if wire[4] == wire[5] == 0:  # no question: what servers do that do not understand it
        return True
    end = _HEADER_OCTETS + len(query.question_name)
    if wire[end : end + _TYPE_AND_CLASS_OCTETS] != query.question_type:
        return False
    return wire[_HEADER_OCTETS:end].lower() == query.question_name


def _parse(wire: bytes, query: Query, *, source: str, over_tcp: bool, rtt_ms: float) -> Outcome:
    try:
        response = Response(wire, source=source, over_tcp=over_tcp, rtt_ms=rtt_ms, qclass=query.qclass)
    except WireError:
        return Outcome(None, MALFORMED)
    return Outcome(response)


class _Deadlines:
    """Calls queries whose time is over. One queue per duration: within a queue the order is that of arrival."""

    def __init__(self, loop: asyncio.AbstractEventLoop, on_due: Callable[[Query, int], None]) -> None:
        self._loop = loop
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
            if not query.done:
                self._on_due(query, tries_left)
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


class _TcpExchange(asyncio.Protocol):
    """One query over one TCP connection; the first message is the answer."""

    def __init__(self, query: Query, transport: Transport) -> None:
        self._question = query
        self._owner = transport
        self._received = bytearray()
        self._connection: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        connection = cast("asyncio.Transport", transport)  # uvloop's transports do not derive from it
        self._connection = connection
        message = random.getrandbits(16).to_bytes(2) + self._question.body
        self._received.clear()
        connection.write(struct.pack("!H", len(message)) + message)
        self._id = message[:2]

    def data_received(self, data: bytes) -> None:
        self._received += data
        if len(self._received) < 2:
            return
        end = 2 + int.from_bytes(self._received[:2])
        if len(self._received) < end:
            return
        wire = bytes(self._received[2:end])
        self._end(self._judge(wire))

    def _judge(self, wire: bytes) -> Outcome:
        if len(wire) < _HEADER_OCTETS or wire[:2] != self._id or not _answers(wire, self._question):
            return Outcome(None, MALFORMED)
        rtt_ms = (self._owner.loop.time() - self._question.sent_at) * 1000
        return _parse(wire, self._question, source=self._question.address, over_tcp=True, rtt_ms=rtt_ms)

    def connection_lost(self, exc: Exception | None) -> None:
        self._end(Outcome(None, UNREACHABLE if exc else MALFORMED))

    def _end(self, outcome: Outcome) -> None:
        if self._connection:
            self._connection.abort()
        self._question.finish(outcome)


class Transport:
    """Sends the queries of all runs of one event loop. Make it inside the loop; close it there."""

    def __init__(self, *, port: int = 53, tcp_connections: int = _TCP_CONNECTIONS) -> None:
        self.loop = asyncio.get_running_loop()
        self.port = port
        self._sockets: dict[tuple[int, str], list[_UdpSocket]] = {}
        self._deadlines = _Deadlines(self.loop, self._on_due)
        self._tcp_slots = asyncio.Semaphore(tcp_connections)
        self._tcp_tasks: dict[asyncio.Task[None], Query] = {}
        self._closed = False
        self.queries = 0  # transmissions over UDP and connections over TCP so far

    def send_udp(self, query: Query) -> None:
        """Send the query over UDP, again when no answer comes, until its tries are used up."""
        if self._closed:
            self._refuse(query)
            return
        self.queries += 1
        query.tries_left -= 1
        try:
            chosen = query.slot[0] if query.slot else self._udp_socket(query)
            chosen.send(query, self.port)
        except OSError as error:
            # at once would call back before the caller has stored the query
            self.loop.call_soon(query.finish, Outcome(None, _reason(error)))
            return
        self._deadlines.add(query, query.timing.udp_wait_s)

    def _on_due(self, query: Query, tries_left: int) -> None:
        if tries_left != query.tries_left:
            return  # the deadline of an earlier transmission
        if query.tries_left > 0:
            self.send_udp(query)
        else:
            query.finish(Outcome(None, TIMEOUT, query.strayed))

    def _udp_socket(self, query: Query) -> _UdpSocket:
        family = socket.AF_INET6 if ":" in query.address else socket.AF_INET
        key = (family, query.source_address)
        pool = self._sockets.setdefault(key, [])
        if len(pool) < _SOCKETS_PER_FAMILY:
            pool.append(_UdpSocket(self.loop, *key))
            return pool[-1]
        index = random.randrange(_SOCKETS_PER_FAMILY)
        chosen = pool[index]
        if chosen.sent >= _QUERIES_PER_SOCKET:
            pool[index] = _UdpSocket(self.loop, *key)
            chosen.retire()
            chosen = pool[index]
        return chosen

    def send_tcp(self, query: Query) -> None:
        """Send the query over a TCP connection of its own, once."""
        if self._closed:
            self._refuse(query)
            return
        self.queries += 1
        task = self.loop.create_task(self._converse(query))
        self._tcp_tasks[task] = query
        task.add_done_callback(self._tcp_tasks.pop)

    def _refuse(self, query: Query) -> None:
        # at once would call back before the caller has stored the query
        self.loop.call_soon(query.finish, Outcome(None, CLOSED))

    async def _converse(self, query: Query) -> None:
        """Connect, send and wait; the time limit holds for all of it, however slowly the octets come."""
        local = (query.source_address, 0) if query.source_address else None
        protocol = _TcpExchange(query, self)
        connection: asyncio.BaseTransport | None = None
        try:
            async with self._tcp_slots, asyncio.timeout(query.timing.timeout_s):
                query.sent_at = self.loop.time()
                connection, _ = await self.loop.create_connection(
                    lambda: protocol, query.address, self.port, local_addr=local
                )
                await _finished(query)
        except TimeoutError:
            query.finish(Outcome(None, TIMEOUT))
        except OSError as error:
            query.finish(Outcome(None, _reason(error)))
        finally:
            if connection:
                connection.close()

    async def close(self) -> None:
        """Close all sockets; what is under way, and what is sent from now on, ends with the outcome CLOSED."""
        self._closed = True  # first: an outcome may make its run send the next query
        under_way = [*self._deadlines.close(), *self._tcp_tasks.values()]
        for query in under_way:  # before the tasks: a connection that closes has an outcome of its own
            query.finish(Outcome(None, CLOSED))
        tasks = list(self._tcp_tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for pool in self._sockets.values():
            for udp_socket in pool:
                udp_socket.close()
        self._sockets.clear()
        await asyncio.sleep(0)  # closed connections give up their sockets in the loop's next turn


async def _finished(query: Query) -> None:
    """Wait until the query has its outcome."""
    if query.done:
        return
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    report = query.on_done

    def on_done(outcome: Outcome) -> None:
        if not future.done():
            future.set_result(None)
        report(outcome)

    query.on_done = on_done
    await future


_UNREACHABLE_ERRNOS = frozenset(
    {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ECONNREFUSED, errno.EADDRNOTAVAIL, errno.EACCES, errno.EPERM}
)


def _reason(error: OSError) -> str:
    return UNREACHABLE if error.errno in _UNREACHABLE_ERRNOS or error.errno is None else TIMEOUT


def host_has_ipv6() -> bool:
    """Say whether this host has a way to send IPv6 packets; nothing is sent."""
    return _has_route("2001:500:2::c") or _has_route("::1")


def _has_route(address: str) -> bool:
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe:
            probe.connect((address, 53))
    except OSError:
        return False
    return True
