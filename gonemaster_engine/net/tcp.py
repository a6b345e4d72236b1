"""One query over one TCP connection: connect, send, and read one message within a time limit for all of it.

Source: RFC 1035 section 4.2.2, RFC 7766.
"""

from __future__ import annotations

import array
import asyncio
import fcntl
import secrets
import select
import socket
import struct
import termios
from collections.abc import Callable
from typing import cast

from gonemaster_engine.net.query import (
    MALFORMED,
    UNREACHABLE,
    Outcome,
    Query,
    is_bare_error,
    is_response,
    read_outcome,
    reading_us,
    repeats_question,
)
from gonemaster_engine.net.wire import HEADER_OCTETS
from gonemaster_engine.turns import Turns

_LENGTH_OCTETS = 2


async def exchange(query: Query, *, port: int, turns: Turns) -> None:
    """Ask, and end the query with what came.

    Raises:
        TimeoutError: nothing, or not all of it, came in time. What had come by then and was not read yet is in time.
        OSError: there is no connection.
    """
    loop = asyncio.get_running_loop()
    query.sent_at = loop.time()
    ends_at = query.sent_at + query.timing.timeout_s
    family = socket.AF_INET6 if ":" in query.address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as sock:
        sock.setblocking(False)
        if family == socket.AF_INET6:  # an IPv4 address in the form of IPv6 is reached neither way
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        if query.source_address:
            sock.bind((query.source_address, 0))
        connecting = loop.create_task(loop.sock_connect(sock, (query.address, port)))
        await _wait(connecting, ends_at, lambda: _has_outcome(sock))
        if loop.time() >= ends_at:  # the server accepted in time and the loop is late: it may answer still
            ends_at = loop.time() + query.timing.timeout_s
        await _ask(query, sock, ends_at, turns)


async def _ask(query: Query, sock: socket.socket, ends_at: float, turns: Turns) -> None:
    loop = asyncio.get_running_loop()
    protocol = _Exchange(query, sock, turns)
    connection, _ = await loop.create_connection(lambda: protocol, sock=sock)
    try:
        await _wait(protocol.ended, ends_at, protocol.awaits_what_has_arrived())
    finally:
        connection.abort()


async def _wait(step: asyncio.Future[None], ends_at: float, is_there: Callable[[], bool]) -> None:
    """Wait for a step, and longer where `is_there` says that its end has come and only the loop has not seen it."""
    loop = asyncio.get_running_loop()
    try:
        await asyncio.wait([step], timeout=max(0.0, ends_at - loop.time()))
        while not step.done() and is_there():  # noqa: ASYNC110 - the loop itself is what is waited for
            await asyncio.sleep(0)
        if not step.done():
            raise TimeoutError
    except BaseException:
        step.cancel()
        raise
    step.result()


def _has_outcome(sock: socket.socket) -> bool:
    """Say whether a connection is made or refused."""
    return bool(_poll(sock, select.POLLOUT))


def _poll(sock: socket.socket, wanted: int) -> int:
    poll = select.poll()
    poll.register(sock, wanted)
    return sum(events for _, events in poll.poll(0))


def _unread(sock: socket.socket) -> int:
    """Return how many octets wait in the buffer of a socket; the end of the connection counts as one."""
    count = array.array("i", [0])
    fcntl.ioctl(sock, termios.FIONREAD, count)
    return count[0] + bool(_poll(sock, select.POLLRDHUP))


class _Exchange(asyncio.Protocol):
    """The question and its answer: the first message."""

    def __init__(self, query: Query, sock: socket.socket, turns: Turns) -> None:
        self._loop = asyncio.get_running_loop()
        self.ended: asyncio.Future[None] = self._loop.create_future()
        self._question = query
        self._socket = sock
        self._turns = turns
        self._id = secrets.randbits(16).to_bytes(2)
        self._received = bytearray()
        self._octets = 0  # received so far
        self._message: bytes | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        connection = cast("asyncio.Transport", transport)  # uvloop's transports do not derive from it
        message = self._id + self._question.body
        connection.write(struct.pack("!H", len(message)) + message)

    def data_received(self, data: bytes) -> None:
        self._octets += len(data)
        if self._message is not None:
            return
        self._received += data
        if len(self._received) < _LENGTH_OCTETS:
            return
        end = _LENGTH_OCTETS + int.from_bytes(self._received[:_LENGTH_OCTETS])
        if len(self._received) < end:
            return
        self._message = bytes(self._received[_LENGTH_OCTETS:end])
        self._read(self._message)

    def _read(self, message: bytes) -> None:
        """Read the message in a turn of the loop that has time for it; many large ones may come at once."""
        if self._turns.is_over and not self._question.done:
            self._loop.call_soon(self._read, message)
            return
        self._turns.spend(reading_us(message))
        self._end(self._judge(message))

    def _judge(self, wire: bytes) -> Outcome:
        query = self._question
        if len(wire) < HEADER_OCTETS or wire[:2] != self._id or not is_response(wire):
            return Outcome(None, MALFORMED)
        if not is_bare_error(wire) and not repeats_question(wire, query):
            return Outcome(None, MALFORMED)
        rtt_ms = (self._loop.time() - query.sent_at) * 1000
        return read_outcome(wire, query, source=query.address, over_tcp=True, rtt_ms=rtt_ms)

    def connection_lost(self, exc: Exception | None) -> None:
        self._octets += 1  # see _unread
        if self._message is None:
            self._end(Outcome(None, UNREACHABLE if exc else MALFORMED))

    def awaits_what_has_arrived(self) -> Callable[[], bool]:
        """Return what says whether something that was there when it is first asked has not been read yet.

        Only that: who sends an octet at each turn of the loop must not put off the end.
        """
        wanted: int | None = None

        def is_awaited() -> bool:
            nonlocal wanted
            if wanted is None:  # the first time is at the time limit
                wanted = self._octets + _unread(self._socket)
            return self._message is not None or self._octets < wanted

        return is_awaited

    def _end(self, outcome: Outcome) -> None:
        self._question.finish(outcome)
        if not self.ended.done():
            self.ended.set_result(None)
