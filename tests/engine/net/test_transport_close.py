"""Closing the transport gives each query in flight, and each later query, its outcome."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import pytest

from gonemaster_engine.context import RunContext
from gonemaster_engine.net.server.nameserver import Nameserver
from gonemaster_engine.net.transport import CLOSED, Query, QueryOutcome, Timing, Transport
from gonemaster_engine.net.wire.messages import query_body
from tests.support.dnsworld import World, faults
from tests.support.engine import in_run

HOST = "127.9.3.1"
PATIENT = Timing(timeout_s=60.0, retrans_s=60.0, tries=3)
LIMIT_S = 10.0  # far below the timeout of a query: a caller that waits longer got no outcome


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    """Return a world whose server is silent, so that queries to it stay in flight."""
    world = World()
    world.zone("xa", ns={"ns1.nic.xa": "127.9.0.1"})
    world.zone("example.xa", ns={"ns1.example.xa": HOST})
    world.server(HOST).fault(faults.silence())
    with world:
        yield world


def question(on_done: asyncio.Future[QueryOutcome]) -> Query:
    qname = b"\x07example\x02xa\x00"
    return Query(HOST, query_body(qname, 6, 1, 0, None), PATIENT, on_done.set_result, question_octets=len(qname) + 4)


@pytest.mark.parametrize("tcp", [False, True], ids=["udp", "tcp"])
@pytest.mark.parametrize("started", [False, True], ids=["at once", "under way"])
def test_query_under_way_ends_when_the_transport_closes(world: World, tcp: bool, started: bool) -> None:
    arrived = threading.Event()

    def take(_reply: faults.Reply) -> None:
        arrived.set()

    world.server(HOST).heal()
    world.server(HOST).fault(take)

    async def work() -> QueryOutcome:
        transport = Transport(port=world.port)
        outcome: asyncio.Future[QueryOutcome] = asyncio.get_running_loop().create_future()
        (transport.send_tcp if tcp else transport.send_udp)(question(outcome))
        if started:
            assert await asyncio.to_thread(arrived.wait, LIMIT_S)
        await transport.close()
        return await asyncio.wait_for(outcome, LIMIT_S)

    assert asyncio.run(work()) == QueryOutcome(None, CLOSED)


@pytest.mark.parametrize("tcp", [False, True], ids=["udp", "tcp"])
def test_query_to_a_closed_transport_ends_the_same_way(world: World, tcp: bool) -> None:
    async def work() -> QueryOutcome:
        transport = Transport(port=world.port)
        await transport.close()
        outcome: asyncio.Future[QueryOutcome] = asyncio.get_running_loop().create_future()
        (transport.send_tcp if tcp else transport.send_udp)(question(outcome))
        assert not outcome.done()  # the caller has stored nothing yet
        return await asyncio.wait_for(outcome, LIMIT_S)

    assert asyncio.run(work()) == QueryOutcome(None, CLOSED)


def test_run_whose_transport_closes_waits_for_no_answer(world: World) -> None:
    """Queries held back by the limit per server are sent when others end; they must not wait forever, either."""

    async def work(context: RunContext) -> list[object]:
        server: Nameserver = context.nameserver("ns1.example.xa", HOST)
        pending = [server.query(f"n{i}.example.xa", "A") for i in range(6)]
        await context.transport.close()
        return [await asyncio.wait_for(answer, LIMIT_S) for answer in pending]

    assert in_run(world, work, nameserver_concurrency=2, timeout_s=60.0, retrans_s=60.0) == [None] * 6
