"""SYNTAX05 and 06: the mailbox in the SOA record."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import dns.name
import pytest

from gonemaster_engine.testcases._mailbox import is_mailbox, mail_address, mailbox_text
from tests.support.case_runs import A1, A2, NS1, NS2, S1, S1_V6, V6, Found, example_world, findings
from tests.support.dnsworld import World, faults

MAIL = "mail A 192.0.2.1"


def with_rname(rname: str, *records: str) -> World:
    return example_world(soa=f"{NS1}. {rname} 1 7200 3600 1209600 300", records="\n".join(records))


def mail_world(*records: str, rname: str = "hostmaster.mail.xa.") -> World:
    """Describe a zone with an RNAME in mail.xa, and the zone mail.xa."""
    world = with_rname(rname)
    world.zone("mail.xa", ns={"ns1.mail.xa": "127.9.8.1"}, records="\n".join(records))
    return world


def two_rnames() -> World:
    world = mail_world("@ A 192.0.2.1")
    soa = f"{NS1}. other.gone.xa. 1 7200 3600 1209600 300"
    world.zones[dns.name.from_text("example.xa")].on(A2, soa=soa)
    return world


def faulty() -> World:
    world = mail_world("@ A 192.0.2.1")
    world.server(A1).set(udp=False, tcp=False)
    world.server(A2).fault(faults.empty_answer(), qtype="SOA")
    return world


def unusable_mail_zone() -> World:
    world = mail_world()
    world.server("127.9.8.1").fault(faults.rcode("SERVFAIL"))
    return world


def at_sign(tag: str, rname: str) -> Found:
    return (tag, {"rname": rname})


def no_soa() -> World:
    world = example_world()
    for address in (A1, A2):
        world.server(address).fault(faults.rcode("REFUSED"), qtype="SOA")
    return world


AT_SIGN: dict[str, tuple[Callable[[], World], list[Found]]] = {
    "without": (
        lambda: with_rname("hostmaster.example.xa."),
        [at_sign("RNAME_NO_AT_SIGN", "hostmaster.example.xa")],
    ),
    "with": (
        lambda: with_rname(r"hostmaster\@example.xa."),
        [at_sign("RNAME_MISUSED_AT_SIGN", "hostmaster@example.xa")],
    ),
    "no SOA": (no_soa, [("NO_RESPONSE_SOA_QUERY", {})]),
}


@pytest.mark.parametrize(("build", "expected"), AT_SIGN.values(), ids=AT_SIGN)
def test_syntax05(build: Callable[[], World], expected: list[Found]) -> None:
    assert findings(build(), "syntax05") == expected


VALID = ("RNAME_RFC822_VALID", {"rname": "hostmaster@mail.xa"})


def invalid(domain: str) -> Found:
    return ("RNAME_MAIL_DOMAIN_INVALID", {"domain": domain})


NULL_MX = ("RNAME_MAIL_DOMAIN_INVALID", {"domain": "mail.xa", "mx": "."})


def localhost(domain: str, address: str) -> Found:
    return ("RNAME_MAIL_DOMAIN_LOCALHOST", {"domain": domain, "localhost": address})


def illegal(domain: str) -> Found:
    return ("RNAME_MAIL_ILLEGAL_CNAME", {"domain": domain})


SCENARIOS: dict[str, tuple[Callable[[], World], dict[str, Any], list[Found]]] = {
    "MX": (lambda: mail_world("@ MX 10 a", "a A 192.0.2.1"), {}, [VALID]),
    "no MX but an address": (lambda: mail_world("@ AAAA 2001:db8::1"), {}, [VALID]),
    "neither": (mail_world, {}, [invalid("mail.xa")]),
    "null MX": (lambda: mail_world("@ MX 0 .", "@ A 192.0.2.1"), {}, [NULL_MX]),
    "null MX beside a good one": (
        lambda: mail_world("@ MX 0 .", "@ MX 10 a", "a A 192.0.2.1"),
        {},
        [NULL_MX],
    ),
    "null MX beside one without address": (
        lambda: mail_world("@ MX 0 .", "@ MX 10 a"),
        {},
        [NULL_MX, invalid("a.mail.xa")],
    ),
    "no such domain": (lambda: with_rname("hostmaster.gone.xa."), {}, [invalid("gone.xa")]),
    "domain that cannot be resolved": (unusable_mail_zone, {}, [invalid("mail.xa")]),
    "MX without address": (lambda: mail_world("@ MX 10 a"), {}, [invalid("a.mail.xa")]),
    "one MX of two without address": (
        lambda: mail_world("@ MX 10 a", "@ MX 20 b", "b A 192.0.2.1"),
        {},
        [invalid("a.mail.xa")],
    ),
    "MX at the loopback address": (
        lambda: mail_world("@ MX 10 a", "a A 127.0.0.1", "a AAAA ::1"),
        {},
        [localhost("a.mail.xa", "127.0.0.1"), localhost("a.mail.xa", "::1"), invalid("a.mail.xa")],
    ),
    "MX at the loopback address in one family": (
        lambda: mail_world("@ MX 10 a", "a A 192.0.2.1", "a AAAA ::1"),
        {},
        [localhost("a.mail.xa", "::1"), VALID],
    ),
    "MX that is an alias": (
        lambda: mail_world("@ MX 10 a", "a CNAME b", "b A 192.0.2.1"),
        {},
        [illegal("a.mail.xa"), invalid("a.mail.xa")],
    ),
    "not an address": (
        lambda: with_rname(r"host\032master.mail.xa."),
        {},
        [("RNAME_RFC822_INVALID", {"rname": r"host\032master@mail.xa"})],
    ),
    "local part in quotes, with an at sign": (
        lambda: mail_world("@ A 192.0.2.1", rname=r"\"q\@q\".mail.xa."),
        {},
        [("RNAME_RFC822_VALID", {"rname": '"q@q"@mail.xa'})],
    ),
    "two RNAMEs": (two_rnames, {}, [invalid("gone.xa")]),
    "faulty servers": (
        faulty,
        {},
        [("NO_RESPONSE", {**S1, "domain": "example.xa"}), ("NO_RESPONSE_SOA_QUERY", {})],
    ),
}


@pytest.mark.parametrize(("build", "options", "expected"), SCENARIOS.values(), ids=SCENARIOS)
def test_syntax06(build: Callable[[], World], options: dict[str, Any], expected: list[Found]) -> None:
    assert findings(build(), "syntax06", **options) == expected


def test_families() -> None:
    world = example_world(ns={NS1: [A1, V6], NS2: A2})
    assert findings(world, "syntax06", ipv6=False)[0] == ("IPV6_DISABLED", {**S1_V6, "query_type": "SOA"})
    world = example_world(ns={NS1: [A1, V6]})
    found = findings(world, "syntax06", supplied={NS1: (A1, V6)}, ipv4=False)
    assert found[0] == ("IPV4_DISABLED", {**S1, "query_type": "SOA"})


@pytest.mark.parametrize(
    ("rname", "text", "address", "is_valid"),
    [
        ("hostmaster.example.", "hostmaster.example", "hostmaster@example", True),
        (r"first\.last.example.", r"first\.last.example", "first.last@example", True),
        ("a+b.example.xa.", "a+b.example.xa", "a+b@example.xa", True),
        ("hostmaster.", "hostmaster", "hostmaster", False),
        (".", ".", "", False),
        (r"a\@b.example.", "a@b.example", "a@b@example", False),
        (r"a\.\.b.example.", r"a\.\.b.example", "a..b@example", False),
        ("a.under_score.example.", "a.under_score.example", "a@under_score.example", False),
        (r"\200.example.", r"\200.example", r"\200@example", False),
        (r"\"q\".zone.", '"q".zone', '"q"@zone', True),
        (r"\"a\.\.b\@c\".zone.", r'"a\.\.b@c".zone', '"a..b@c"@zone', True),
        (r"\"a\032b\".zone.", r'"a\032b".zone', r'"a\032b"@zone', True),
        (r"\"\\\"\".zone.", r'"\092"".zone', r'"\092""@zone', True),
        (r"\"\".zone.", '"".zone', '""@zone', True),
        (r"\"q.zone.", '"q.zone', '"q@zone', False),
        (r"\"\"q\".zone.", '""q".zone', '""q"@zone', False),
        (r"\"q\\\".zone.", r'"q\092".zone', r'"q\092"@zone', False),
        (r"\"\007\".zone.", r'"\007".zone', r'"\007"@zone', False),
        (r"a\ b.zone.", r"a\032b.zone", r"a\032b@zone", False),
    ],
)
def test_mailbox_and_its_address(rname: str, text: str, address: str, is_valid: bool) -> None:
    name = dns.name.from_text(rname)
    assert (mailbox_text(name), mail_address(name), is_mailbox(name)) == (text, address, is_valid)
