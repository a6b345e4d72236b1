"""The responses for a zone file equal those of the server of the test worlds, which makes its own signatures."""

from __future__ import annotations

import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.query
import dns.rcode
import pytest

from gonemaster_engine.zonefile.answering import ZoneServer, respond
from gonemaster_engine.zonefile.reading import FileLimits, read_zone_file
from tests.engine.zonefile.zones import NSEC, NSEC3, OPT_OUT, ORIGIN, RECORDS, zone_data, zone_text
from tests.support.dnsworld.answering import Authority, Behaviour
from tests.support.dnsworld.spec import Signing

QUERIES = [
    ("@", "SOA"), ("@", "NS"), ("@", "MX"), ("@", "TXT"), ("@", "AAAA"), ("@", "DNSKEY"), ("@", "DS"), ("@", "NSEC"),
    ("@", "NSEC3PARAM"), ("ns1", "A"), ("NS1", "aaaa"), ("www", "A"), ("www", "CNAME"), ("www", "MX"), ("out", "A"),
    ("missing", "A"), ("a.missing", "A"), ("zzz", "TXT"), ("0", "A"), ("wild", "A"), ("any.wild", "A"),
    ("a.b.wild", "TXT"), ("any.wild", "MX"), ("*.wild", "A"), ("empty.nonterminal", "A"), ("nonterminal", "A"),
    ("x.nonterminal", "A"), ("old", "A"), ("x.old", "A"), ("y.old", "A"), ("new", "A"), ("sub", "A"), ("sub", "DS"),
    ("a.sub", "A"), ("ns.sub", "A"), ("sub", "NS"), ("open", "DS"), ("a.open", "MX"), ("open", "NS"), ("big", "TXT"),
    ("deep.empty.nonterminal", "A"),
]  # fmt: skip


def as_sets(message: dns.message.Message) -> dict[str, set[str]]:
    """Return each section as a set of records; names are compared without case."""
    return {
        section: {line.lower() for rrset in getattr(message, section) for line in rrset.to_text().splitlines()}
        for section in ("answer", "authority", "additional")
    }


@pytest.mark.parametrize("dnssec", [False, True], ids=["plain", "dnssec"])
@pytest.mark.parametrize("signing", [None, NSEC, NSEC3, OPT_OUT], ids=["unsigned", "nsec", "nsec3", "opt-out"])
def test_responses_are_those_of_another_server(signing: Signing | None, dnssec: bool) -> None:
    data = zone_data(signing, RECORDS if signing else RECORDS.replace("sub DS", "; sub DS"))
    server = ZoneServer(read_zone_file(zone_text(data), ORIGIN, FileLimits()).contents)
    referee = Authority({ORIGIN: data}, Behaviour(max_udp_size=1232))
    for owner, rtype in QUERIES:
        query = dns.message.make_query(dns.name.from_text(owner, ORIGIN), rtype, want_dnssec=dnssec)
        ours, (theirs,) = server.answer(query), referee.respond(query)
        assert (ours.rcode(), ours.flags) == (theirs.rcode(), theirs.flags), (owner, rtype)
        assert as_sets(ours) == as_sets(theirs), (owner, rtype)


@pytest.fixture(scope="module")
def server() -> ZoneServer:
    return ZoneServer(read_zone_file(zone_text(zone_data(NSEC)), ORIGIN, FileLimits()).contents)


def exchanged(server: ZoneServer, query: dns.message.Message, *, over_tcp: bool = False) -> dns.message.Message:
    wire = respond(query.to_wire(), server.answer, over_tcp=over_tcp)
    assert wire is not None
    response = dns.message.from_wire(wire)
    assert query.is_response(response)
    return response


def test_a_large_response_is_truncated_over_udp_only(server: ZoneServer) -> None:
    query = dns.message.make_query("big.example.org", "TXT")
    truncated = exchanged(server, query)
    assert truncated.flags & dns.flags.TC
    assert not truncated.answer
    assert exchanged(server, query, over_tcp=True).answer
    query = dns.message.make_query("big.example.org", "TXT", use_edns=0, payload=65535)
    assert len(exchanged(server, query).to_wire()) <= 1232
    assert exchanged(server, query).flags & dns.flags.TC
    assert exchanged(server, query).edns == 0


@pytest.mark.parametrize(
    ("qname", "rtype", "rdclass", "rcode"),
    [
        ("example.org", "AXFR", "IN", dns.rcode.REFUSED),
        ("example.org", "IXFR", "IN", dns.rcode.REFUSED),
        ("example.net", "A", "IN", dns.rcode.REFUSED),
        (".", "NS", "IN", dns.rcode.REFUSED),
        ("version.bind", "TXT", "CH", dns.rcode.REFUSED),
    ],
)
def test_what_is_refused(server: ZoneServer, qname: str, rtype: str, rdclass: str, rcode: dns.rcode.Rcode) -> None:
    response = exchanged(server, dns.message.make_query(qname, rtype, rdclass), over_tcp=True)
    assert response.rcode() == rcode
    assert not response.answer


def test_other_queries(server: ZoneServer) -> None:
    assert exchanged(server, dns.message.make_query("example.org", "A", use_edns=1)).rcode() == dns.rcode.BADVERS
    query = dns.message.make_query("example.org", "A")
    query.set_opcode(dns.opcode.NOTIFY)
    assert exchanged(server, query).rcode() == dns.rcode.NOTIMP
    assert respond(b"\0" * 12 + b"x", server.answer, over_tcp=False) == b"\0\0\x80\x01" + bytes(8)
    assert respond(b"short", server.answer, over_tcp=False) is None
    assert (
        respond(dns.message.make_response(dns.message.make_query(".", "A")).to_wire(), server.answer, over_tcp=False)
        is None
    )
