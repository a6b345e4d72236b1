"""Each scripted fault of the DNS world does what its name says, checked on raw sockets."""

from __future__ import annotations

import contextlib
import itertools
import socket
from collections.abc import Callable, Iterator

import dns.edns
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdatatype
import pytest

from tests.support.dnsworld import Fault, Server, World, faults

HOST, OTHER = "127.9.1.1", "127.9.1.2"
SHORT_S = 0.15


@pytest.fixture(scope="module")
def served() -> Iterator[World]:
    world = World()
    world.zone("example.xa", ns={"ns1.example.xa": HOST, "ns2.example.xa": OTHER}, records="www A 192.0.2.1")
    with world:
        yield world


@pytest.fixture
def server(served: World) -> Iterator[Server]:
    yield served.server(HOST)
    served.server(HOST).heal()


@pytest.fixture
def port(served: World) -> int:
    return served.port


def make_query(rdtype: str = "A", *, edns: bool = False) -> dns.message.Message:
    return dns.message.make_query("www.example.xa", rdtype, use_edns=0 if edns else None)


def exchange(port: int, wire: bytes, *, timeout_s: float = 3.0) -> bytes:
    """Send one datagram; return the response, from any address."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(timeout_s)
        client.sendto(wire, (HOST, port))
        return client.recv(65535)


def answered(port: int, *, rdtype: str = "A", edns: bool = False) -> dns.message.Message:
    return dns.query.udp(make_query(rdtype, edns=edns), HOST, timeout=3, port=port)


def is_silent(port: int, *, rdtype: str = "A", edns: bool = False) -> bool:
    try:
        exchange(port, make_query(rdtype, edns=edns).to_wire(), timeout_s=SHORT_S)
    except TimeoutError:
        return True
    return False


@contextlib.contextmanager
def connected(port: int, wire: bytes) -> Iterator[socket.socket]:
    with socket.create_connection((HOST, port), timeout=3) as client:
        client.sendall(len(wire).to_bytes(2) + wire)
        yield client


def read_all(client: socket.socket) -> bytes:
    received = b""
    while piece := client.recv(65535):
        received += piece
    return received


def test_silence(server: Server, port: int) -> None:
    server.fault(faults.silence())
    assert is_silent(port)
    with connected(port, make_query().to_wire()) as client:
        client.settimeout(SHORT_S)
        with pytest.raises(TimeoutError):
            client.recv(1)


def test_delay(server: Server, port: int) -> None:
    server.fault(faults.delay(1.0), qtype="A")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(10)
        for rdtype in ("A", "AAAA"):
            client.sendto(make_query(rdtype).to_wire(), (HOST, port))
        answers = [dns.message.from_wire(client.recv(65535)) for _ in range(2)]
    assert [dns.rdatatype.to_text(answer.question[0].rdtype) for answer in answers] == ["AAAA", "A"]


@pytest.mark.parametrize("tcp", [False, True], ids=["udp", "tcp"])
def test_hold(server: Server, port: int, tcp: bool) -> None:
    looks = itertools.count()
    server.fault(faults.hold(lambda: next(looks) >= 3))
    ask = dns.query.tcp if tcp else dns.query.udp
    assert ask(make_query(), HOST, timeout=10, port=port).answer
    assert next(looks) == 4


@pytest.mark.parametrize("code", ["REFUSED", "SERVFAIL", "FORMERR", "NOTIMP", "NXDOMAIN"])
def test_response_codes(server: Server, port: int, code: str) -> None:
    server.fault(faults.rcode(code))
    response = answered(port)
    assert dns.rcode.to_text(response.rcode()) == code
    assert not response.answer
    assert not response.flags & dns.flags.AA


@pytest.mark.parametrize(
    ("fault", "flag", "is_set"),
    [
        (faults.no_aa(), dns.flags.AA, False),
        (faults.recursive(), dns.flags.RA, True),
        (faults.truncated(), dns.flags.TC, True),
    ],
    ids=["no_aa", "recursive", "truncated"],
)
def test_flags(server: Server, port: int, fault: Fault, flag: dns.flags.Flag, is_set: bool) -> None:
    assert bool(answered(port).flags & flag) != is_set
    server.fault(fault)
    assert bool(answered(port).flags & flag) == is_set


def test_answer_without_edns(server: Server, port: int) -> None:
    assert answered(port, edns=True).edns == 0
    server.fault(faults.without_edns())
    assert answered(port, edns=True).edns == -1


def test_answer_with_other_edns(server: Server, port: int) -> None:
    server.fault(
        faults.edns(version=1, ednsflags=0x4000, options=[dns.edns.GenericOption(dns.edns.OptionType.NSID, b"x")])
    )
    response = answered(port, edns=True)
    assert (response.edns, response.ednsflags & 0xFFFF, len(response.options)) == (1, 0x4000, 1)


def test_empty_answer(server: Server, port: int) -> None:
    server.fault(faults.empty_answer())
    response = answered(port)
    assert response.flags & dns.flags.AA
    assert not any(response.sections[1:])


def test_replaced_sections(server: Server, port: int) -> None:
    server.fault(faults.answers(answer="www.example.xa. 5 IN A 192.0.2.99", authority=""))
    response = answered(port)
    assert response.answer[0].to_text() == "www.example.xa. 5 IN A 192.0.2.99"
    assert not response.authority


def test_endless_aliases(server: Server, port: int) -> None:
    server.fault(faults.endless_alias("example.xa"))
    assert answered(port).answer[0][0].target != answered(port).answer[0][0].target


@pytest.mark.parametrize(
    ("fault", "zone"),
    [(faults.refer("example.xa.", {"ns1.loop.xa.": "127.9.9.9"}), "example.xa."), (faults.refer_upward(), ".")],
    ids=["refer", "refer_upward"],
)
def test_referrals(server: Server, port: int, fault: Fault, zone: str) -> None:
    server.fault(fault)
    response = answered(port)
    assert not response.answer
    assert response.authority[0].name == dns.name.from_text(zone)


def test_other_question(server: Server, port: int) -> None:
    server.fault(faults.other_question("wrong.example", "MX"))
    question = dns.message.from_wire(exchange(port, make_query().to_wire())).question[0]
    assert (str(question.name), question.rdtype) == ("wrong.example.", dns.rdatatype.MX)


def test_no_question(server: Server, port: int) -> None:
    server.fault(faults.no_question())
    assert not dns.message.from_wire(exchange(port, make_query().to_wire())).question


def test_upper_case(server: Server, port: int) -> None:
    server.fault(faults.upper_case())
    assert answered(port).question[0].name.to_text() == "WWW.EXAMPLE.XA."


def test_wrong_id(server: Server, port: int) -> None:
    server.fault(faults.wrong_id())
    query = make_query()
    assert int.from_bytes(exchange(port, query.to_wire())[:2]) != query.id


def test_cut_packet(server: Server, port: int) -> None:
    whole = exchange(port, make_query().to_wire())
    server.fault(faults.cut())
    assert len(exchange(port, make_query().to_wire())) == len(whole) // 2
    server.heal()
    server.fault(faults.cut(7))
    assert len(exchange(port, make_query().to_wire())) == 7


def test_pointer_loop(server: Server, port: int) -> None:
    server.fault(faults.pointer_loop())
    with pytest.raises(dns.exception.FormError):
        dns.message.from_wire(exchange(port, make_query().to_wire()))


def test_random_octets(server: Server, port: int) -> None:
    server.fault(faults.random_octets(200))
    wire = make_query().to_wire()
    first, second = exchange(port, wire), exchange(port, wire)
    assert first[:2] == second[:2] == wire[:2]
    assert len(first) == len(second) == 200
    assert first != second


def test_flipped_octets(server: Server, port: int) -> None:
    wire = make_query().to_wire()
    correct = exchange(port, wire)
    server.fault(faults.flipped_octets(1))
    flipped = exchange(port, wire)
    assert sum(a != b for a, b in zip(correct, flipped, strict=True)) == 1


def test_echo(server: Server, port: int) -> None:
    server.fault(faults.echo())
    wire = make_query().to_wire()
    assert exchange(port, wire) == wire


@pytest.mark.parametrize("source", [OTHER, "127.99.99.99"], ids=["a server", "nobody"])
def test_wrong_source_address(server: Server, port: int, source: str) -> None:
    server.fault(faults.from_address(source))
    with pytest.raises(dns.query.UnexpectedSource, match=source.replace(".", r"\.")):
        answered(port)


def test_forged_answers_come_first(server: Server, port: int) -> None:
    server.fault(faults.after(faults.wrong_id(), faults.rcode("REFUSED")))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(3)
        query = make_query()
        client.sendto(query.to_wire(), (HOST, port))
        first, second, third = (dns.message.from_wire(client.recv(65535)) for _ in range(3))
    assert first.id != query.id
    assert (second.id, second.rcode()) == (query.id, dns.rcode.REFUSED)
    assert (third.id, len(third.answer)) == (query.id, 1)


def test_hang_up(server: Server, port: int) -> None:
    server.fault(faults.hang_up(), transport="tcp")
    with connected(port, make_query().to_wire()) as client:
        assert read_all(client) == b""
    assert answered(port).answer


def test_wrong_tcp_length(server: Server, port: int) -> None:
    server.fault(faults.tcp_length(65535))
    with connected(port, make_query().to_wire()) as client:
        assert client.recv(2) == b"\xff\xff"


def test_drip(server: Server, port: int) -> None:
    server.fault(faults.drip(0.02))
    pieces: list[bytes] = []
    with connected(port, make_query().to_wire()) as client:
        while len(received := b"".join(pieces)) < 2 or len(received) < 2 + int.from_bytes(received[:2]):
            pieces.append(client.recv(65535))
    assert dns.message.from_wire(received[2:]).answer
    assert len(pieces) > 3  # one for each octet, unless the machine is busy


@pytest.mark.parametrize("kind", ["message", "octets", "nothing"])
def test_script(server: Server, port: int, kind: str) -> None:
    def script(query: dns.message.Message, wire: bytes, transport: str) -> bytes | dns.message.Message | None:
        assert transport == "udp"
        response = dns.message.make_response(query)
        response.set_rcode(dns.rcode.YXDOMAIN)
        made: dict[str, bytes | dns.message.Message | None]
        made = {"message": response, "octets": wire[:2] + b"octets", "nothing": None}
        return made[kind]

    server.fault(faults.scripted(script))
    match kind:
        case "message":
            assert answered(port).rcode() == dns.rcode.YXDOMAIN
        case "octets":
            assert exchange(port, make_query().to_wire())[2:] == b"octets"
        case "nothing":
            assert is_silent(port)


def test_conditions(server: Server, port: int) -> None:
    server.fault(faults.silence(), qtype="MX").fault(faults.silence(), edns=True)
    server.fault(faults.silence(), qname="www.example.xa", qtype=["NS", "SOA"], transport="udp")
    assert is_silent(port, rdtype="MX")
    assert is_silent(port, edns=True)
    assert is_silent(port, rdtype="SOA")
    assert answered(port).answer
    assert dns.query.tcp(make_query("SOA"), HOST, timeout=3, port=port).authority


def test_nth_query(server: Server, port: int) -> None:
    server.fault(faults.rcode("SERVFAIL"), qtype="A", nth=range(2, 4))
    codes = [dns.rcode.to_text(answered(port).rcode()) for _ in range(4)]
    assert codes == ["NOERROR", "SERVFAIL", "SERVFAIL", "NOERROR"]


def test_faults_add_up(server: Server, port: int) -> None:
    server.fault(faults.no_aa()).fault(faults.recursive())
    flags = answered(port).flags
    assert flags & dns.flags.RA
    assert not flags & dns.flags.AA


def test_broken_query_is_a_format_error_and_logged(server: Server, port: int) -> None:
    response = exchange(port, b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x3f")
    assert response[:2] == b"\x12\x34"
    assert response[3] & 15 == dns.rcode.FORMERR
    assert server.log[-1].name is None


@pytest.mark.parametrize("closed", ["udp", "tcp"])
def test_closed_port(loopback_dns: Callable[[World], World], closed: str) -> None:
    world = World()
    world.zone("example.xa", ns={"ns1.example.xa": HOST})
    world.server(HOST).set(**{closed: False})
    loopback_dns(world)
    open_one, closed_one = (dns.query.tcp, dns.query.udp) if closed == "udp" else (dns.query.udp, dns.query.tcp)
    assert open_one(make_query(), HOST, timeout=3, port=world.port).question
    with pytest.raises((ConnectionRefusedError, dns.exception.Timeout)):
        closed_one(make_query(), HOST, timeout=SHORT_S, port=world.port)
