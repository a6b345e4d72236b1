"""Servers that are silent, slow or lossy: the waits for them overlap, and no answers are lost."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gonemaster_engine.context import RunContext
from gonemaster_engine.net.query import GIVEN_UP, Query, QueryOutcome, Timing
from gonemaster_engine.net.transport import Transport
from gonemaster_engine.net.wire.messages import query_body
from gonemaster_engine.resources import Resources
from gonemaster_engine.run.run import run_test
from gonemaster_engine.run.slots import CaseSlots
from tests.engine.run.test_run import PATIENT, PROFILE, QUICK, in_loop, run, tags
from tests.support.case_runs import A1, A2, example_world
from tests.support.dnsworld import Exchange, World, faults
from tests.support.engine import in_run

LIMIT_S = 60.0
TLD1, TLD2 = "127.8.1.1", "127.8.2.1"
LATE = "127.9.3.1"
MANY = {f"ns{number}.example.xa": f"127.9.{number}.1" for number in range(1, 21)}


async def until(condition: Callable[[], bool]) -> None:
    """Wait in a separate thread for queries to reach the servers."""
    async with asyncio.timeout(LIMIT_S):
        while not condition():  # noqa: ASYNC110 - there is no notification
            await asyncio.sleep(0.02)


def run_until(world: World, tmp_path: Path, condition: Callable[[], bool], **options: Any) -> None:
    """Test example.xa with servers that have a very long timeout, and end the run when the condition is true."""

    async def work(resources: Resources) -> None:
        task = asyncio.ensure_future(run_test("example.xa", **{"profile": PATIENT, **options}, resources=resources))
        await until(condition)
        task.cancel()
        await asyncio.wait([task])

    with world:
        in_loop(world, tmp_path, work)


def test_cases_that_wait_do_not_count_any_more() -> None:
    async def work(slots: CaseSlots, begun: list[int], number: int, until: asyncio.Event) -> None:
        async with slots.one():
            begun.append(number)
            if len(begun) == 5:
                until.set()
            await until.wait()

    async def whole() -> list[int]:
        slots, begun, until = CaseSlots(2), list[int](), asyncio.Event()
        async with asyncio.timeout(30):
            await asyncio.gather(*(work(slots, begun, number, until) for number in range(5)))
        return begun

    assert asyncio.run(whole()) == list(range(5))


def test_one_case_at_a_time_means_one() -> None:
    async def whole() -> bool:
        slots, second = CaseSlots(1), asyncio.Event()

        async def follow() -> None:
            async with slots.one():
                second.set()

        async with slots.one():
            follower = asyncio.ensure_future(follow())
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(second.wait(), 1.0)
        await follower
        return second.is_set()

    assert asyncio.run(whole())


def test_other_cases_begin_while_basic_waits_for_a_silent_server(tmp_path: Path) -> None:
    world = example_world()
    world.server(A1).fault(faults.silence())
    progress: list[int] = []
    run_until(world, tmp_path, lambda: max(progress, default=0) > 5, on_progress=progress.append)  # per cent


def test_cases_in_order_begin_after_basic(tmp_path: Path) -> None:
    world = example_world()
    world.server(A1).fault(faults.silence())
    profile = PATIENT.merge({"resolver": {"defaults": {"unordered": False}}})
    result = run(world, tmp_path, profile=profile, deadline_s=2)
    assert {"basic02", "syntax01"} <= set(result.unfinished)


def test_addresses_are_asked_for_while_the_ns_set_is_not_known_of_all(tmp_path: Path) -> None:
    """One of twenty servers does not answer the NS query; meanwhile all servers get other queries."""
    world = example_world(ns=MANY)
    world.server(A1).fault(faults.silence(), qtype="NS")
    world.server(LATE).fault(faults.delay(1.0))
    expected = [(address, name, rtype) for address in (A1, A2, LATE) for name in MANY for rtype in ("A", "AAAA")]
    run_until(world, tmp_path, lambda: all(world.server(where).asked(name, rtype) for where, name, rtype in expected))
    assert all(len(world.server(where).asked(name, rtype)) == 1 for where, name, rtype in expected)


def test_who_never_answered_is_not_asked_ahead(tmp_path: Path) -> None:
    world = example_world()
    world.server(A1).fault(faults.silence())
    run_until(world, tmp_path, lambda: bool(world.server(A2).asked("ns1.example.xa", "AAAA")))
    assert world.server(A1).asked("ns1.example.xa") == []


def test_slow_server_of_the_parent_is_asked_ahead(tmp_path: Path) -> None:
    world = example_world()
    world.server(TLD1).fault(faults.silence(), qname="xa", qtype="SOA")
    run_until(world, tmp_path, lambda: bool(world.server(TLD1).asked("example.xa", "NS")))
    assert len(world.server(TLD1).asked("example.xa", "SOA")) == 1
    assert world.server(TLD2).asked("example.xa", "NS") == []  # the server's turn comes after the walk


def test_small_response_is_requested_if_a_large_one_is_lost(tmp_path: Path) -> None:
    world = example_world()
    large = faults.silence()
    world.server(A1).fault(large, qtype="DNSKEY", when=lambda seen: bool(seen.query and seen.query.payload > 512))
    run_until(
        world, tmp_path, lambda: len(world.server(A1).asked("example.xa", "DNSKEY")) > 1, tests=["connectivity05"]
    )
    assert [query.payload for query in world.server(A1).asked("example.xa", "DNSKEY")] == [1232, 512]
    assert [query.payload for query in world.server(A2).asked("example.xa", "DNSKEY")] == [1232]


def test_each_server_is_asked_with_unknown_edns_for_itself(tmp_path: Path) -> None:
    world = example_world()
    world.server(A1).fault(faults.silence(), edns=True)
    log = world.server(A2).log
    run_until(
        world,
        tmp_path,
        lambda: any(query.edns == 1 for query in log) and any(137 in query.options for query in log),
        tests=["nameserver10", "nameserver11"],
    )


def test_way_over_udp_is_given_up_with_and_without_edns(tmp_path: Path) -> None:
    """A server that answers only over TCP gets three concurrent queries over UDP, and no more."""
    world = example_world()
    world.server(A1).fault(faults.silence(), transport="udp")
    result = run(world, tmp_path, profile=QUICK)
    asked = world.server(A1).log
    assert len([query for query in asked if query.transport == "udp"]) <= 3 + 4
    assert "CN01_NO_RESPONSE_UDP" in tags(result)
    assert not [tag for tag in tags(result) if tag.startswith("CN02_NO_RESPONSE")]
    assert "RUN_LIMIT_REACHED" not in tags(result)


def test_server_whose_tcp_hangs_gets_no_more_connections(tmp_path: Path) -> None:
    """Each of its responses over UDP is truncated, but over TCP it accepts connections and sends nothing."""
    world = example_world(ns=MANY)
    for address in list(MANY.values())[:9]:
        world.server(address).fault(faults.truncated(), transport="udp").fault(faults.silence(), transport="tcp")
    result = run(world, tmp_path, profile=QUICK)
    begun = {query.name for query in world.server(A1).log if query.transport == "tcp"}
    # only the queries in flight at the third timeout; the test cases, which come later, send none
    assert not begun & {query.name for query in world.server(A1).asked("www.example.xa")}
    assert not [query for query in world.server(A1).log if query.transport == "tcp" and query.edns is not None]
    assert result.unfinished == []


def test_query_that_is_given_up_leaves_its_connection_to_others() -> None:
    world = example_world()
    world.server(A1).fault(faults.silence())
    timing = Timing(timeout_s=600.0, retrans_s=600.0, tries=1)
    qname = b"\x07example\x02xa\x00"

    async def whole() -> tuple[list[QueryOutcome], QueryOutcome]:
        transport, slots, loop = Transport(port=world.port), asyncio.Semaphore(1), asyncio.get_running_loop()

        def ask(address: str) -> tuple[Query, asyncio.Future[QueryOutcome]]:
            outcome: asyncio.Future[QueryOutcome] = loop.create_future()
            body = query_body(qname, 6, 1, 0, None)
            query = Query(address, body, timing, outcome.set_result, question_octets=len(qname) + 4, tcp_slots=slots)
            transport.send_tcp(query)
            return query, outcome

        silent = [ask(A1) for _ in range(3)]
        _, answered = ask(A2)
        await until(lambda: bool(world.server(A1).log))  # the first has arrived, the others wait for its connection
        for query, _ in silent:
            query.give_up()
        async with asyncio.timeout(30):
            outcomes = [await outcome for _, outcome in silent], await answered
        await transport.close()
        return outcomes

    with world:
        given_up, answered = asyncio.run(whole())
    assert given_up == [QueryOutcome(None, GIVEN_UP)] * 3
    assert answered.response is not None
    assert len(world.server(A1).log) == 1


@pytest.mark.parametrize("has_answered", [False, True], ids=["never answered", "has answered"])
def test_who_serves_the_zone_is_asked_all_at_once(has_answered: bool) -> None:
    """Beyond the earned credit: forty queries of two packets each, after one answer, which earns eight packets."""
    world = example_world()
    if has_answered:
        world.server(A1).fault(faults.silence(), below="www.example.xa")
    else:
        world.server(A1).fault(faults.silence())

    async def work(context: RunContext) -> int:
        context.budget.add_delegated([A1])
        server = context.nameserver("ns1.example.xa", A1)
        first = server.query("example.xa", "SOA")
        if has_answered:
            await first
        for number in range(40):
            server.query(f"n{number}.www.example.xa", "A")
        await until(lambda: len(world.server(A1).log) >= most)
        await context.nameserver("ns2.example.xa", A2).query("example.xa", "SOA")  # enough time for one query too many
        return len(world.server(A1).log)

    # one answered query; it earns 8 packets and took one of them; silence allows 60 more: 67 / 2 queries
    most = 1 + 33 if has_answered else 4
    with world:
        assert in_run(world, work, retry=2, retrans_s=300, timeout_s=300) == most


def loses_each_first_packet(world: World) -> World:
    """Let two servers drop every query once."""
    for address in (A1, A2):
        seen: set[bytes] = set()

        def is_new(exchange: Exchange, seen: set[bytes] = seen) -> bool:
            is_first = exchange.wire not in seen
            seen.add(exchange.wire)
            return is_first

        world.server(address).fault(faults.silence(), transport="udp", when=is_new)
    return world


def test_servers_that_drop_every_second_packet_are_judged_as_answering(tmp_path: Path) -> None:
    profile = PROFILE.merge({"resolver": {"defaults": {"retry": 5, "retrans": 1, "timeout": 5}}})
    lossy = run(loses_each_first_packet(example_world(signed=True)), tmp_path, profile=profile)
    good = run(example_world(signed=True), tmp_path, profile=profile)
    assert sorted(tags(lossy)) == sorted(tags(good))
