"""Packets from hostile servers end as "no usable answer" in time, raise no exception and are not trusted."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import dns.message
import dns.rdatatype
import dns.rrset
import pytest

from gonemaster_engine.context import RunContext
from gonemaster_engine.net.wire.messages import Edns, Response
from gonemaster_engine.resolver.recursor import Recursor, Resolution
from tests.support.dnsworld import Fault, Server, World, faults
from tests.support.engine import in_run
from tests.support.work import at_most_lines

HOST, OTHER = "127.9.1.1", "127.9.1.2"
SHORT_S = 0.25  # the time limit of tests in which no limit is reached
LINES_OF_A_RESOLUTION = 50_000  # of Python


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    world = World()
    world.zone("xa", ns={"ns1.nic.xa": "127.9.0.1"})
    text = " ".join(['"' + "x" * 250 + '"'] * 6)
    records = f"www A 192.0.2.1\nlarge TXT {text}"
    world.zone("example.xa", ns={"ns1.example.xa": HOST, "ns2.example.xa": OTHER}, records=records, axfr=True)
    world.server("127.9.2.1")
    with world:
        yield world


@pytest.fixture
def server(world: World) -> Iterator[Server]:
    yield world.server(HOST)
    for one in world.servers.values():
        one.heal()


def ask(
    world: World, qname: str = "www.example.xa", qtype: str = "A", *, timeout_s: float = 5.0, **options: object
) -> Response | None:
    async def work(context: RunContext) -> Response | None:
        return await context.nameserver("ns1.example.xa", HOST).query(qname, qtype, **options)  # type: ignore[arg-type]

    return in_run(world, work, timeout_s=timeout_s)


def is_correct(response: Response | None) -> bool:
    return response is not None and [record.address for record in response.records("A")] == ["192.0.2.1"]


@pytest.mark.parametrize("tcp", [False, True], ids=["udp", "tcp"])
def test_right_answer_is_taken(world: World, tcp: bool) -> None:
    assert is_correct(ask(world, tcp=tcp))


UNUSABLE = {
    "silence": faults.silence(),
    "too late": faults.delay(4 * SHORT_S),
    "wrong id": faults.wrong_id(),
    "other question": faults.other_question("www.example.net"),
    "other type": faults.other_question("www.example.xa", "AAAA"),
    "the query itself": faults.echo(),
    "less than a header": faults.cut(11),
    "half a packet": faults.cut(),
    "pointer loop": faults.pointer_loop(),
    "noise": faults.random_octets(300),
    "noise under another id": faults.random_octets(300, keep_id=False),
    "nothing": faults.cut(0),
    "other opcode": faults.on_wire(lambda wire: wire[:2] + bytes((wire[2] | 0x28,)) + wire[3:]),
}


@pytest.mark.parametrize("tcp", [False, True], ids=["udp", "tcp"])
@pytest.mark.parametrize("name", UNUSABLE)
def test_unusable_answer_is_none_in_time(world: World, server: Server, name: str, tcp: bool) -> None:
    server.fault(UNUSABLE[name])
    assert ask(world, tcp=tcp, timeout_s=SHORT_S) is None


def test_answer_from_another_address_is_ignored(world: World, server: Server) -> None:
    server.fault(faults.from_address(OTHER))
    assert ask(world, timeout_s=SHORT_S) is None


def test_answer_from_another_address_is_taken_when_asked_for(world: World, server: Server) -> None:
    server.fault(faults.from_address(OTHER))
    response = ask(world, any_source=True)
    assert is_correct(response)
    assert response is not None
    assert response.source == OTHER


FORGED: dict[str, Fault] = {
    "wrong id": faults.wrong_id(),
    "other question": faults.other_question("www.example.net"),
    "other source": lambda reply: faults.from_address(OTHER)(faults.answers(answer="")(reply) or reply),
    "echo": faults.echo(),
    "short": faults.cut(5),
}


@pytest.mark.parametrize("name", FORGED)
def test_forged_answer_does_not_hide_the_right_one(world: World, server: Server, name: str) -> None:
    server.fault(faults.after(FORGED[name]))
    assert is_correct(ask(world))


def test_question_of_a_type_that_differs_in_one_bit_is_ignored(world: World, server: Server) -> None:
    """Types 65 and 97 differ like an upper-case and a lower-case letter."""
    server.fault(faults.other_question("www.example.xa", "TYPE97"))
    assert ask(world, qtype="HTTPS", timeout_s=SHORT_S) is None


def test_case_of_the_question_may_change(world: World, server: Server) -> None:
    server.fault(faults.upper_case())
    assert is_correct(ask(world))


@pytest.mark.parametrize("tcp", [False, True], ids=["udp", "tcp"])
@pytest.mark.parametrize("rcode", ["FORMERR", "SERVFAIL", "NOTIMP", "REFUSED", "BADVERS"])
def test_error_without_question_is_taken(world: World, server: Server, rcode: str, tcp: bool) -> None:
    server.fault(faults.rcode(rcode)).fault(faults.no_question())
    response = ask(world, tcp=tcp, edns=Edns())
    assert response is not None
    assert response.rcode == rcode


@pytest.mark.parametrize("tcp", [False, True], ids=["udp", "tcp"])
@pytest.mark.parametrize("rcode", ["NOERROR", "NXDOMAIN"])
def test_other_answer_without_question_is_not_taken(world: World, server: Server, rcode: str, tcp: bool) -> None:
    server.fault(faults.rcode(rcode)).fault(faults.no_question())
    assert ask(world, timeout_s=SHORT_S, tcp=tcp) is None


def test_data_without_question_are_not_taken(world: World, server: Server) -> None:
    server.fault(faults.no_question())
    assert ask(world, timeout_s=SHORT_S) is None


def test_slow_tcp_ends_by_the_timeout(world: World, server: Server) -> None:
    """Each octet arrives in time, but the whole answer does not: a timeout per read would accept it."""
    server.fault(faults.drip(SHORT_S / 10), transport="tcp")
    assert ask(world, tcp=True, timeout_s=SHORT_S) is None
    assert is_correct(ask(world, tcp=True, timeout_s=40 * SHORT_S))


@pytest.mark.parametrize("length", [0, 1, 11, 65535])
def test_wrong_tcp_length_is_no_answer(world: World, server: Server, length: int) -> None:
    server.fault(faults.tcp_length(length), transport="tcp")
    assert ask(world, tcp=True, timeout_s=SHORT_S) is None


def test_closed_connection_is_no_answer(world: World, server: Server) -> None:
    server.fault(faults.hang_up(), transport="tcp")
    assert ask(world, tcp=True) is None


def test_truncated_answer_is_asked_again_over_tcp(world: World) -> None:
    response = ask(world, "large.example.xa", "TXT")
    assert response is not None
    assert response.over_tcp
    assert not response.tc
    assert len(response.records("TXT")) == 1


@pytest.mark.parametrize(
    "fault", [faults.silence(), faults.hang_up(), faults.random_octets()], ids=["silence", "hang up", "noise"]
)
def test_truncated_answer_stands_where_tcp_fails(world: World, server: Server, fault: Fault) -> None:
    server.fault(fault, transport="tcp")
    response = ask(world, "large.example.xa", "TXT", timeout_s=4 * SHORT_S)
    assert response is not None
    assert response.tc


def test_truncation_over_tcp_is_not_asked_again(world: World, server: Server) -> None:
    server.fault(faults.truncated())
    before = len(server.log)
    response = ask(world)
    assert response is not None
    assert [query.transport for query in server.log[before:]] == ["udp", "tcp"]


def test_transfer_that_never_ends_gives_its_first_message(world: World, server: Server) -> None:
    def endless(query: dns.message.Message, wire: bytes, transport: str) -> dns.message.Message:
        response = dns.message.make_response(query)
        response.answer = [dns.rrset.from_text("example.xa.", 60, "IN", "TXT", '"never a SOA"')]
        return response

    def repeated(reply: faults.Reply) -> faults.Reply | None:
        made = faults.scripted(endless)(reply)
        if made is not None:
            made.wires = made.octets() * 500
        return made

    server.fault(repeated, qtype="AXFR")
    response = ask(world, "example.xa", "AXFR", tcp=True)
    assert response is not None
    assert len(response.answer) == 1


def test_noise_in_many_answers_raises_nothing(world: World, server: Server) -> None:
    """Three hundred answers with changed octets: each query ends, with an answer or without one."""
    server.fault(faults.flipped_octets(3, seed=7))

    async def work(context: RunContext) -> list[Response | None]:
        nameserver = context.nameserver("ns1.example.xa", HOST)
        asked = [nameserver.query(f"n{i}.example.xa", "NS", dnssec=i % 2 == 0, tcp=i % 3 == 0) for i in range(300)]
        return [await answer for answer in asked]

    responses = in_run(world, work, timeout_s=1.0, fast_fail_timeout_count=0)
    assert len(responses) == 300
    assert any(response is None for response in responses)
    assert any(response is not None for response in responses)


# Resolution in circles


def resolve(world: World, qname: str = "www.example.xa", qtype: str = "A", *, timeout_s: float = 3.0) -> Resolution:
    async def work(context: RunContext) -> Resolution:
        return await Recursor(context).resolve(qname, qtype)

    return in_run(world, work, zone="tested.xa", timeout_s=timeout_s)


def sent(world: World) -> int:
    return sum(len(server.log) for server in world.servers.values())


def test_right_resolution_needs_one_question_per_zone(world: World) -> None:
    before = sent(world)
    assert [record.address for record in resolve(world).records("A")] == ["192.0.2.1"]
    assert sent(world) - before == 3


LOOPS = {
    "alias to itself": faults.alias("www.example.xa."),
    "fresh aliases for ever": faults.endless_alias("example.xa"),
    "two aliases of one name": faults.answers(
        answer="www.example.xa. 60 IN CNAME a.example.xa.\nwww.example.xa. 60 IN CNAME b.example.xa."
    ),
    "hundred aliases in one answer": faults.answers(
        answer="www.example.xa. 60 IN CNAME a0.example.xa.\n"
        + "".join(f"a{i}.example.xa. 60 IN CNAME a{i + 1}.example.xa.\n" for i in range(100))
    ),
    "referral to itself": faults.refer("example.xa.", {"ns1.example.xa.": HOST}),
    "referral upwards": faults.refer_upward(),
    "referral to the parent": faults.refer("xa.", {"ns1.nic.xa.": "127.9.0.1"}),
    "referral aside": faults.refer("other.xa.", {"ns1.other.xa.": HOST}),
    "referral without servers": faults.refer("www.example.xa.", {}),
    "referral to unknown names": faults.refer("www.example.xa.", {"ns1.www.example.xa.": ()}),
    "noise": faults.random_octets(),
    "refusal": faults.rcode("REFUSED"),
    "emptiness": faults.empty_answer(),
}


@pytest.mark.parametrize("name", LOOPS)
def test_resolution_led_astray_ends_without_data(world: World, server: Server, name: str) -> None:
    for address in (HOST, OTHER):
        world.server(address).fault(LOOPS[name], below="example.xa")
    before = sent(world)
    assert not resolve(world, timeout_s=4 * SHORT_S).records("A")
    assert sent(world) - before < 100


def test_zones_that_wait_for_each_other_end() -> None:
    world = World()
    world.zone("a.xa", ns={"ns1.b.xa": ()})
    world.zone("b.xa", ns={"ns1.a.xa": ()})
    with world:
        assert not resolve(world, "www.a.xa").records("A")
        assert sent(world) < 50


def deeper_and_deeper(query: dns.message.Message, wire: bytes, transport: str) -> dns.message.Message:
    """Refer every query one label down, to the same server."""
    response = dns.message.make_response(query)
    name = query.question[0].name
    depth = min(len(name.labels), 4 + counted["referrals"])
    counted["referrals"] += 1
    zone = dns.name.Name(name.labels[-depth:])
    response.authority = [dns.rrset.from_text(zone, 60, "IN", "NS", f"ns1.{zone}")]
    response.additional = [dns.rrset.from_text(f"ns1.{zone}", 60, "IN", "A", HOST)]
    return response


counted = {"referrals": 0}


def test_referral_at_every_label_ends(world: World, server: Server) -> None:
    counted["referrals"] = 0
    server.fault(faults.scripted(deeper_and_deeper), below="example.xa")
    world.server(OTHER).fault(faults.scripted(deeper_and_deeper), below="example.xa")
    before = sent(world)
    qname = ".".join("x" for _ in range(100)) + ".example.xa"
    assert not resolve(world, qname).records("A")
    assert sent(world) - before < 60


def many_servers_without_addresses(query: dns.message.Message, wire: bytes, transport: str) -> dns.message.Message:
    """Refer every query to ten servers in new zones without known addresses (NXNSAttack)."""
    response = dns.message.make_response(query)
    name = query.question[0].name
    counted["referrals"] += 1
    names = [f"ns.z{counted['referrals']}x{i}.example.xa." for i in range(10)]
    response.authority = [dns.rrset.from_text(name, 60, "IN", "NS", *names)]
    return response


def test_servers_that_multiply_do_not_multiply_the_work(world: World, server: Server) -> None:
    counted["referrals"] = 0
    for address in (HOST, OTHER):
        world.server(address).fault(faults.scripted(many_servers_without_addresses), below="example.xa")
    before = sent(world)
    assert not resolve(world).records("A")
    assert sent(world) - before < 500


def test_clique_of_zones_without_addresses_ends() -> None:
    """No server of the ten zones can be queried: their names lie in each other's zones, in nearly every order."""
    world = World()
    zones = [f"z{i}.xa" for i in range(10)]
    for zone in zones:
        world.zone(zone, ns=[f"ns.{other}" for other in zones if other != zone])

    async def work(context: RunContext) -> None:
        recursor = Recursor(context)
        for zone in zones:
            await recursor.resolve(zone, "SOA")
        with at_most_lines(LINES_OF_A_RESOLUTION):
            resolution = await recursor.resolve("www.z1.xa", "A")
        assert not resolution.records("A")

    with world:
        in_run(world, work, zone="tested.xa")


def test_dead_server_does_not_hide_one_that_must_be_looked_up() -> None:
    world = World()
    world.zone("dead.xa", ns={"ns1.dead.xa": "127.9.3.1"})
    world.zone("working.xa", ns={"ns1.working.xa": "127.9.3.2"})
    world.zone("far.xa", ns={"ns1.dead.xa": (), "ns1.working.xa": ()}, records="www A 192.0.2.9").on("127.9.3.2")
    world.server("127.9.3.1").fault(faults.silence(), below="far.xa")
    with world:
        assert [record.address for record in resolve(world, "www.far.xa", timeout_s=4 * SHORT_S).records("A")] == [
            "192.0.2.9"
        ]


def test_resolution_can_be_canceled_at_once(world: World, server: Server) -> None:
    asked = threading.Event()
    for address in (HOST, OTHER):
        world.server(address).fault(faults.scripted(lambda *_: asked.set()))

    async def work(context: RunContext) -> None:
        task = context.start(Recursor(context).resolve("www.example.xa", "A"))
        await asyncio.to_thread(asked.wait)
        await context.close()
        assert task.cancelled()

    in_run(world, work, timeout_s=600.0)  # longer than the limit of `in_run`
