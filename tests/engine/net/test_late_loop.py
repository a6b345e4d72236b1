"""A late event loop does not treat unread data that arrived in time as silence."""

from __future__ import annotations

import asyncio
import select
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress

import dns.message
import pytest
import uvloop

from gonemaster_engine import names
from gonemaster_engine.loop_time import MAX_SPENT_US
from gonemaster_engine.net.query import MALFORMED, TIMEOUT, UNREACHABLE, Query, QueryOutcome, Timing
from gonemaster_engine.net.transport import Transport
from gonemaster_engine.net.wire.messages import query_body

HOST = "127.9.5.1"
WAIT_S = 0.2
OVERSLEPT_S = 1.5 * WAIT_S  # how long the event loop is blocked


@pytest.fixture
def server() -> Iterator[socket.socket]:
    """A name server that the test itself reads and answers."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as made:
        made.bind((HOST, 0))
        made.settimeout(10)
        yield made


def ask(transport: Transport, name: str, *, tries: int = 1) -> asyncio.Future[QueryOutcome]:
    outcome: asyncio.Future[QueryOutcome] = asyncio.get_running_loop().create_future()
    qname = names.to_wire(name)
    timing = Timing(WAIT_S, WAIT_S, tries)
    transport.send_udp(
        Query(HOST, query_body(qname, 1, 1, 0, None), timing, outcome.set_result, question_octets=len(qname) + 4)
    )
    return outcome


def answer(server: socket.socket) -> None:
    """Answer the next query; on return the answer is in the buffer of its socket, because this is loopback."""
    wire, peer = server.recvfrom(512)
    server.sendto(dns.message.make_response(dns.message.from_wire(wire)).to_wire(), peer)


def block_loop(server: socket.socket) -> None:
    """Block the loop: no more data arrives at this socket."""
    assert select.select([server], [], [], OVERSLEPT_S)[0] == []


def outcomes(
    work: Callable[[Transport, asyncio.Future[list[QueryOutcome]]], None],
    port: int,
    loop_factory: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop,
) -> list[QueryOutcome]:
    async def whole() -> list[QueryOutcome]:
        transport = Transport(port=port)
        found: asyncio.Future[list[QueryOutcome]] = asyncio.get_running_loop().create_future()
        try:
            work(transport, found)
            return await asyncio.wait_for(found, 30)
        finally:
            await transport.close()

    with asyncio.Runner(loop_factory=loop_factory) as runner:
        return runner.run(whole())


def collect(found: asyncio.Future[list[QueryOutcome]], *pending: asyncio.Future[QueryOutcome]) -> None:
    asyncio.gather(*pending).add_done_callback(lambda done: found.set_result(done.result()))


@pytest.mark.parametrize("tries", [1, 3])
def test_an_answer_in_the_buffer_is_no_timeout(server: socket.socket, tries: int) -> None:
    """The second query is sent, answered and overdue in one iteration, in which the deadlines are checked, too."""

    def work(transport: Transport, found: asyncio.Future[list[QueryOutcome]]) -> None:
        silent = ask(transport, "silent.xa")
        server.recvfrom(512)
        block_loop(server)

        def be_late() -> None:  # before the timers of its iteration, and after the loop has checked for datagrams
            answered = ask(transport, "answered.xa", tries=tries)
            answer(server)
            block_loop(server)
            collect(found, silent, answered)

        transport.loop.call_soon(be_late)

    silent, answered = outcomes(work, server.getsockname()[1])
    assert (silent.error, answered.error) == (TIMEOUT, "")
    assert not select.select([server], [], [], 0)[0]  # nor was it sent again


def test_an_answer_for_which_a_turn_has_no_time_is_no_timeout(server: socket.socket) -> None:
    def work(transport: Transport, found: asyncio.Future[list[QueryOutcome]]) -> None:
        silent, answered = ask(transport, "silent.xa"), ask(transport, "answered.xa")
        server.recvfrom(512)
        answer(server)
        block_loop(server)
        # the readers of this iteration read nothing
        transport.loop.call_soon(lambda: transport.turns.spend(MAX_SPENT_US))
        collect(found, silent, answered)

    silent, answered = outcomes(work, server.getsockname()[1])
    assert (silent.error, answered.error) == (TIMEOUT, "")


# Over TCP. libuv processes timers before sockets, asyncio sockets before timers.
LOOPS = pytest.mark.parametrize("loop_factory", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uv"])


@pytest.fixture
def tcp_server() -> Iterator[socket.socket]:
    with socket.create_server((HOST, 0)) as made:
        made.settimeout(10)
        yield made


def ask_over_tcp(transport: Transport, name: str) -> asyncio.Future[QueryOutcome]:
    outcome: asyncio.Future[QueryOutcome] = asyncio.get_running_loop().create_future()
    qname = names.to_wire(name)
    timing = Timing(WAIT_S, WAIT_S, 1)
    transport.send_tcp(
        Query(HOST, query_body(qname, 1, 1, 0, None), timing, outcome.set_result, question_octets=len(qname) + 4)
    )
    return outcome


def answer_over_tcp(accepted: socket.socket) -> None:
    wire = accepted.recv(512)[2:]
    reply = dns.message.make_response(dns.message.from_wire(wire)).to_wire()
    accepted.sendall(len(reply).to_bytes(2) + reply)


class Late:
    """Do something, and then block the event loop until every timeout has expired."""

    def __init__(self, transport: Transport, work: Callable[[], object]) -> None:
        self._transport = transport
        self._work = work

    def when_readable(self, sock: socket.socket) -> None:
        self._transport.loop.add_reader(sock, self._do, sock)

    def _do(self, sock: socket.socket) -> None:
        self._transport.loop.remove_reader(sock)
        self._work()
        assert select.select([], [], [], OVERSLEPT_S) == ([], [], [])


def error_of(
    tcp_server: socket.socket,
    loop_factory: Callable[[], asyncio.AbstractEventLoop],
    serve: Callable[[Transport, Callable[[], socket.socket]], None],
) -> str:
    """The error of a query over TCP.

    `serve` gets a function that accepts the connection, which is closed at the end.
    """
    with ExitStack() as stack:

        def accept() -> socket.socket:
            return stack.enter_context(tcp_server.accept()[0])

        def work(transport: Transport, found: asyncio.Future[list[QueryOutcome]]) -> None:
            serve(transport, accept)
            collect(found, ask_over_tcp(transport, "answered.xa"))

        (outcome,) = outcomes(work, tcp_server.getsockname()[1], loop_factory)
    return outcome.error


@LOOPS
def test_an_answer_in_the_buffer_of_a_connection_is_no_timeout(
    tcp_server: socket.socket, loop_factory: Callable[[], asyncio.AbstractEventLoop]
) -> None:
    def serve(transport: Transport, accept: Callable[[], socket.socket]) -> None:
        def begin() -> None:
            accepted = accept()
            transport.loop.remove_reader(tcp_server)
            Late(transport, lambda: answer_over_tcp(accepted)).when_readable(accepted)

        transport.loop.add_reader(tcp_server, begin)

    assert error_of(tcp_server, loop_factory, serve) == ""


@LOOPS
def test_a_connection_that_was_accepted_in_time_is_no_timeout(
    tcp_server: socket.socket, loop_factory: Callable[[], asyncio.AbstractEventLoop]
) -> None:
    """The event loop is blocked before it has seen that the connection is established: no query was sent yet."""

    def serve(transport: Transport, accept: Callable[[], socket.socket]) -> None:
        def begin() -> None:
            accepted = accept()
            transport.loop.add_reader(accepted, reply, accepted)

        def reply(accepted: socket.socket) -> None:
            transport.loop.remove_reader(accepted)
            answer_over_tcp(accepted)

        Late(transport, begin).when_readable(tcp_server)

    assert error_of(tcp_server, loop_factory, serve) == ""


@LOOPS
def test_an_answer_over_tcp_for_which_turns_have_no_time_is_no_timeout(
    tcp_server: socket.socket, loop_factory: Callable[[], asyncio.AbstractEventLoop]
) -> None:
    def serve(transport: Transport, accept: Callable[[], socket.socket]) -> None:
        busy_until = transport.loop.time() + OVERSLEPT_S

        def be_busy() -> None:
            transport.turns.spend(MAX_SPENT_US)
            if transport.loop.time() < busy_until:
                transport.loop.call_soon(be_busy)

        def begin() -> None:
            accepted = accept()
            transport.loop.remove_reader(tcp_server)
            transport.loop.add_reader(accepted, reply, accepted)

        def reply(accepted: socket.socket) -> None:
            transport.loop.remove_reader(accepted)
            answer_over_tcp(accepted)
            be_busy()

        transport.loop.add_reader(tcp_server, begin)

    assert error_of(tcp_server, loop_factory, serve) == ""


@LOOPS
def test_a_closed_connection_is_no_timeout(
    tcp_server: socket.socket, loop_factory: Callable[[], asyncio.AbstractEventLoop]
) -> None:
    def work(transport: Transport, found: asyncio.Future[list[QueryOutcome]]) -> None:
        def refuse() -> None:
            accepted, _ = tcp_server.accept()
            accepted.close()

        Late(transport, refuse).when_readable(tcp_server)
        collect(found, ask_over_tcp(transport, "closed.xa"))

    assert outcomes(work, tcp_server.getsockname()[1], loop_factory)[0].error in {MALFORMED, UNREACHABLE}


@LOOPS
def test_octets_without_end_do_not_put_off_the_end(
    tcp_server: socket.socket, loop_factory: Callable[[], asyncio.AbstractEventLoop]
) -> None:
    gone = threading.Event()

    def drip() -> None:
        accepted, _ = tcp_server.accept()
        with accepted, suppress(OSError):
            accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            accepted.sendall(b"\xff\xff")
            while True:
                accepted.sendall(b"x")
                accepted.settimeout(0.001)
                with suppress(TimeoutError):
                    if not accepted.recv(512):
                        break
        gone.set()

    def work(transport: Transport, found: asyncio.Future[list[QueryOutcome]]) -> None:
        collect(found, ask_over_tcp(transport, "slow.xa"))

    thread = threading.Thread(target=drip)
    thread.start()
    # Each octet costs an ACK, so the connection may also end because of their number.
    assert outcomes(work, tcp_server.getsockname()[1], loop_factory)[0].error in {TIMEOUT, MALFORMED}
    thread.join(30)
    assert gone.is_set()  # the connection is closed, not merely abandoned
