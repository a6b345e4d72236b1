"""One query over one TCP connection: connect, send and receive one message within one timeout.

Source: RFC 1035 section 4.2.2, RFC 7766.
"""

from __future__ import annotations

import array
import asyncio
import errno
import fcntl
import os
import select
import socket
import struct
import sys
import termios
from collections.abc import Callable
from functools import partial

from gonemaster_engine.addresses import counts_as_global
from gonemaster_engine.limits import TCP_PACKETS
from gonemaster_engine.loop_time import LoopTime
from gonemaster_engine.net.query import (
    MALFORMED,
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
from gonemaster_engine.waiting import first_done

_LENGTH_OCTETS = 2
_SEGMENTS_OUT_AT = 136  # tcpi_segs_out in struct tcp_info, linux/tcp.h
_CONNECTED = (1, 8)  # TCP_ESTABLISHED and TCP_CLOSE_WAIT
MAX_SEGMENTS = 150  # a message of maximum size takes about 45 segments; only tiny segments exceed this
_RECEIVE_OCTETS = 65536


async def exchange(query: Query, *, port: int, turns: LoopTime) -> None:
    """Send the query and finish it with the outcome.

    Raises:
      TimeoutError: the message did not arrive completely in time. Data that arrived in time but was not read yet
    counts.
      OSError: the connection failed.
    """
    loop = asyncio.get_running_loop()
    query.sent_at = loop.time()
    ends_at = query.sent_at + query.timing.timeout_s
    family = socket.AF_INET6 if ":" in query.address else socket.AF_INET
    sock = socket.SocketType(family, socket.SOCK_STREAM)
    query.sent_segments = partial(sent_segments, sock)
    try:
        sock.setblocking(False)
        if family == socket.AF_INET6:  # IPv4-mapped addresses are not used, except by the demo
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, not counts_as_global(query.address))
        if query.source_address:
            sock.bind((query.source_address, 0))
        await _connect(sock, (query.address, port), ends_at)
        await turns.wait()  # many connections may be accepted together
        if loop.time() >= ends_at:  # accepted in time, but the event loop is late: the server may still answer
            ends_at = loop.time() + query.timing.timeout_s
        asking = _Exchange(query, sock, turns)
        try:
            await _wait(asking.ended, ends_at, asking.unread_data_check())
        finally:
            asking.close()
    finally:
        query.sent_segments = partial(int, sent_segments(sock))
        sock.close()


def sent_segments(sock: socket.SocketType) -> int:
    """Return the number of segments that a connection sends in total if it is closed now; RFC 9293 section 3.6.

    A connection that is established sends two more: its FIN, and the ACK of the peer's FIN.
    """
    if sys.platform != "linux":
        return TCP_PACKETS
    info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _SEGMENTS_OUT_AT + 4)
    return int.from_bytes(info[_SEGMENTS_OUT_AT:], sys.byteorder) + (2 if info[0] in _CONNECTED else 0)


async def _connect(sock: socket.SocketType, server: tuple[str, int], ends_at: float) -> None:
    number = sock.connect_ex(server)
    if number == errno.EINPROGRESS:
        loop = asyncio.get_running_loop()
        ended = loop.create_future()
        loop.add_writer(sock.fileno(), _set, ended)
        try:
            await _wait(ended, ends_at, lambda: bool(_poll(sock, select.POLLOUT)))
        finally:
            loop.remove_writer(sock.fileno())
        number = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if number:
        raise OSError(number, os.strerror(number))


def _set(step: asyncio.Future[None]) -> None:
    if not step.done():
        step.set_result(None)


async def _wait(step: asyncio.Future[None], ends_at: float, is_there: Callable[[], bool]) -> None:
    """Wait for a step.

    Wait longer if `is_there` reports that the step has completed but the event loop has not processed it.
    """
    await first_done([step], until=ends_at)
    while not step.done() and is_there():  # noqa: ASYNC110 - the loop itself is what is waited for
        await asyncio.sleep(0)
    if not step.done():
        raise TimeoutError
    step.result()


def _poll(sock: socket.SocketType, wanted: int) -> int:
    poll = select.poll()
    poll.register(sock.fileno(), wanted)
    return sum(events for _, events in poll.poll(0))


def _unread(sock: socket.SocketType) -> int:
    """Return the number of unread octets in a socket's buffer; the end of the connection counts as one."""
    count = array.array("i", [0])
    fcntl.ioctl(sock.fileno(), termios.FIONREAD, count)
    return count[0] + bool(_poll(sock, select.POLLRDHUP))


class _Exchange:
    """A query and its answer, the first message, on a connection."""

    def __init__(self, query: Query, sock: socket.SocketType, turns: LoopTime) -> None:
        self._loop = asyncio.get_running_loop()
        self.ended: asyncio.Future[None] = self._loop.create_future()
        self._question = query
        self._socket = sock
        self._turns = turns
        self._id = random_16_bits().to_bytes(2)
        self._received = bytearray()
        self._octets = 0  # received so far
        self._message: bytes | None = None
        message = self._id + query.body
        self._unsent = struct.pack("!H", len(message)) + message
        self._send()
        self._loop.add_reader(sock.fileno(), self._receive)

    def close(self) -> None:
        """Unregister the connection from the event loop."""
        self._loop.remove_reader(self._socket.fileno())
        self._loop.remove_writer(self._socket.fileno())

    def _send(self) -> None:
        """Send as much as the buffer takes, which is all of any ordinary query, and the rest later."""
        try:
            self._unsent = self._unsent[self._socket.send(self._unsent) :]
        except BlockingIOError:
            pass
        except OSError:
            self._unsent = b""  # the reader gets the error, too
        if self._unsent:
            self._loop.add_writer(self._socket.fileno(), self._send)
        else:
            self._loop.remove_writer(self._socket.fileno())

    def _receive(self) -> None:
        try:
            data = self._socket.recv(_RECEIVE_OCTETS)
        except BlockingIOError:
            return
        except OSError:
            self._on_end(UNREACHABLE)
            return
        if data:
            self._on_data(data)
        else:
            self._on_end(MALFORMED)

    def _on_end(self, error: str) -> None:
        self._loop.remove_reader(self._socket.fileno())
        self._octets += 1  # see _unread
        if self._message is None:
            self._end(QueryOutcome(None, error))

    def _on_data(self, data: bytes) -> None:
        self._octets += len(data)
        self._received += data
        if len(self._received) < _LENGTH_OCTETS:
            return
        end = _LENGTH_OCTETS + int.from_bytes(self._received[:_LENGTH_OCTETS])
        if len(self._received) < end:
            if sent_segments(self._socket) > MAX_SEGMENTS:  # each tiny segment costs an ACK
                self._on_end(MALFORMED)
            return
        self._loop.remove_reader(self._socket.fileno())  # data after the message is ignored
        message = self._message = bytes(self._received[_LENGTH_OCTETS:end])
        self._turns.call(lambda: self._read(message))  # many large messages may arrive together

    def _read(self, message: bytes) -> None:
        self._turns.spend(reading_us(message))
        self._end(self._judge(message))

    def _judge(self, wire: bytes) -> QueryOutcome:
        query = self._question
        if len(wire) < HEADER_OCTETS or wire[:2] != self._id or not is_response(wire):
            return QueryOutcome(None, MALFORMED)
        if not is_bare_error(wire) and not repeats_question(wire, query):
            return QueryOutcome(None, MALFORMED)
        rtt_ms = (self._loop.time() - query.sent_at) * 1000
        return read_outcome(wire, query, source=query.address, over_tcp=True, rtt_ms=rtt_ms)

    def unread_data_check(self) -> Callable[[], bool]:
        """Return a predicate: whether data that had arrived at its first call is still unread.

        Later data does not count, so that a server that sends one octet per turn cannot postpone the timeout.
        """
        wanted: int | None = None

        def is_awaited() -> bool:
            nonlocal wanted
            if wanted is None:  # the first call is at the timeout
                wanted = self._octets + _unread(self._socket)
            return self._message is not None or self._octets < wanted

        return is_awaited

    def _end(self, outcome: QueryOutcome) -> None:
        self._question.finish(outcome)
        if not self.ended.done():
            self.ended.set_result(None)
