"""What counts as a difference between responses, and what does not."""

from __future__ import annotations

import dns.flags
import dns.message
import dns.rrset
import pytest

from gonemaster_engine.net.wire.messages import Response
from gonemaster_engine.rst.comparing import MAX_VARIANTS, QueryComparison, content_of
from gonemaster_engine.rst.hostnames import invalid_labels
from gonemaster_engine.rst.questions import RstQuery
from gonemaster_engine.rst.tld import TCP, UDP, ServerPath

SOA = "xa. 60 IN SOA ns1.xa. host.xa. {serial} 2 3 4 5"
SIGNED_SOA = "xa. 60 IN RRSIG SOA 13 1 60 {end} 20260101000000 {tag} xa. {signature}"


def response(*answer: str, additional: tuple[str, ...] = (), rcode: int = 0, flags: int = 0) -> Response:
    """Return a response with records in zone file format."""
    message = dns.message.make_response(dns.message.make_query("xa.", "SOA", want_dnssec=True))
    message.set_rcode(rcode)  # type: ignore[arg-type]  # any number
    message.flags |= dns.flags.AA | flags
    for section, records in ((message.answer, answer), (message.additional, additional)):
        for record in records:
            owner, ttl, rdclass, rtype, text = record.split(maxsplit=4)
            section.append(dns.rrset.from_text(owner, int(ttl), rdclass, rtype, text))
    return Response(message.to_wire())


def signature(end: str = "20260201000000", tag: int = 7, text: str = "AAAA") -> str:
    return SIGNED_SOA.format(end=end, tag=tag, signature=text)


SAME: dict[str, tuple[Response, Response]] = {
    "order": (
        response("xa. 9 IN A 192.0.2.1", "xa. 9 IN A 192.0.2.2"),
        response("xa. 9 IN A 192.0.2.2", "xa. 9 IN A 192.0.2.1"),
    ),
    "case": (response("xa. 9 IN NS NS1.xa."), response("XA. 9 IN NS ns1.XA.")),
    "serial": (response(SOA.format(serial=1)), response(SOA.format(serial=2))),
    "signature over SOA": (response(signature()), response(signature(end="20260301000000", text="BBBB"))),
    "EDNS": (response(), Response(dns.message.make_response(dns.message.make_query("xa.", "SOA")).to_wire())),
}
DIFFERENT: dict[str, tuple[Response, Response]] = {
    "rcode": (response(), response(rcode=3)),
    "TTL": (response("xa. 9 IN A 192.0.2.1"), response("xa. 8 IN A 192.0.2.1")),
    "record": (response("xa. 9 IN A 192.0.2.1"), response("xa. 9 IN A 192.0.2.2")),
    "section": (response("xa. 9 IN A 192.0.2.1"), response(additional=("xa. 9 IN A 192.0.2.1",))),
    "SOA timer": (response(SOA.format(serial=1)), response(SOA.format(serial=1).replace(" 5", " 6"))),
    "MNAME": (response(SOA.format(serial=1)), response(SOA.format(serial=1).replace("ns1", "ns2"))),
    "key tag of the signature over SOA": (response(signature()), response(signature(tag=8))),
    "signature over other records": (
        response(signature().replace("RRSIG SOA", "RRSIG NS")),
        response(signature(text="BBBB").replace("RRSIG SOA", "RRSIG NS")),
    ),
}


@pytest.mark.parametrize("name", SAME)
def test_responses_are_the_same(name: str) -> None:
    first, second = SAME[name]
    assert content_of(first) == content_of(second)


@pytest.mark.parametrize("name", DIFFERENT)
def test_responses_differ(name: str) -> None:
    first, second = DIFFERENT[name]
    assert content_of(first) != content_of(second)


def compared(*responses: tuple[str, str, Response]) -> QueryComparison:
    """Compare responses by address and protocol."""
    comparison = QueryComparison(RstQuery("xa", "SOA"))
    for address, protocol, each in responses:
        comparison.add(ServerPath("ns1.xa", address, protocol), each)
    comparison.settle(payload=100)
    return comparison


def test_most_common_response_is_the_usual_one_and_the_difference_is_shown() -> None:
    usual, other = response("xa. 9 IN A 192.0.2.1"), response("xa. 9 IN A 192.0.2.9")
    comparison = compared(("a", UDP, other), ("b", UDP, usual), ("c", UDP, usual))
    ((number, paths),) = comparison.differing().items()
    assert [path.address for path in paths] == ["a"]
    assert comparison.describe(number) == (["answer"], ["+ xa 9 A 192.0.2.9", "- xa 9 A 192.0.2.1"])


def test_truncated_response_with_the_same_rcode_is_no_difference() -> None:
    full = response("xa. 9 IN A 192.0.2.1")
    assert compared(("a", UDP, response(flags=dns.flags.TC)), ("a", TCP, full)).differing() == {}
    assert compared(("a", UDP, response(flags=dns.flags.TC, rcode=2)), ("a", TCP, full)).differing() != {}


GLUE = tuple(f"ns{i}.xa. 9 IN A 192.0.2.{i}" for i in range(1, 9))


@pytest.mark.parametrize(
    ("over_udp", "is_same"),
    [
        (response("xa. 9 IN NS ns1.xa.", additional=GLUE[:3]), True),
        (response("xa. 9 IN NS ns2.xa.", additional=GLUE[:3]), False),
        (response("xa. 9 IN NS ns1.xa.", additional=(*GLUE[:3], "ns9.xa. 9 IN A 192.0.2.99")), False),
    ],
    ids=["shortened", "other answer", "other additional"],
)
def test_additional_records_may_be_missing_over_udp_if_the_response_is_large(over_udp: Response, is_same: bool) -> None:
    complete = response("xa. 9 IN NS ns1.xa.", additional=GLUE)
    assert (compared(("a", UDP, over_udp), ("a", TCP, complete)).differing() == {}) is is_same


def test_additional_records_must_be_complete_if_the_response_is_small() -> None:
    small = response("xa. 9 IN NS ns1.xa.", additional=GLUE[:1])
    assert compared(("a", UDP, response("xa. 9 IN NS ns1.xa.")), ("a", TCP, small)).differing() != {}


def test_number_of_kept_responses_is_limited() -> None:
    many = [(str(i), UDP, response(f"xa. 9 IN A 192.0.2.{i}")) for i in range(3 * MAX_VARIANTS)]
    comparison = compared(*many)
    assert len(comparison.variants) == MAX_VARIANTS
    assert sum(map(len, comparison.differing().values())) == len(many) - 1


@pytest.mark.parametrize(
    ("name", "invalid"),
    [
        ("ns1.nic.example", []),
        ("a-b.xn--bcher-kva.example", []),
        ("ns_1.example", ["ns_1"]),
        ("-a.b-.example", ["-a", "b-"]),
        ("ab--cd.example", ["ab--cd"]),
        ("xn--0.example", ["xn--0"]),
        ("xn--n3h.example", ["xn--n3h"]),  # a symbol, which IDNA2003 allowed
        (r"first\046last.example", [r"first\046last"]),
        (".", []),
    ],
)
def test_labels_that_are_neither_ldh_nor_valid_a_labels(name: str, invalid: list[str]) -> None:
    assert invalid_labels(name) == invalid
