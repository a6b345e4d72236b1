"""UDP: sockets that are connected to one server for a short time, and the queries that wait on them.

An off-path attacker who forges a response must guess the address and port of the server, our port, the message ID and
the question (RFC 5452). Therefore each socket is connected to one server, has a random port, takes few queries and is
closed after seconds: the ports that one server sees reveal nothing about the ports used for another server. Equal
queries of several runs share one ID. After a few wrong guesses at any port, the question is sent over TCP.
docs/explanation/threats.md has the probabilities.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import socket
import sys
from collections import deque
from collections.abc import Callable

from gonemaster_engine.addresses import counts_as_global
from gonemaster_engine.loop_time import LoopTime
from gonemaster_engine.net.ports import bind_to_random_port
from gonemaster_engine.net.query import (
    UNREACHABLE,
    Query,
    QueryOutcome,
    is_bare_error,
    is_response,
    read_outcome,
    reading_us,
    repeats_question,
)
from gonemaster_engine.net.randomness import random_16_bits
from gonemaster_engine.net.wire.messages import HEADER_OCTETS

MAX_UNMATCHED = 8  # unmatched messages that may be guesses; after that the query uses TCP
QUERIES_PER_SOCKET = 16
SOCKET_AGE_S = 5.0  # age after which a socket takes no more queries
_IDLE_S = 1.0  # idle time after which a socket is closed
_EQUAL_S = 0.2  # how long one packet is shared by equal queries
_URGENT_PART = 4  # one in this many sockets is for urgent runs only
_REMEMBERED_SERVERS = 10_000
_RECEIVE_OCTETS = 65535
_SEND_TRIES = 3
_RECEIVE_BURST = 64  # datagrams read before other callbacks of the loop run
_IP_RECVERR = 11  # linux/in.h; not in the socket module before Python 3.14
_IPV6_RECVERR = 25
_CASE_BIT = bytes(0x20 if 0x61 <= octet <= 0x7A else 0 for octet in range(256))  # of each octet: the bit of its case


class Flight:
    """A message in flight, and the equal queries that wait for its answer."""

    __slots__ = ("_message_id", "_owner", "_socket", "_unmatched", "body", "key", "queries", "sent_at", "spelled_name")

    def __init__(self, owner: UdpSockets, udp_socket: _UdpSocket, query: Query, key: object) -> None:
        self._owner = owner
        self._socket = udp_socket
        self._message_id = udp_socket.free_id()
        self._unmatched = 0
        self.key = key
        self.queries: list[Query] = []
        self.sent_at = 0.0
        self.body = query.body
        self.spelled_name = b""  # the spelling that the answer must repeat; if empty, any letter case is accepted
        if query.mixed_case:
            end = HEADER_OCTETS - 2 + len(query.question_name)
            self.spelled_name = randomize_case(query.question_name)
            self.body = query.body[: HEADER_OCTETS - 2] + self.spelled_name + query.body[end:]

    def leave(self, query: Query) -> None:
        """Stop waiting for the answer to this query."""
        self.queries.remove(query)
        if not self.queries:
            self._end()

    def _end(self) -> None:
        self._socket.forget(self._message_id)
        self._owner.forget(self)

    def _take_all(self) -> list[Query]:
        """End the flight, and return the waiting queries."""
        queries, self.queries = self.queries, []
        for query in queries:
            query.waiting = None
        self._end()
        return queries

    def read_arrived(self) -> bool:
        """Read the messages that have arrived; return False if some must wait for another turn of the event loop."""
        return self._socket.read_arrived()

    def transmit(self) -> None:
        """Send or retransmit the message; raises OSError."""
        self.sent_at = self._owner.loop.time()
        self._socket.send(self._message_id, self.body, self)

    def take(self, wire: bytes, source: str) -> bool:
        """Process a message with the ID of this flight; return False if it is not the answer."""
        query = self.queries[0]
        if not is_response(wire):
            return False
        if repeats_question(wire, query):
            if self.spelled_name and wire[HEADER_OCTETS : HEADER_OCTETS + len(self.spelled_name)] != self.spelled_name:
                self._send_plain(None)  # Either the server changes the case, or a forger must now guess twice.
                return True
        elif not is_bare_error(wire):
            return False
        rtt_ms = (self._owner.loop.time() - self.sent_at) * 1000
        outcome = read_outcome(wire, query, source=source, over_tcp=False, rtt_ms=rtt_ms)
        if self.spelled_name and not self._owner.knows_mixed_case(query.address, outcome):
            self._send_plain(outcome)  # Some servers recognise a name in one letter case only.
            return True
        for each in self._take_all():
            each.finish(outcome)
        return True

    def _send_plain(self, outcome: QueryOutcome | None) -> None:
        for query in self._take_all():
            query.mixed_case = False
            query.earlier = outcome
            self._owner.send_again(query)

    def count_unmatched(self, wire: bytes, *, has_id: bool = False) -> None:
        """Count a message that is not the answer but may be a guess at this query."""
        if not has_id and wire[4:6] != b"\0\0" and not repeats_question(wire, self.queries[0]):
            return
        self._unmatched += 1
        if self._unmatched >= MAX_UNMATCHED:
            for query in self._take_all():
                self._owner.send_over_tcp(query)

    def on_icmp_error(self, quoted: bytes) -> None:
        """End the flight if the error quotes its message; a quote shorter than a header proves nothing."""
        if len(quoted) >= HEADER_OCTETS and (self._message_id.to_bytes(2) + self.body).startswith(quoted):
            for query in self._take_all():
                query.finish(QueryOutcome(None, UNREACHABLE))


def randomize_case(name: bytes) -> bytes:
    """Return a lower-case name in wire format with a random case for each letter ("0x20")."""
    size = len(name)
    flipped = int.from_bytes(name.translate(_CASE_BIT)) & secrets.randbits(8 * size)
    return (int.from_bytes(name) ^ flipped).to_bytes(size)


class _UdpSocket:
    """A socket for one server. It is connected unless responses from other addresses are accepted."""

    def __init__(self, owner: UdpSockets, query: Query, port: int) -> None:
        self._owner = owner
        self.peer = (query.source_address, query.address)  # the server to which the socket belongs
        self._target = (query.address, port)
        self._is_connected = not query.any_source
        self._flights: dict[int, Flight] = {}
        self._spent: set[int] = set()  # IDs whose answers may arrive twice
        self._closing = False
        self.opened_at = self.used_at = owner.loop.time()
        self.is_closed = False
        self.sent = 0
        family = socket.AF_INET6 if ":" in query.address else socket.AF_INET
        self._sock = socket.SocketType(
            family, socket.SOCK_DGRAM
        )  # the checks of `socket.socket` take longer than the rest
        try:
            self._prepare(family, query)
        except OSError:
            self._sock.close()
            raise
        owner.loop.add_reader(self._sock.fileno(), self._read_in_turn)

    def _prepare(self, family: int, query: Query) -> None:
        ipv6 = family == socket.AF_INET6
        self._sock.setblocking(False)
        if ipv6:
            self._sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, not counts_as_global(query.address))
        if sys.platform == "linux":  # On other systems, a closed port causes a timeout.
            level, option = (socket.IPPROTO_IPV6, _IPV6_RECVERR) if ipv6 else (socket.IPPROTO_IP, _IP_RECVERR)
            self._sock.setsockopt(level, option, 1)
        bind_to_random_port(self._sock, query.source_address)
        if self._is_connected:  # The kernel then drops packets from other addresses and ports.
            self._sock.connect(self._target)

    @property
    def is_idle(self) -> bool:
        """Whether no query waits on the socket."""
        return not self._flights

    def is_exhausted(self, now: float) -> bool:
        """Return whether the next query needs a new port."""
        return self.sent >= QUERIES_PER_SOCKET or now - self.opened_at > SOCKET_AGE_S or self.is_closed

    def free_id(self) -> int:
        """Return an ID that was not used on this socket."""
        while True:
            message_id = random_16_bits()
            if message_id not in self._flights and message_id not in self._spent:
                return message_id

    def send(self, message_id: int, body: bytes, flight: Flight) -> None:
        """Send a message and wait for its answer; raises OSError."""
        wire = message_id.to_bytes(2) + body
        self.sent += message_id not in self._flights
        self._flights[message_id] = flight
        self.used_at = self._owner.loop.time()
        for tries_left in reversed(range(_SEND_TRIES)):
            try:
                if self._is_connected:
                    self._sock.send(wire)
                else:
                    self._sock.sendto(wire, self._target)
                return
            except BlockingIOError:
                return  # The send buffer is full. This counts as a lost packet, which is retransmitted.
            except OSError:
                # With IP_RECVERR, an ICMP error for an earlier message is reported here once, too.
                if not tries_left:
                    raise
                self._read_errors()
                if message_id not in self._flights:
                    return

    def forget(self, message_id: int) -> None:
        """Stop waiting for the answer with this ID."""
        self._flights.pop(message_id, None)
        self._spent.add(message_id)
        if self._closing and not self._flights:
            self.close()

    def retire(self) -> None:
        """Take no more queries, and close after the last answer."""
        self._closing = True
        if not self._flights:
            self.close()

    def close(self) -> None:
        """Close the socket."""
        if not self.is_closed:
            self.is_closed = True
            self._owner.loop.remove_reader(self._sock.fileno())
            self._sock.close()
            self._owner.on_closed(self)

    def waiting(self) -> list[Query]:
        """Return the queries that wait on the socket."""
        return [query for flight in self._flights.values() for query in flight.queries]

    def _read_in_turn(self) -> None:
        if not self._owner.turns.is_over:  # Otherwise the event loop calls this again in its next turn.
            self.read_arrived()

    def read_arrived(self) -> bool:
        """Read the datagrams that have arrived.

        Return False if this turn of the event loop has no time for all of them.
        """
        for number in range(_RECEIVE_BURST):
            if number and self._owner.turns.is_over:
                return not self._has_arrived()  # The other datagrams stay in the buffer.
            try:
                if self._is_connected:
                    wire, source, port = self._sock.recv(_RECEIVE_OCTETS), *self._target
                else:
                    wire, (source, port, *_) = self._sock.recvfrom(_RECEIVE_OCTETS)
            except BlockingIOError:
                return True
            except OSError:
                self._read_errors()
                return True
            if spent_us := reading_us(wire):
                self._owner.turns.spend(spent_us)
            # An answer from another address must come from the port that was queried, too.
            if port == self._target[1]:
                self._on_datagram(wire, source)
            if not self._flights:  # No query waits; the event loop calls this again for the other datagrams.
                return True
        return True

    def _has_arrived(self) -> bool:
        try:
            self._sock.recv(1, socket.MSG_PEEK)
        except OSError:
            return False
        return True

    def _on_datagram(self, wire: bytes, source: str) -> None:
        if len(wire) < HEADER_OCTETS:
            return
        message_id = wire[0] << 8 | wire[1]
        flight = self._flights.get(message_id)
        if flight:
            if flight.take(wire, source):
                self._owner.answers[6 if ":" in source else 4] += 1
            else:
                flight.count_unmatched(wire, has_id=True)
        elif message_id not in self._spent:
            for each in list(self._flights.values()):
                each.count_unmatched(wire)

    def _read_errors(self) -> None:
        """Read ICMP errors from the error queue: each quotes the packet that caused it and contains its destination."""
        for _ in range(_RECEIVE_BURST):
            if self.is_closed:
                return
            try:
                quoted, _, _, peer = self._sock.recvmsg(_RECEIVE_OCTETS, 0, socket.MSG_ERRQUEUE)
            except OSError:
                return
            flight = self._flights.get(int.from_bytes(quoted[:2]))
            if flight and tuple(peer[:2]) == self._target:
                flight.on_icmp_error(quoted)


def _key_of(query: Query) -> object:
    """Return the key that equal queries share, or None if the query is never equal to another one."""
    return None if query.any_source else (query.source_address, query.address, query.body, query.mixed_case)


class UdpSockets:
    """The sockets of one event loop."""

    def __init__(
        self,
        *,
        port: int,
        max_sockets: int,
        turns: LoopTime,
        transmit: Callable[[Query], None],
        send_again: Callable[[Query], None],
        send_over_tcp: Callable[[Query], None],
    ) -> None:
        self.loop = asyncio.get_running_loop()
        self.packets = 0  # sent so far
        self.packets_ipv6 = 0  # sent so far
        self.answers = {4: 0, 6: 0}  # received so far, by address family
        self.turns = turns
        self.send_again = send_again
        self.send_over_tcp = send_over_tcp
        self._transmit = transmit
        self._port = port
        self._max_sockets = max_sockets
        self._sockets: set[_UdpSocket] = set()
        self._current: dict[tuple[str, str], _UdpSocket] = {}  # by source address and server
        self._flights: dict[object, Flight] = {}
        self._held: deque[Query] = deque()  # queries that wait for a free socket
        self._mixed_case: set[str] = set()  # addresses of servers that ignore the case of names
        self._sweeper: asyncio.TimerHandle | None = None
        self._is_closed = False

    def is_in_flight(self, query: Query) -> bool:
        """Return whether the answer to a packet that was sent a moment ago is also the answer to this query."""
        flight = None if query.waiting else self._flights.get(_key_of(query))
        return flight is not None and self.loop.time() - flight.sent_at < _EQUAL_S

    def send(self, query: Query) -> bool:
        """Send a query, or let it wait with an identical one.

        Raises OSError. Return False if it waits for a free socket.
        """
        if isinstance(query.waiting, Flight):
            self._count(query)
            query.waiting.transmit()
            return True
        flight = self._find_or_open(query)
        if flight is None:
            (self._held.appendleft if query.pace.is_urgent else self._held.append)(query)
            return False
        query.waiting = flight
        flight.queries.append(query)
        if self.loop.time() - flight.sent_at >= _EQUAL_S or not flight.sent_at:
            self._count(query)
            try:
                flight.transmit()
            except OSError:
                query.stop_waiting()
                raise
        return True

    def _count(self, query: Query) -> None:
        self.packets += 1
        self.packets_ipv6 += ":" in query.address

    def _find_or_open(self, query: Query) -> Flight | None:
        key = _key_of(query)
        flight = self._flights.get(key)
        if flight is None:
            udp_socket = self._socket_for(query)
            if udp_socket is None:
                return None
            flight = Flight(self, udp_socket, query, key)
            if key:
                self._flights[key] = flight
        return flight

    def _socket_for(self, query: Query) -> _UdpSocket | None:
        peer = (query.source_address, query.address)
        current = None if query.any_source else self._current.get(peer)
        if current and not current.is_exhausted(self.loop.time()):
            return current
        if not self._has_room(query):
            return None
        opened = _UdpSocket(self, query, self._port)
        self._sockets.add(opened)
        if query.any_source:
            opened.sent = QUERIES_PER_SOCKET
        else:
            if current:
                current.retire()
            self._current[peer] = opened
        if self._sweeper is None:
            self._sweeper = self.loop.call_later(_IDLE_S, self._sweep)
        return opened

    def _sweep(self) -> None:
        self._close_idle(_IDLE_S)
        again = bool(self._sockets) and not self._is_closed
        self._sweeper = self.loop.call_later(_IDLE_S, self._sweep) if again else None

    def _close_idle(self, idle_s: float) -> bool:
        """Close sockets that have no waiting query and were idle for `idle_s` seconds.

        Return whether there were any.
        """
        now = self.loop.time()
        idle = [each for each in self._sockets if each.is_idle and now - each.used_at >= idle_s]
        for each in idle:
            each.close()
        return bool(idle)

    def on_closed(self, udp_socket: _UdpSocket) -> None:
        """Unregister a closed socket."""
        self._sockets.discard(udp_socket)
        if self._current.get(udp_socket.peer) is udp_socket:
            del self._current[udp_socket.peer]

    def _send_held(self) -> None:
        while self._held and not self._is_closed and self._has_room(self._held[0]):
            query = self._held.popleft()
            if not query.done:
                self._transmit(query)

    def _has_room(self, query: Query) -> bool:
        """Return whether one more socket may be open; some sockets are for urgent runs only."""
        kept = 0 if query.pace.is_urgent else self._max_sockets // _URGENT_PART
        return len(self._sockets) < self._max_sockets - kept or self._close_idle(0.0)

    def knows_mixed_case(self, address: str, outcome: QueryOutcome) -> bool:
        """Return whether the outcome for a name in mixed case holds for the lower-case name, too.

        A response with records shows that the server ignores case; after that, its errors are accepted, too.
        """
        response = outcome.response
        if response and not response.rcode_number and (response.answer or response.is_referral):
            if len(self._mixed_case) >= _REMEMBERED_SERVERS:
                self._mixed_case.clear()
            self._mixed_case.add(address)
        return address in self._mixed_case or bool(response and not response.rcode_number)

    def forget(self, flight: Flight) -> None:
        """Remove a flight that has ended, and send queries that wait for a socket."""
        if flight.key:
            self._flights.pop(flight.key, None)
        if self._held:
            self.loop.call_soon(self._send_held)

    def close(self) -> list[Query]:
        """Stop taking queries, and return those in flight; call `close_sockets` once they are finished."""
        self._is_closed = True
        if self._sweeper:
            self._sweeper.cancel()
        under_way = [query for each in self._sockets for query in each.waiting()]
        return [*under_way, *self._held]

    def close_sockets(self) -> None:
        """Close all sockets."""
        for each in list(self._sockets):
            with contextlib.suppress(OSError):
                each.close()
        self._held.clear()
