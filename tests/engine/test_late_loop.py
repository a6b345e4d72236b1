"""A loop that is late does not take for silence what has arrived and was not read yet."""

from __future__ import annotations

import asyncio
import select
import socket
from collections.abc import Callable, Iterator

import dns.message
import pytest

from gonemaster_engine import names
from gonemaster_engine.net.query import TIMEOUT, Outcome, Query, Timing
from gonemaster_engine.net.transport import Transport
from gonemaster_engine.net.wire import query_body
from gonemaster_engine.turns import MAX_SPENT_US

HOST = "127.9.5.1"
WAIT_S = 0.2
OVERSLEPT_S = 1.5 * WAIT_S  # for which the loop stands still


@pytest.fixture
def server() -> Iterator[socket.socket]:
    """A name server that the test itself reads and answers."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as made:
        made.bind((HOST, 0))
        made.settimeout(10)
        yield made


def ask(transport: Transport, name: str, *, tries: int = 1) -> asyncio.Future[Outcome]:
    outcome: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
    qname = names.to_wire(name)
    timing = Timing(WAIT_S, WAIT_S, tries)
    transport.send_udp(
        Query(HOST, query_body(qname, 1, 1, 0, None), timing, outcome.set_result, question_octets=len(qname) + 4)
    )
    return outcome


def answer(server: socket.socket) -> None:
    """Answer the next query; the answer is in the buffer of its socket at the return, as this is loopback."""
    wire, peer = server.recvfrom(512)
    server.sendto(dns.message.make_response(dns.message.from_wire(wire)).to_wire(), peer)


def stand_still(server: socket.socket) -> None:
    """Block the loop: nothing comes to this socket any more."""
    assert select.select([server], [], [], OVERSLEPT_S)[0] == []


def outcomes(work: Callable[[Transport, asyncio.Future[list[Outcome]]], None], port: int) -> list[Outcome]:
    async def whole() -> list[Outcome]:
        transport = Transport(port=port)
        found: asyncio.Future[list[Outcome]] = asyncio.get_running_loop().create_future()
        try:
            work(transport, found)
            return await asyncio.wait_for(found, 30)
        finally:
            await transport.close()

    return asyncio.run(whole())


def collect(found: asyncio.Future[list[Outcome]], *pending: asyncio.Future[Outcome]) -> None:
    asyncio.gather(*pending).add_done_callback(lambda done: found.set_result(done.result()))


@pytest.mark.parametrize("tries", [1, 3])
def test_an_answer_in_the_buffer_is_no_timeout(server: socket.socket, tries: int) -> None:
    """The sweep of the deadlines is due in the turn in which the second query is sent, answered and overdue."""

    def work(transport: Transport, found: asyncio.Future[list[Outcome]]) -> None:
        silent = ask(transport, "silent.xa")
        server.recvfrom(512)
        stand_still(server)

        def be_late() -> None:  # before the timers of its turn, and after the loop has looked for datagrams
            answered = ask(transport, "answered.xa", tries=tries)
            answer(server)
            stand_still(server)
            collect(found, silent, answered)

        transport.loop.call_soon(be_late)

    silent, answered = outcomes(work, server.getsockname()[1])
    assert (silent.error, answered.error) == (TIMEOUT, "")
    assert not select.select([server], [], [], 0)[0]  # nor was it sent again


def test_an_answer_for_which_a_turn_has_no_time_is_no_timeout(server: socket.socket) -> None:
    def work(transport: Transport, found: asyncio.Future[list[Outcome]]) -> None:
        silent, answered = ask(transport, "silent.xa"), ask(transport, "answered.xa")
        server.recvfrom(512)
        answer(server)
        stand_still(server)
        transport.loop.call_soon(lambda: transport.turns.spend(MAX_SPENT_US))  # readers of this turn read nothing
        collect(found, silent, answered)

    silent, answered = outcomes(work, server.getsockname()[1])
    assert (silent.error, answered.error) == (TIMEOUT, "")
