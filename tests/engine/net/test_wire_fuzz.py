"""Responses are parsed like dnspython parses them, for any octets; parsing raises nothing but WireError.

dnspython is the reference: on every message that both accept, header, question, records and OPT must agree.
"""

from __future__ import annotations

import contextlib
import itertools
import struct
from collections.abc import Iterator
from typing import Final

import dns.edns
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdata
import dns.rdatatype
import dns.rrset
import pytest
from dns.edns import OptionType
from dns.rdataclass import IN
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gonemaster_engine import names
from gonemaster_engine.errors import WireError
from gonemaster_engine.limits import ANSWER_MAX_RECORDS
from gonemaster_engine.net.wire.messages import Record, Response, Section, from_dns_name
from gonemaster_engine.net.wire.rrtypes import OPT, type_number
from tests.support.dnsworld import World
from tests.support.dnsworld.demo_world import DOMAINS
from tests.support.examples import examples
from tests.support.work import at_most_lines

FUZZ = settings(max_examples=examples(30, 300))
ASKED_TYPES: Final = ("SOA", "NS", "A", "MX", "TXT", "DNSKEY", "DS", "CNAME", "ANY")
SECTIONS: Final[tuple[Section, ...]] = ("answer", "authority", "additional")
LARGEST: Final = 65535
LINES_PER_MESSAGE: Final = 10_000_000  # of Python

RDATA: Final = {
    "A": "192.0.2.1",
    "AAAA": "2001:db8::1",
    "NS": "ns1.Example.xa.",
    "CNAME": "www.example.xa.",
    "DNAME": "other.example.",
    "PTR": r"a\.b.example.xa.",
    "MX": "10 mail.example.xa.",
    "SOA": "ns1.example.xa. host\\.master.example.xa. 1 2 3 4 5",
    "TXT": '"one" "two"',
    "DS": "4711 13 2 " + "ab" * 32,
    "DNSKEY": "257 3 13 " + "q83v" * 16,
    "RRSIG": "A 13 2 3600 20261209104240 20261124104240 46291 example.xa. " + "q83v" * 16,
    "NSEC": "b.example.xa. A NS RRSIG NSEC",
    "NSEC3": "1 0 5 ab12 h97fbk605imk2ii0hbr8eg22k0985up7 A RRSIG",
    "NSEC3PARAM": "1 0 5 ab12",
    "CDS": "0 0 0 00",
    "CAA": '0 issue "ca.example"',
    "SRV": "1 2 443 target.example.xa.",
    "TLSA": "3 1 1 " + "cd" * 32,
    "TYPE65400": r"\# 3 010203",
}


# The results of both parsers


def content_of(record: Record) -> tuple[object, ...]:
    return record.owner, record.type, record.rdclass, record.ttl, record.rdata


def judged(message: dns.message.Message, number: int) -> list[tuple[object, ...]]:
    return [
        (from_dns_name(rrset.name), int(rrset.rdtype), int(rrset.rdclass), rrset.ttl, rdata)
        for rrset in message.sections[number]
        for rdata in rrset
    ]


def read(wire: bytes) -> Response | None:
    try:
        return Response(wire)
    except WireError:
        return None


def judge(wire: bytes) -> dns.message.Message | None:
    """Return dnspython's result.

    None if it rejects the message, and for TSIG and updates, which it parses differently.
    """
    try:
        message = dns.message.from_wire(wire, one_rr_per_rrset=True, ignore_trailing=True)
    except Exception:  # noqa: BLE001 - dnspython raises what its parsers meet
        return None
    return None if message.opcode() == 5 or message.tsig is not None else message


def assert_agreement(wire: bytes) -> bool:
    """Compare both results; return False if one of the parsers rejects the message."""
    response, message = read(wire), judge(wire)
    if response is None or message is None:
        return False
    assert (response.id, response.flags) == (message.id, int(message.flags))
    assert response.rcode_number == int(message.rcode())
    if message.question:
        question = message.question[0]
        assert response.question_name_octets is not None
        assert response.question_type == dns.rdatatype.to_text(question.rdtype)
    for number, section in enumerate((response.answer, response.authority, response.additional), start=1):
        assert [content_of(record) for record in section] == judged(message, number)
    assert_same_edns(response, message)
    return True


def assert_same_edns(response: Response, message: dns.message.Message) -> None:
    assert (response.edns is not None) == (message.edns >= 0)
    if response.edns:
        assert response.edns.version == message.edns
        assert response.edns.payload == message.payload
        assert response.edns.do == bool(message.ednsflags & dns.flags.DO)
        assert response.edns.z == message.ednsflags & 0x7FFF
        assert [code for code, _ in response.edns.options] == [int(option.otype) for option in message.options]


def look_everywhere(response: Response) -> None:
    """Use every part of a response that test cases use; malformed rdata must be omitted or raise WireError."""
    assert response.rcode
    assert response.is_referral in (True, False)
    assert response.size == len(response.wire)
    for section in SECTIONS:
        for record in response.section(section):
            read_record(record)
            matches = record.is_well_formed and record.rdclass == response.qclass
            assert (record in response.records(record.rtype, record.owner, section)) == matches
        for rtype in ("A", "NS", "SOA", "MX", "RRSIG", "NSEC3", "TXT"):
            response.rrset(rtype, "example.xa", section)
            response.signatures(rtype, None, section)


def read_record(record: Record) -> None:
    assert repr(record)
    if not record.is_well_formed:
        with contextlib.suppress(WireError):
            record.rdata  # noqa: B018 - nothing else may come out of it
        return
    assert record.rdata is not None
    assert record.data is not None
    assert record.rdata.to_text() is not None
    if record.rtype in {"A", "AAAA"}:
        assert record.address == names.canonical_address(record.rdata.to_text())
    elif record.rtype in {"NS", "CNAME", "DNAME", "PTR"}:
        assert record.target == from_dns_name(record.rdata.target)  # type: ignore[attr-defined] # has a target


# Valid messages


labels = st.one_of(
    st.sampled_from([b"www", b"ns1", b"example", b"xa", b"EXAMPLE", b"_dmarc", b"*", b"x" * 63]),
    st.binary(min_size=1, max_size=63),
)
owners = st.lists(labels, max_size=6).filter(lambda some: sum(map(len, some)) + len(some) < 250)


def as_name(some: list[bytes]) -> dns.name.Name:
    return dns.name.Name((*some, b""))


@st.composite
def rrsets(draw: st.DrawFn) -> dns.rrset.RRset:
    rtype = draw(st.sampled_from(sorted(RDATA)))
    rdata = dns.rdata.from_text(IN, rtype, RDATA[rtype])
    if rtype in {"NS", "CNAME", "DNAME", "PTR"}:
        rdata = rdata.replace(target=as_name(draw(owners)))
    ttl = draw(st.integers(0, 2**31 - 1))
    return dns.rrset.from_rdata(as_name(draw(owners)), ttl, rdata)


@st.composite
def messages(draw: st.DrawFn) -> bytes:
    query = dns.message.make_query(as_name(draw(owners)), draw(st.sampled_from(sorted(RDATA))))
    query.id = draw(st.integers(0, 65535))
    response = dns.message.make_response(query)
    response.flags |= draw(st.integers(0, 0x07B0)) & 0x07B0
    for section in response.sections[1:]:
        section.extend(draw(st.lists(rrsets(), max_size=4)))
    if draw(st.booleans()):
        options: list[dns.edns.Option] = [dns.edns.GenericOption(OptionType.make(65001), draw(st.binary(max_size=20)))]
        version, flags, payload = draw(st.tuples(st.integers(0, 3), st.integers(0, 65535), st.integers(0, 65535)))
        response.use_edns(version, flags, payload, options=options)
    response.set_rcode(dns.rcode.Rcode.make(draw(st.integers(0, 15 if response.edns < 0 else 4095))))
    return response.to_wire(max_size=LARGEST)


@FUZZ
@given(messages())
def test_generated_message_is_read_as_dnspython_reads_it(wire: bytes) -> None:
    assert assert_agreement(wire)
    look_everywhere(Response(wire))


@pytest.mark.parametrize("rtype", RDATA)
def test_each_type_of_record_is_read(rtype: str) -> None:
    response = dns.message.make_response(dns.message.make_query("example.xa", rtype))
    response.answer.append(dns.rrset.from_text("example.xa.", 60, "IN", rtype, RDATA[rtype]))
    wire = response.to_wire()
    assert assert_agreement(wire)
    (record,) = Response(wire).records(rtype, "example.xa")
    assert record.type == type_number(rtype)


# Messages from servers


def recorded(world: World, domains: int) -> Iterator[bytes]:
    """Return the responses of the demo world's servers to all usual queries about its first domains."""
    for domain in itertools.islice(DOMAINS, domains):
        zones = [world.zones[name] for name in map(dns.name.from_text, (".", "xa", domain)) if name in world.zones]
        for zone, name, rtype in itertools.product(zones, (domain, f"www.{domain}", f"nothing.{domain}"), ASKED_TYPES):
            query = dns.message.make_query(name, rtype, want_dnssec=True)
            for server in zone.servers:
                yield from (one.to_wire(max_size=LARGEST) for one in server.authority.respond(query))


@pytest.mark.parametrize("domains", [4, pytest.param(len(DOMAINS), marks=pytest.mark.nightly)])
def test_recorded_answers_are_read_as_dnspython_reads_them(demo_world: World, domains: int) -> None:
    count = 0
    for wire in set(recorded(demo_world, domains)):
        assert assert_agreement(wire)
        look_everywhere(Response(wire))
        count += 1
    assert count > 100 * domains


# Malformed messages


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """Return a message with octets changed, inserted or removed, and with misplaced pointers."""
    wire = bytearray(draw(messages()))
    for _ in range(draw(st.integers(1, 6))):
        position = draw(st.integers(0, max(0, len(wire) - 1)))
        match draw(st.sampled_from(["octet", "cut", "remove", "insert", "pointer", "count", "repeat"])):
            case "octet":
                wire[position : position + 1] = bytes([draw(st.integers(0, 255))])
            case "cut":
                del wire[position:]
            case "remove":
                del wire[position : position + draw(st.integers(1, 12))]
            case "insert":
                wire[position:position] = draw(st.binary(max_size=12))
            case "pointer":
                wire[position : position + 2] = (0xC000 | draw(st.integers(0, len(wire)))).to_bytes(2)
            case "count":
                place = draw(st.sampled_from([4, 6, 8, 10]))
                wire[place : place + 2] = draw(st.integers(0, 20)).to_bytes(2)
            case "repeat":
                wire[position:position] = wire[position : position + draw(st.integers(1, 40))]
    return bytes(wire)


@FUZZ
@given(damaged())
def test_damaged_message_raises_nothing_else_and_is_read_alike(wire: bytes) -> None:
    response = read(wire)
    if response is not None:
        look_everywhere(response)
        assert_agreement(wire)


@FUZZ
@given(st.binary(max_size=600))
@example(b"")
@example(bytes(11))
@example(bytes(12))
@example(b"\x00\x01\x80\x00" + b"\xff" * 8)
def test_random_octets_raise_nothing_else(wire: bytes) -> None:
    response = read(wire)
    if response is not None:
        look_everywhere(response)
        assert_agreement(wire)


@FUZZ
@given(st.sampled_from(sorted(RDATA)), st.binary(max_size=80), st.sampled_from([1, 3, 254, 255, 0, 65535]))
def test_random_rdata_is_left_out_or_read_alike(rtype: str, rdata: bytes, rdclass: int) -> None:
    wire = with_record(type_number(rtype), rdata, rdclass=rdclass)
    look_everywhere(Response(wire))
    assert_agreement(wire)


def with_record(number: int, rdata: bytes, *, rdclass: int = 1, owner: bytes = b"\xc0\x0c") -> bytes:
    """Return a response for example.xa with one record, whose rdata starts at octet 40 if its owner has two octets."""
    header = struct.pack("!HHHHHH", 1, 0x8400, 1, 1, 0, 0)
    question = names.to_wire("example.xa") + struct.pack("!HH", 1, 1)
    return header + question + owner + struct.pack("!HHIH", number, rdclass, 60, len(rdata)) + rdata


@pytest.mark.parametrize(
    "owner",
    {
        "to itself": b"\xc0\x1c",
        "forwards": b"\xc0\x1e",
        "past the end": b"\xff\xff",
        "to a label before itself": b"\x01a\xc0\x1c",
        "of a reserved kind": b"\x40a",
        "of another reserved kind": b"\x80a",
        "cut": b"\xc0",
    }.items(),
    ids=lambda pair: pair[0],
)
def test_broken_name_is_refused(owner: tuple[str, bytes]) -> None:
    wire = with_record(1, bytes(4), owner=owner[1])
    assert judge(wire) is None
    with pytest.raises(WireError):
        Response(wire)


def test_name_of_256_octets_is_refused() -> None:
    label = b"\x3f" + b"x" * 63
    longest = label * 3 + b"\x3d" + b"x" * 61
    assert Response(with_record(1, bytes(4), owner=longest + b"\x00")).answer
    with pytest.raises(WireError):
        Response(with_record(1, bytes(4), owner=label * 3 + b"\x3e" + b"x" * 62 + b"\x00"))
    with pytest.raises(WireError):  # the same length, reached through a pointer
        Response(with_record(1, bytes(4), owner=label * 3 + b"\x35" + b"x" * 53 + b"\xc0\x0c"))


@pytest.mark.parametrize("rtype", ["NS", "MX", "SOA", "SRV", "DNAME"])
def test_rdata_that_does_not_end_with_its_name_or_numbers_is_left_out(rtype: str) -> None:
    rdata = dns.rdata.from_text(IN, rtype, RDATA[rtype]).to_wire()
    assert rdata is not None
    assert Response(with_record(type_number(rtype), rdata)).records(rtype)
    for wrong in (*(rdata[:end] for end in range(len(rdata))), rdata + b"\x00"):
        assert not Response(with_record(type_number(rtype), wrong)).records(rtype)


def chained_pointers(rtype: int, rdata: bytes, *, in_owner: bool) -> bytes:
    """Return the largest message whose records all lead into one long chain of pointers."""
    start = 12 + 11  # of the chain, in the rdata of a first record
    links = 8000
    chain = b"\x00\x00" + b"".join((0xC000 | start + 2 * i).to_bytes(2) for i in range(links - 1))
    last = (0xC000 | start + 2 * (links - 1)).to_bytes(2)
    body = b"\x00" + struct.pack("!HHIH", 16, 1, 60, len(chain)) + chain
    rdata = rdata if in_owner else rdata + last
    record = (last if in_owner else b"\x00") + struct.pack("!HHIH", rtype, 1, 60, len(rdata)) + rdata
    count = (LARGEST - 12 - len(body)) // len(record)
    return struct.pack("!HHHHHH", 1, 0x8400, 0, count + 1, 0, 0) + body + record * count


@pytest.mark.parametrize(
    ("rtype", "rdata"),
    [("A", bytes(4)), ("NS", b""), ("RRSIG", bytes(18)), ("NSEC", b""), ("SRV", bytes(6))],
    ids=["owners", "NS", "RRSIG", "NSEC", "SRV"],
)
def test_chained_pointers_cost_little_work(rtype: str, rdata: bytes) -> None:
    wire = chained_pointers(type_number(rtype), rdata, in_owner=rtype == "A")
    with at_most_lines(LINES_PER_MESSAGE):
        response = read(wire)
        if response is not None:
            response.records(rtype)


def test_many_long_names_cost_little_work() -> None:
    name = b"".join(b"\x01" + bytes([97 + i % 26]) for i in range(126))
    owner = with_record(1, bytes(4), owner=name + b"\x00")
    record = (0xC000 | 28).to_bytes(2) + struct.pack("!HHIH", 1, 1, 60, 4) + bytes(4)
    count = (LARGEST - len(owner)) // len(record)
    wire = owner[:6] + struct.pack("!H", count + 1) + owner[8:] + record * count
    with at_most_lines(LINES_PER_MESSAGE):
        answer = Response(wire).answer
    assert len(answer) == ANSWER_MAX_RECORDS


def test_opt_record_is_never_an_ordinary_record() -> None:
    wire = with_record(OPT, b"\x00\x03\x00\x01x", owner=b"\x00")
    wire = wire[:6] + b"\x00\x00\x00\x00\x00\x01" + wire[12:]
    response = Response(wire)
    assert not response.additional
    assert response.edns is not None
    assert response.edns.options == ((3, b"x"),)
