"""Queries wait for the limit of their address, and nothing else of them changes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from itertools import count

import pytest

from gonemaster_engine.context import RunContext
from gonemaster_engine.net.ledger import Ledger, Loans, Terms, Want
from gonemaster_engine.net.line import Line, Waiting
from gonemaster_engine.net.nameserver import Nameserver
from gonemaster_engine.net.pace import RunPace
from gonemaster_engine.net.pacing import Pacing
from gonemaster_engine.net.query import Query, Timing
from tests.support.dnsworld import Server, World, faults
from tests.support.engine import in_run

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


class MemoryLender:
    """Lends from memory, as Redis would for several processes; `is_away` as if there was none."""

    def __init__(self, *, processes: int = 1) -> None:
        self.ledger = Ledger()
        self.processes = processes
        self.is_away = False
        self.requests = 0
        self.lent = 0
        self.reported: list[Sequence[str]] = []

    def ask(self, wants: Sequence[Want], terms: Terms, reply: Callable[[Loans | None], None]) -> None:
        self.requests += 1
        now = time.monotonic()
        loans = [self.ledger.lend(want, terms, process="one", now=now) for want in wants]
        self.lent += sum(loan.packets for loan in loans)
        answer = None if self.is_away else Loans(self.processes, loans, now)
        asyncio.get_running_loop().call_soon(reply, answer)

    def report(self, limited: Sequence[str]) -> None:
        self.reported.append(limited)


class Limits:
    """Limits that a test changes while it runs."""

    def __init__(self, qps: float, outstanding: float = 0) -> None:
        self.terms = Terms(qps, outstanding)

    def __call__(self) -> Terms:
        return self.terms


def paced(
    world: World,
    lender: MemoryLender,
    limits: Limits,
    work: Callable[[RunContext, Nameserver], Awaitable[object]],
    **settings: object,
) -> RunContext:
    """Let `work` ask one server in a run that keeps limits."""

    async def whole(context: RunContext) -> RunContext:
        context.transport.pacing = Pacing(lender, limits)
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
    lender = MemoryLender()
    paced(world, lender, Limits(40), lambda _, one: ask(one, 60, tcp=tcp))
    assert len(server.log) == 60
    assert most_within_a_second(server) <= 44
    assert lender.requests < 30


def test_waiting_is_neither_a_timeout_nor_time_of_the_server(world: World, server: Server) -> None:
    context = paced(world, MemoryLender(), Limits(20), lambda _, one: ask(one, 30), timeout_s=0.3, retrans_s=0.3)
    (timing,) = context.timings()
    assert (timing.count, timing.timeouts) == (30, 0)
    assert timing.max_ms is not None
    assert timing.max_ms < 300
    assert context.pace.waited_s > 5
    assert len(server.log) == 30


def test_lost_packet_is_sent_again_within_the_limit(world: World, server: Server) -> None:
    server.fault(faults.silence(), nth=1)
    context = paced(world, MemoryLender(), Limits(50), lambda _, one: ask(one, 20), retry=3, retrans_s=0.2)
    assert len(server.log) == 21
    assert context.timings()[0].timeouts == 0


def test_no_more_queries_are_without_answer_than_the_limit(world: World, server: Server) -> None:
    server.fault(faults.delay(0.1))
    paced(world, MemoryLender(), Limits(0, 8), lambda _, one: ask(one, 40))
    times = arrivals(server)
    assert len(times) == 40
    assert max(sum(first <= other < first + 0.09 for other in times) for first in times) <= 8


def test_limit_that_is_changed_applies_at_once(world: World, server: Server) -> None:
    limits = Limits(5)

    async def work(_context: RunContext, one: Nameserver) -> None:
        asked = asyncio.ensure_future(ask(one, 200))
        while len(server.log) < 5:  # noqa: ASYNC110 - the log is filled by a thread
            await asyncio.sleep(0.01)
        limits.terms = Terms()
        async with asyncio.timeout(10):  # with the first limit it would take 40 s
            await asked

    paced(world, MemoryLender(), limits, work)
    limits.terms = Terms()

    async def limited(_context: RunContext, one: Nameserver) -> None:
        await ask(one, 50)
        limits.terms = Terms(20)
        server.log.clear()
        await ask(one, 30)

    paced(world, MemoryLender(), limits, limited)
    assert most_within_a_second(server) <= 22


def test_without_lender_the_process_keeps_to_its_share_and_goes_on(world: World, server: Server) -> None:
    lender = MemoryLender(processes=4)

    async def work(context: RunContext, one: Nameserver) -> None:
        await ask(one, 10)
        lender.is_away = True
        await asyncio.sleep(0.7)  # what was lent before is over
        server.log.clear()
        await ask(one, 50)
        assert context.transport.pacing
        assert context.transport.pacing.is_alone
        assert most_within_a_second(server) <= 100 / 4 + 100 / 10 / 4 + 1
        lender.is_away = False
        before = lender.lent
        while lender.lent == before:
            await ask(one, 10)
        assert not context.transport.pacing.is_alone

    paced(world, lender, Limits(100), work)


def test_run_that_ends_leaves_the_queue_and_others_go_on(world: World, server: Server) -> None:
    async def work(context: RunContext, one: Nameserver) -> None:
        for _number in range(500):
            one.query(f"n{next(numbers)}.example.xa", "A")
        await asyncio.sleep(0.2)
        pacing = context.transport.pacing
        assert pacing
        assert pacing.limited() == [HOST]
        await context.close()
        sent = len(server.log)
        assert pacing.limited() == []
        await asyncio.sleep(0.3)
        assert len(server.log) <= sent + 2  # those on their way

    paced(world, MemoryLender(), Limits(20), work)


def test_what_waits_is_reported_and_counted(world: World, server: Server) -> None:
    lender = MemoryLender()
    context = paced(world, lender, Limits(20), lambda _, one: ask(one, 40))
    assert [HOST] in lender.reported
    assert context.transport.pacing
    waits, waited_s = context.transport.pacing.stats
    assert waits > 5
    assert waited_s > 1


def test_closed_transport_ends_what_waits(world: World, server: Server) -> None:
    async def work(context: RunContext, one: Nameserver) -> None:
        answers = [one.query(f"n{next(numbers)}.example.xa", "A", tcp=bool(number % 2)) for number in range(60)]
        await asyncio.sleep(0.1)
        await context.transport.close()
        assert None in await asyncio.gather(*answers)

    paced(world, MemoryLender(), Limits(10), work)


def query() -> Query:
    return Query(HOST, bytes(20), Timing(1.0, 1.0, 1), lambda _: None, question_octets=5)


def test_runs_take_turns_and_urgent_ones_come_first_most_of_the_time() -> None:
    line = Line()
    many, few, urgent = RunPace(), RunPace(), RunPace(is_urgent=True)
    for run, number in ((many, 50), (few, 3), (urgent, 6)):
        for _number in range(number):
            line.add(Waiting(query(), lambda _: True, 0.0), run)
    before = [length(line, run) for run in (many, few, urgent)]
    for _number in range(8):
        line.take()
    after = [length(line, run) for run in (many, few, urgent)]
    assert [old - new for old, new in zip(before, after, strict=True)] == [1, 1, 6]
    few.end()
    assert len(line) == 49
    assert len(line.drain()) == 49
    assert not many.lines


def length(line: Line, run: RunPace) -> int:
    return sum(len(lane.get(run, ())) for lane in line._lanes)
