"""The unanswered queries of a lookup count for every test case that awaits it, not only for the first."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from gonemaster_engine.context import RunContext
from gonemaster_engine.net.server.pending import QUERIED, Answer
from gonemaster_engine.resolver.recursor import Recursor
from tests.support.dnsworld import Server, World, faults
from tests.support.engine import in_run

HOSTS = ("127.9.3.1", "127.9.3.2")


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    world = World()
    world.zone("xa", ns={"ns1.nic.xa": "127.9.3.9"})
    world.zone(
        "mail.xa", ns={f"ns{number}.mail.xa": host for number, host in enumerate(HOSTS)}, records="@ A 192.0.2.1"
    )
    with world:
        yield world


@pytest.fixture
def servers(world: World) -> Iterator[list[Server]]:
    servers = [world.server(host) for host in HOSTS]
    yield servers
    for server in servers:
        server.heal()


def unanswered(world: World) -> list[list[tuple[str, bool]]]:
    """Let two test cases await the same lookup; return name and outcome of the queries that count for each."""

    async def work(context: RunContext) -> list[list[tuple[str, bool]]]:
        recursor = Recursor(context)

        async def case() -> list[Answer]:
            queried: list[Answer] = []
            QUERIED.set(queried)
            await recursor.addresses("mail.xa")
            await recursor.resolve("mail.xa", "MX")
            return queried

        cases = await asyncio.gather(*[asyncio.create_task(case()) for _ in range(2)])
        known = {id(answer): key for server in context.servers.values() for key, answer in server.cache.by_key.items()}
        return [[(known[id(each)].qtype, each.result() is not None) for each in queried] for queried in cases]

    return in_run(world, work)


def test_unanswered_queries_count_for_both(world: World, servers: list[Server]) -> None:
    for server in servers:
        server.fault(faults.rcode("REFUSED"))
    both = [(qtype, True) for qtype in ("A", "AAAA", "MX") for _ in HOSTS]
    assert unanswered(world) == [both, both]


def test_queries_do_not_count_once_a_server_answers(world: World, servers: list[Server]) -> None:
    servers[0].fault(faults.rcode("REFUSED"))
    assert unanswered(world) == [[], []]
