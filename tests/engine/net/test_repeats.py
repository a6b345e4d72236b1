"""Lost packets are not silence: queries without an answer are repeated if the address answers others."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator

import pytest

from gonemaster_engine.context import RunContext
from gonemaster_engine.net.server.nameserver import Nameserver
from tests.support.dnsworld import Server, World, faults
from tests.support.dnsworld.faults import Fault, Reply
from tests.support.engine import in_run

HOST = "127.9.2.1"
NAMES = [f"n{number}.example.xa" for number in range(40)]


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    world = World()
    world.zone("xa", ns={"ns1.nic.xa": "127.9.2.9"})
    world.zone("example.xa", ns={"ns1.example.xa": HOST}, records="www A 192.0.2.1")
    with world:
        yield world


@pytest.fixture
def server(world: World) -> Iterator[Server]:
    server = world.server(HOST)
    server.log.clear()
    yield server
    server.heal()


def with_server(
    world: World, work: Callable[[Nameserver], Awaitable[object]], *, retrans_s: float = 0.8
) -> tuple[int, Counter[str]]:
    """Let `work` query the server; return the repeated packets, and the number of undecided queries by type."""

    async def whole(context: RunContext) -> tuple[int, Counter[str]]:
        await work(context.nameserver("ns1.example.xa", HOST))
        return context.repeated_packets, Counter(each.key.qtype for each in context.undecided.values())

    return in_run(world, whole, retry=2, retrans_s=retrans_s, timeout_s=retrans_s)


def drop(lost: Callable[[], bool]) -> Fault:
    """Drop the queries for which `lost` returns True."""
    return lambda reply: None if lost() else reply


def drop_first(number: int, *, transport: str = "udp") -> Fault:
    """Drop the first transmissions of each query."""
    seen: Counter[object] = Counter()

    def fault(reply: Reply) -> Reply | None:
        if reply.exchange.transport != transport:
            return reply
        seen[reply.exchange.question] += 1
        return reply if seen[reply.exchange.question] > number else None

    return fault


@pytest.mark.parametrize("seed", range(3))
def test_lossy_path_loses_no_answer(world: World, server: Server, seed: int) -> None:
    chance = random.Random(seed)
    server.fault(drop(lambda: chance.random() < 0.2))

    async def work(one: Nameserver) -> None:
        answers = [one.query(name, "A") for name in NAMES]
        assert all([await answer for answer in answers])

    repeated, undecided = with_server(world, work)
    assert not undecided
    assert len(server.log) > len(NAMES)
    assert repeated <= 24


def test_answers_without_loss_cost_no_packet(world: World, server: Server) -> None:
    async def work(one: Nameserver) -> None:
        for answer in [one.query(name, "A") for name in NAMES]:
            assert await answer

    assert with_server(world, work) == (0, Counter())
    assert len(server.log) == len(NAMES)


@pytest.mark.parametrize(("tcp", "lost"), [(False, 5), (True, 1)])
def test_late_answer_to_a_repeat_counts(world: World, server: Server, *, tcp: bool, lost: int) -> None:
    async def work(one: Nameserver) -> None:
        assert await one.query("www.example.xa", "A")
        server.fault(drop_first(lost, transport="tcp" if tcp else "udp"))
        assert await one.query("www.example.xa", "AAAA", tcp=tcp)

    repeated, undecided = with_server(world, work)
    assert repeated
    assert not undecided


def test_silence_for_one_type_is_confirmed_once(world: World, server: Server) -> None:
    server.fault(faults.silence(), qtype="TXT")

    async def work(one: Nameserver) -> None:
        for name in NAMES[:10]:
            assert await one.query(name, "A")
        for answer in [one.query(name, "TXT") for name in NAMES[:10]]:
            assert await answer is None

    assert with_server(world, work) == (4, Counter())


def test_many_silent_kinds_are_within_the_limit(world: World, server: Server) -> None:
    types = ("TXT", "CAA", "MX", "CDS", "CDNSKEY", "DNSKEY", "CSYNC", "ZONEMD", "NSEC3PARAM")
    for qtype in types:
        server.fault(faults.silence(), qtype=qtype)

    async def work(one: Nameserver) -> None:
        for name in NAMES:
            assert await one.query(name, "A")
        for answer in [one.query("example.xa", qtype) for qtype in types]:
            assert await answer is None

    assert with_server(world, work) == (24, Counter())


def test_silence_proves_nothing_if_most_packets_are_lost(world: World, server: Server) -> None:
    server.fault(faults.silence(), qtype="TXT")
    server.fault(drop_first(5), qtype="A")

    async def work(one: Nameserver) -> None:
        assert await one.query("www.example.xa", "SOA")
        assert await one.query("www.example.xa", "A")
        assert await one.query("www.example.xa", "TXT") is None

    assert with_server(world, work)[1] == Counter({"TXT": 1})


def test_silent_address_gets_no_repeats(world: World, server: Server) -> None:
    server.fault(faults.silence())

    async def work(one: Nameserver) -> None:
        for answer in [one.query(name, "A") for name in NAMES[:2]]:
            assert await answer is None

    assert with_server(world, work) == (0, Counter())


def test_repeat_is_alone_in_flight(world: World, server: Server) -> None:
    server.fault(faults.silence(), qtype="TXT")
    in_flight = []

    async def work(one: Nameserver) -> None:
        assert await one.query("www.example.xa", "A")
        silent = one.query("www.example.xa", "TXT")
        admission = one.server._admission
        for name in NAMES:
            assert await one.query(name, "A")
            if any(pending.repeat for _, pending, _ in admission.under_way.values()):
                in_flight.append(len(admission.under_way))
        assert await silent is None
        in_flight.append(1)

    with_server(world, work)
    assert set(in_flight) == {1}
