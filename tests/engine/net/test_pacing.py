"""Queries wait for the limit of their address, and are otherwise unaffected."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Iterator
from itertools import count

import pytest

from gonemaster_engine.context import RunContext
from gonemaster_engine.net.pace import RunPace
from gonemaster_engine.net.pacing import AddressLimits, Pacing
from gonemaster_engine.net.pacing.address import FairQueue, WaitingQuery
from gonemaster_engine.net.pacing.limits import LIFE_S, TOLERANCE_S
from gonemaster_engine.net.query import Query, Timing
from gonemaster_engine.net.server.nameserver import Nameserver
from tests.support.dnsworld import Server, World, faults
from tests.support.engine import in_run
from tests.support.lease_client import MemoryLeaseClient

HOST = "127.9.6.1"
numbers = count()


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    world = World()
    world.zone("example.xa", ns={"ns1.example.xa": HOST}, records="www A 192.0.2.1")
    with world:
        yield world


@pytest.fixture
def server(world: World) -> Iterator[Server]:
    server = world.server(HOST)
    server.log.clear()
    yield server
    server.heal()


class Limits:
    """Limits that a test changes while it runs."""

    def __init__(self, qps: float, outstanding: float = 0) -> None:
        self.now = AddressLimits(qps, outstanding)

    def __call__(self) -> AddressLimits:
        return self.now


def paced(
    world: World,
    lease_client: MemoryLeaseClient,
    limits: Limits,
    work: Callable[[RunContext, Nameserver], Awaitable[object]],
    **settings: object,
) -> RunContext:
    """Let `work` query one server in a run with limits."""

    async def whole(context: RunContext) -> RunContext:
        context.transport.pacing = Pacing(lease_client, limits)
        context.budget.note_independent(context.budget.account(HOST))  # the server may get many packets
        await work(context, context.nameserver("ns1.example.xa", HOST))
        return context

    return in_run(world, whole, **settings)  # type: ignore[arg-type] # fields of Profile


async def ask(server: Nameserver, number: int, *, tcp: bool = False) -> None:
    answers = [server.query(f"n{next(numbers)}.example.xa", "A", tcp=tcp) for _number in range(number)]
    assert all([await answer for answer in answers])


def arrivals(server: Server) -> list[float]:
    return sorted(query.time for query in server.log)


def most_within_a_second(server: Server) -> int:
    times = arrivals(server)
    return max(sum(first <= other < first + 1 for other in times) for first in times)


@pytest.mark.parametrize("tcp", [False, True])
def test_queries_to_one_address_keep_the_limit(world: World, server: Server, *, tcp: bool) -> None:
    lease_client = MemoryLeaseClient()
    paced(world, lease_client, Limits(40), lambda _, one: ask(one, 60, tcp=tcp))
    assert len(server.log) == 60
    assert most_within_a_second(server) <= 44
    assert lease_client.requests < 60  # several packets share a request


def test_waiting_is_neither_a_timeout_nor_time_of_the_server(world: World, server: Server) -> None:
    context = paced(world, MemoryLeaseClient(), Limits(20), lambda _, one: ask(one, 30), timeout_s=0.3, retrans_s=0.3)
    (timing,) = context.timings()
    assert (timing.count, timing.timeouts) == (30, 0)
    assert timing.max_ms is not None
    assert timing.max_ms < 300
    assert context.pace.waited_s > 5
    assert len(server.log) == 30


def test_lost_packet_is_sent_again_within_the_limit(world: World, server: Server) -> None:
    server.fault(faults.silence(), nth=1)
    context = paced(world, MemoryLeaseClient(), Limits(50), lambda _, one: ask(one, 20), retry=3, retrans_s=0.2)
    assert len(server.log) == 21
    assert context.timings()[0].timeouts == 0


def test_no_more_queries_are_without_answer_than_the_limit(world: World, server: Server) -> None:
    server.fault(faults.delay(0.1))
    paced(world, MemoryLeaseClient(), Limits(0, 8), lambda _, one: ask(one, 40))
    times = arrivals(server)
    assert len(times) == 40
    assert max(sum(first <= other < first + 0.09 for other in times) for first in times) <= 8


def test_limit_that_is_changed_applies_at_once(world: World, server: Server) -> None:
    limits = Limits(5)

    async def work(_context: RunContext, one: Nameserver) -> None:
        asked = asyncio.ensure_future(ask(one, 200))
        while len(server.log) < 5:  # noqa: ASYNC110 - the log is filled by a thread
            await asyncio.sleep(0.01)
        limits.now = AddressLimits()
        async with asyncio.timeout(10):  # with the first limit it would take 40 s
            await asked

    paced(world, MemoryLeaseClient(), limits, work)
    limits.now = AddressLimits()

    async def limited(_context: RunContext, one: Nameserver) -> None:
        await ask(one, 50)
        limits.now = AddressLimits(20)
        server.log.clear()
        await ask(one, 30)

    paced(world, MemoryLeaseClient(), limits, limited)
    assert most_within_a_second(server) <= 22


def test_without_leases_the_process_keeps_to_its_share_and_goes_on(world: World, server: Server) -> None:
    lease_client = MemoryLeaseClient(processes=4)

    async def work(context: RunContext, one: Nameserver) -> None:
        await ask(one, 10)
        lease_client.is_unavailable = True
        await asyncio.sleep(0.7)  # earlier leases have ended
        server.log.clear()
        await ask(one, 75)  # from a share of 25 packets a second
        assert context.transport.pacing
        assert context.transport.pacing.is_without_leases
        assert arrivals(server)[-1] - arrivals(server)[0] > 1.8
        lease_client.is_unavailable = False
        before = lease_client.leased
        while lease_client.leased == before:
            await ask(one, 10)
        assert not context.transport.pacing.is_without_leases

    paced(world, lease_client, Limits(100), work)


def test_run_that_ends_leaves_the_queue_and_others_go_on(world: World, server: Server) -> None:
    async def work(context: RunContext, one: Nameserver) -> None:
        for _number in range(500):
            one.query(f"n{next(numbers)}.example.xa", "A")
        await asyncio.sleep(0.2)
        await context.close()
        sent = context.transport.queries
        await asyncio.sleep(0.3)
        assert context.transport.queries == sent

    paced(world, MemoryLeaseClient(), Limits(20), work)


def test_waiting_queries_are_reported_and_counted(world: World, server: Server) -> None:
    lease_client = MemoryLeaseClient()
    context = paced(world, lease_client, Limits(20), lambda _, one: ask(one, 40))
    assert lease_client.limited == {HOST}
    pacing = context.transport.pacing
    assert pacing
    assert pacing.waits > 5
    assert pacing.waited_s > 1


def test_closed_transport_ends_what_waits(world: World, server: Server) -> None:
    async def work(context: RunContext, one: Nameserver) -> None:
        answers = [one.query(f"n{next(numbers)}.example.xa", "A", tcp=bool(number % 2)) for number in range(60)]
        await asyncio.sleep(0.1)
        await context.transport.close()
        assert None in await asyncio.gather(*answers)

    paced(world, MemoryLeaseClient(), Limits(10), work)


def query(run: RunPace) -> Query:
    return Query(HOST, bytes(20), Timing(1.0, 1.0, 1), lambda _: None, question_octets=5, pace=run)


def test_runs_take_turns_and_urgent_ones_come_first_most_of_the_time() -> None:
    queue = FairQueue()
    many, few, urgent = RunPace(), RunPace(), RunPace(is_urgent=True)
    for run, number in ((many, 50), (few, 3), (urgent, 6)):
        for _number in range(number):
            queue.add(WaitingQuery(query(run), lambda _: True, 0.0))
    taken = [queue.take().query.pace for _number in range(8)]
    assert [taken.count(run) for run in (many, few, urgent)] == [1, 1, 6]
    assert len(list(queue)) == 51
    few.is_over = True
    assert len(list(queue)) == 49
    while queue:
        queue.take()


@pytest.mark.parametrize(
    ("limits", "processes", "share"),
    [
        (AddressLimits(100, 50), 1, (50, 25)),
        (AddressLimits(100, 50), 4, (12, 6)),
        (AddressLimits(100, 50), 60, (0, 0)),
        (AddressLimits(100), 4, (12, math.inf)),
        (AddressLimits(0, 40), 4, (math.inf, 5)),
    ],
)
def test_processes_share_half_of_the_limits(limits: AddressLimits, processes: int, share: tuple[float, float]) -> None:
    assert limits.half_share(processes)[:2] == share


@pytest.mark.parametrize("limits", [AddressLimits(100, 50), AddressLimits(20, 10), AddressLimits(1, 1)])
@pytest.mark.parametrize("processes", [1, 5, 60])
def test_shares_and_leases_together_keep_the_limits(limits: AddressLimits, processes: int) -> None:
    half, leased = limits.half_share(processes), limits.leased(processes)
    most_leased = math.floor((1 + TOLERANCE_S + LIFE_S) * leased.qps) + 1
    assert half.packets * processes + most_leased <= 1.1 * limits.qps
    assert half.unanswered * processes + leased.outstanding == limits.outstanding
    assert leased.outstanding > 0


def test_whole_share_of_a_process_is_never_nothing() -> None:
    assert AddressLimits(8, 4).full_share(16) == (1, 1, 2.0)
    assert AddressLimits(100, 50).full_share(4) == (25, 12, 1.0)
    assert AddressLimits().full_share(16)[:2] == (math.inf, math.inf)
