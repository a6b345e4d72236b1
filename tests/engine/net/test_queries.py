"""Each query is sent once, is unpredictable, is retransmitted after a loss, and does not go to dead servers."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Iterator, Sequence

import dns.flags
import pytest

from gonemaster_engine.context import RunContext
from gonemaster_engine.net.server.nameserver import Nameserver, query_all
from gonemaster_engine.net.transport import Timing
from gonemaster_engine.net.wire.messages import Edns, Response
from gonemaster_engine.resolver.recursor import Recursor
from tests.support.dnsworld import LoggedQuery, Server, World, faults
from tests.support.dnsworld.faults import Reply
from tests.support.engine import in_run

HOST, OTHER, CLOSED = "127.9.1.1", "127.9.1.2", "127.9.1.3"
NEVER_S = 600.0  # a query that waits so long fails by the limit of `in_run`


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    world = World()
    world.zone("xa", ns={"ns1.nic.xa": "127.9.0.1"})
    world.zone("example.xa", ns={"ns1.example.xa": HOST, "ns2.example.xa": OTHER}, records="www A 192.0.2.1")
    world.server(CLOSED).set(udp=False, tcp=False)
    with world:
        yield world


@pytest.fixture
def server(world: World) -> Iterator[Server]:
    server = world.server(HOST)
    server.log.clear()
    yield server
    server.heal()


def with_server(
    world: World, work: Callable[[Nameserver], Awaitable[object]], *, address: str = HOST, **settings: object
) -> RunContext:
    """Let `work` query one server in a run; return the context of the finished run."""

    async def whole(context: RunContext) -> RunContext:
        await work(context.nameserver("ns1.example.xa", address))
        return context

    return in_run(world, whole, **settings)  # type: ignore[arg-type] # fields of Profile


def test_question_has_do_and_a_safe_size(world: World, server: Server) -> None:
    with_server(world, lambda one: one.query("www.example.xa", "A", dnssec=True))
    (query,) = server.log
    assert (query.edns, query.payload, query.dnssec_ok) == (0, 1232, True)
    assert not query.flags & dns.flags.RD


def test_question_is_as_it_was_asked_for(world: World, server: Server) -> None:
    edns = Edns(version=1, payload=4096, z=0x4000, options=((65001, b"abc"),))
    with_server(world, lambda one: one.query("example.xa", "SOA", edns=edns, rd=True, cd=True, ad=True, tcp=True))
    (query,) = server.log
    assert (query.transport, query.edns, query.payload, query.options) == ("tcp", 1, 4096, (65001,))
    assert query.flags & (dns.flags.RD | dns.flags.CD | dns.flags.AD) == dns.flags.RD | dns.flags.CD | dns.flags.AD


def test_spelling_of_the_name_is_kept(world: World, server: Server) -> None:
    spelled = b"\x03wWw\x07ExAmPlE\x02xA\x00"
    with_server(world, lambda one: one.query("www.example.xa", "A", qname_octets=spelled))
    (query,) = server.log
    assert query.wire[12 : 12 + len(spelled)] == spelled


def test_same_question_is_sent_once(world: World, server: Server) -> None:
    async def work(one: Nameserver) -> None:
        asked = [one.query("www.example.xa", "A") for _ in range(10)]
        responses = [await answer for answer in asked]
        responses.append(await one.query("www.example.xa", "A"))
        assert len({id(response) for response in responses}) == 1

    with_server(world, work)
    assert len(server.log) == 1


def test_other_run_asks_again(world: World, server: Server) -> None:
    for _ in range(2):
        with_server(world, lambda one: one.query("www.example.xa", "A"))
    assert len(server.log) == 2


def many(world: World, server: Server) -> Sequence[LoggedQuery]:
    async def work(one: Nameserver) -> None:
        for answer in [one.query(f"n{i}.example.xa", "A") for i in range(200)]:
            assert await answer is not None

    with_server(world, work)
    return list(server.log)


def test_ids_and_ports_are_hard_to_guess(world: World, server: Server) -> None:
    queries = many(world, server)
    ids = [query.id for query in queries]
    assert len(set(ids)) > 190
    assert sum(second - first in range(1, 3) for first, second in itertools.pairwise(ids)) < 10
    assert len({query.peer[1] for query in queries}) >= 4


def test_lost_question_is_sent_again(world: World, server: Server) -> None:
    server.fault(faults.silence(), nth=1)
    responses: list[Response | None] = []

    async def work(one: Nameserver) -> None:
        responses.append(await one.query("www.example.xa", "A"))

    with_server(world, work, retry=2, retrans_s=0.1, timeout_s=3.0)
    assert responses[0] is not None
    assert len(server.log) == 2


def test_lost_question_to_a_server_that_answers_soon_is_sent_again_soon(world: World, server: Server) -> None:
    server.fault(faults.silence(), qtype="TXT", nth=1)

    async def work(one: Nameserver) -> None:
        assert await one.query("www.example.xa", "A")
        assert await one.query("www.example.xa", "TXT")

    with_server(world, work, retry=2, retrans_s=NEVER_S, timeout_s=NEVER_S)
    assert len(server.log) == 3


@pytest.mark.parametrize("tries", [1, 2, 3])
@pytest.mark.parametrize("early_s", [None, 1.5, 9.0])
def test_transmissions_are_waited_for_as_long_together(tries: int, early_s: float | None) -> None:
    timing = Timing(timeout_s=5.0, retrans_s=3.0, tries=tries, early_s=early_s)
    waits = [timing.wait_s(tries_left=left) for left in reversed(range(tries))]
    assert sum(waits) == 3.0 * tries
    assert waits[0] == (1.5 if tries > 1 and early_s == 1.5 else 3.0)


def test_queries_wait_while_others_show_whether_their_way_leads_anywhere(world: World, server: Server) -> None:
    server.fault(faults.silence(), edns=True)

    async def work(one: Nameserver) -> None:
        assert await one.query("n0.example.xa", "A", dnssec=True) is None
        asked = [one.query(f"n{number}.example.xa", "A", dnssec=True) for number in range(1, 6)]
        assert await one.query("www.example.xa", "A")
        assert [await answer for answer in asked] == [None] * 5

    with_server(world, work, retry=1, retrans_s=0.2, timeout_s=0.2, fast_fail_timeout_count=3)
    assert sum(query.edns == 0 for query in server.log) == 3


def test_queries_that_waited_for_others_are_sent_after_an_answer(world: World, server: Server) -> None:
    server.fault(faults.silence(), qname="n0.example.xa")

    async def work(one: Nameserver) -> None:
        assert await one.query("n0.example.xa", "A", dnssec=True) is None
        for answer in [one.query(f"n{number}.example.xa", "A", dnssec=True) for number in range(1, 6)]:
            assert await answer

    with_server(world, work, retry=2, retrans_s=1.5, timeout_s=1.5, fast_fail_timeout_count=3)
    assert {str(query.name) for query in server.log} == {f"n{number}.example.xa." for number in range(6)}


def test_silent_server_is_asked_as_often_as_the_profile_says(world: World, server: Server) -> None:
    server.fault(faults.silence())
    with_server(world, lambda one: one.query("www.example.xa", "A"), retry=3, retrans_s=0.1, timeout_s=0.1)
    assert len(server.log) == 3


def test_silent_server_is_given_up(world: World, server: Server) -> None:
    server.fault(faults.silence())

    async def work(one: Nameserver) -> None:
        for i in range(5):
            assert await one.query(f"n{i}.example.xa", "A") is None

    with_server(world, work, timeout_s=0.1, fast_fail_timeout_count=2)
    assert len(server.log) == 2


def test_queries_under_way_end_with_the_server_that_is_given_up(world: World, server: Server) -> None:
    server.fault(faults.silence())

    async def work(one: Nameserver) -> None:
        queries = [one.query(f"n{i}.example.xa", "A") for i in range(3)]
        assert [await query for query in queries] == [None] * 3
        assert one.server.health.timeouts == 2

    with_server(world, work, timeout_s=0.2, fast_fail_timeout_count=2)
    assert len(server.log) == 3


def test_server_silent_over_udp_is_still_asked_over_tcp(world: World, server: Server) -> None:
    server.fault(faults.silence(), transport="udp")

    async def work(one: Nameserver) -> None:
        for i in range(4):
            assert await one.query(f"n{i}.example.xa", "A") is None
        assert await one.query("www.example.xa", "A", tcp=True)

    with_server(world, work, timeout_s=0.1, fast_fail_timeout_count=2)
    assert [query.transport for query in server.log] == ["udp", "udp", "tcp"]


def test_answer_from_elsewhere_is_awaited_though_none_came_from_the_server(world: World, server: Server) -> None:
    server.fault(faults.from_address("127.9.9.9"), transport="udp")

    async def work(one: Nameserver) -> None:
        for i in range(4):
            assert await one.query(f"n{i}.example.xa", "A") is None
        response = await one.query("www.example.xa", "A", any_source=True)
        assert response
        assert response.source == "127.9.9.9"

    with_server(world, work, timeout_s=0.1, fast_fail_timeout_count=2)


def test_answer_to_the_question_from_any_source_is_one_to_the_question_itself(world: World, server: Server) -> None:
    """A server that loses packets has answered over UDP; a further packet could be lost, too."""
    packets = itertools.count()
    server.fault(lambda reply: reply if next(packets) == 1 else None)

    async def work(one: Nameserver) -> None:
        lost = one.query("www.example.xa", "A")
        while not server.log:  # noqa: ASYNC110 - the log is filled by a thread
            await asyncio.sleep(0.01)
        found = await one.query("www.example.xa", "A", any_source=True)
        assert found
        assert await lost is found

    with_server(world, work, timeout_s=NEVER_S)


def test_answer_from_elsewhere_is_none_to_the_question_itself(world: World, server: Server) -> None:
    packets = itertools.count()
    server.fault(lambda reply: faults.from_address("127.9.9.9")(reply) if next(packets) == 1 else None)

    async def work(one: Nameserver) -> None:
        lost = one.query("www.example.xa", "A")
        while not server.log:  # noqa: ASYNC110 - the log is filled by a thread
            await asyncio.sleep(0.01)
        assert await one.query("www.example.xa", "A", any_source=True)
        assert await lost is None

    with_server(world, work, timeout_s=0.5)


@pytest.mark.parametrize(("source", "asked"), [("127.9.9.9", 4), (HOST, 9)])
def test_server_that_answers_from_elsewhere_is_given_up_with_edns_too(
    world: World, server: Server, source: str, asked: int
) -> None:
    server.fault(lambda reply: faults.from_address(source)(reply) if b"seen" in reply.exchange.wire else None)

    async def work(one: Nameserver) -> None:
        assert await one.query("seen.example.xa", "A", any_source=True)
        for number in range(3):
            assert await one.query(f"n{number}.example.xa", "A") is None
        assert await one.query("n9.example.xa", "A", dnssec=True) is None

    with_server(world, work, retry=1, retrans_s=0.2, timeout_s=0.2, fast_fail_timeout_count=3)
    assert len(server.log) == asked


def test_server_silent_over_udp_and_tcp_is_given_up_for_both(world: World, server: Server) -> None:
    server.fault(faults.silence())

    async def work(one: Nameserver) -> None:
        for i in range(4):
            assert await one.query(f"n{i}.example.xa", "A") is None
            assert await one.query(f"n{i}.example.xa", "A", tcp=True) is None

    with_server(world, work, timeout_s=0.1, fast_fail_timeout_count=2)
    assert [query.transport for query in server.log] == ["udp", "tcp"]


def test_server_that_has_answered_is_not_given_up(world: World, server: Server) -> None:
    server.fault(faults.silence(), qtype="TXT")

    async def work(one: Nameserver) -> None:
        assert await one.query("www.example.xa", "A")
        for i in range(4):
            assert await one.query(f"n{i}.example.xa", "TXT") is None
        assert await one.query("www.example.xa", "AAAA")

    context = with_server(world, work, timeout_s=0.4, fast_fail_timeout_count=2)
    assert len(server.log) == 6 + context.repeated_packets
    # attempts for the first name; after them the server counts as silent for the type
    assert context.repeated_packets == 4


@pytest.mark.parametrize("tcp", [False, True], ids=["udp", "tcp"])
def test_closed_port_ends_at_once(world: World, tcp: bool) -> None:
    with_server(world, lambda one: one.query("www.example.xa", "A", tcp=tcp), address=CLOSED, timeout_s=NEVER_S)


def test_address_outside_of_the_internet_is_not_asked(world: World, server: Server) -> None:
    context = with_server(world, lambda one: one.query("www.example.xa", "A"), allow_non_global_targets=False)
    assert not server.log
    context.log.add_deferred()
    (entry,) = context.log.entries
    assert (entry.tag, entry.args["address"]) == ("NON_GLOBAL_QUERY_BLOCKED", HOST)


def test_family_that_is_off_is_not_asked(world: World, server: Server) -> None:
    with_server(world, lambda one: one.query("www.example.xa", "A"), ipv4=False)
    assert not server.log


def test_queries_at_once_to_one_server_are_limited(world: World, server: Server) -> None:
    unanswered: list[Reply] = []
    counts: list[int] = []

    def count(reply: Reply) -> Reply:
        unanswered.append(reply)
        counts.append(len(unanswered))
        looks = iter([False] * 5 + [True])  # long enough for the other queries, if they are sent
        reply.may_go = lambda: next(looks) and not unanswered.remove(reply)  # type: ignore[func-returns-value]
        return reply

    server.fault(count)

    async def work(one: Nameserver) -> None:
        for answer in [one.query(f"n{i}.example.xa", "A") for i in range(6)]:
            assert await answer is not None

    with_server(world, work, nameserver_concurrency=2)
    assert max(counts) == 2


def test_all_servers_are_asked_at_once(world: World, server: Server) -> None:
    servers_of_zone = [world.server(address) for address in (HOST, OTHER)]
    for one in servers_of_zone:
        one.forget()
        one.fault(faults.hold(lambda: all(each.log for each in servers_of_zone)))

    async def work(context: RunContext) -> None:
        servers = [context.nameserver("ns1.example.xa", HOST), context.nameserver("ns2.example.xa", OTHER)]
        answers = await query_all(servers, "example.xa", "SOA")
        assert [one for one, response in answers if response] == servers

    in_run(world, work)
    world.server(OTHER).heal()


def test_glue_for_names_elsewhere_is_not_believed(world: World) -> None:
    """The servers of evil.xa return the address of a server of example.xa; it must not be queried."""
    evil = World()
    evil.zone("xa", ns={"ns1.nic.xa": "127.9.0.1"})
    evil.zone("evil.xa", ns={"ns1.evil.xa": "127.9.4.1"})
    evil.zone("example.xa", ns={"ns1.example.xa": HOST})
    trap = evil.server("127.9.66.6")
    referral = faults.refer("www.evil.xa.", {"ns1.example.xa.": trap.address})
    evil.server("127.9.4.1").fault(referral, below="www.evil.xa")

    async def work(context: RunContext) -> None:
        recursor = Recursor(context)
        await recursor.resolve("www.evil.xa", "A")
        assert await recursor.addresses("ns1.example.xa") == [HOST]

    with evil:
        in_run(evil, work, zone="tested.xa")
    assert not trap.log


def test_closed_port_fails_no_question_to_another_address(world: World, server: Server) -> None:
    """The ICMP error is queued at the socket that all queries share."""

    async def work(context: RunContext) -> list[bool]:
        closed, open_ = context.nameserver("ns3.example.xa", CLOSED), context.nameserver("ns1.example.xa", HOST)
        names = [f"host{number}.example.xa" for number in range(60)]  # more queries than sockets
        asked = [(closed.query(name, "A"), open_.query(name, "A")) for name in names]
        return [await lost is None and await answered is not None for lost, answered in asked]

    assert all(in_run(world, work))
