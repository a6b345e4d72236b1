"""SYNTAX04, 07 and 08: names of name servers, of the primary server and of mail hosts."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.support.case_runs import A1, A2, NS1, NS2, Found, example_world, findings
from tests.support.dnsworld import World, faults


def listing(*names: str) -> World:
    """Describe a zone with additional name servers, which have no addresses."""
    return example_world(apex_ns=[NS1, NS2, *names])


def with_mname(mname: str) -> World:
    return example_world(soa=f"{mname}. hostmaster.example.xa. 1 7200 3600 1209600 300")


def with_mx(*hosts: str) -> World:
    return example_world(records="\n".join(f"@ MX 10 {host}." for host in hosts))


def silent_to(qtype: str, *addresses: str) -> World:
    world = with_mx("mail.example.xa")
    for address in addresses:
        world.server(address).fault(faults.rcode("REFUSED"), qtype=qtype)
    return world


def fault(kind: str, domain: str, **more: str) -> Found:
    return (kind, {"domain": domain, **more})


SERVERS_OK = ("NAMESERVER_SYNTAX_OK", {"servers": [{"ns": NS1}, {"ns": NS2}]})

SCENARIOS: dict[str, tuple[str, Callable[[], World], list[Found]]] = {
    "name servers": ("syntax04", example_world, [SERVERS_OK]),
    "name server with an underscore": (
        "syntax04",
        lambda: listing("ns_3.example.xa"),
        [fault("NAMESERVER_NON_ALLOWED_CHARS", "ns_3.example.xa"), SERVERS_OK],
    ),
    "name server with a double hyphen": (
        "syntax04",
        lambda: listing("ns.ab--c.xa", "xn--abc.xa"),
        [
            fault("NAMESERVER_DISCOURAGED_DOUBLE_DASH", "ns.ab--c.xa", label="ab--c"),
            ("NAMESERVER_SYNTAX_OK", {"servers": [{"ns": NS1}, {"ns": NS2}, {"ns": "xn--abc.xa"}]}),
        ],
    ),
    "name server named like an address": (
        "syntax04",
        lambda: listing("192.0.2.1"),
        [fault("NAMESERVER_NUMERIC_TLD", "192.0.2.1", tld="1"), SERVERS_OK],
    ),
    "MNAME": ("syntax07", lambda: with_mname("ns1.example.xa"), [fault("MNAME_SYNTAX_OK", NS1)]),
    "MNAME of the root": ("syntax07", lambda: with_mname(""), [fault("MNAME_SYNTAX_OK", ".")]),
    "MNAME with an underscore": (
        "syntax07",
        lambda: with_mname("ns_1.xa"),
        [fault("MNAME_NON_ALLOWED_CHARS", "ns_1.xa")],
    ),
    "MNAME with a dot in a label": (
        "syntax07",
        lambda: with_mname(r"ns\.1.xa"),
        [fault("MNAME_NON_ALLOWED_CHARS", r"ns\0461.xa")],
    ),
    "MNAME with a double hyphen": (
        "syntax07",
        lambda: with_mname("ab--c.xa"),
        [fault("MNAME_DISCOURAGED_DOUBLE_DASH", "ab--c.xa", label="ab--c")],
    ),
    "MNAME like an address": (
        "syntax07",
        lambda: with_mname("192.0.2.1"),
        [fault("MNAME_NUMERIC_TLD", "192.0.2.1", tld="1")],
    ),
    "no SOA": ("syntax07", lambda: silent_to("SOA", A1, A2), [("NO_RESPONSE_SOA_QUERY", {})]),
    "SOA from the other server": ("syntax07", lambda: silent_to("SOA", A1), [fault("MNAME_SYNTAX_OK", NS1)]),
    "mail hosts": (
        "syntax08",
        lambda: with_mx("mail.example.xa", "a.xa"),
        [fault("MX_SYNTAX_OK", "a.xa"), fault("MX_SYNTAX_OK", "mail.example.xa")],
    ),
    "null MX": ("syntax08", lambda: with_mx(""), [fault("MX_SYNTAX_OK", ".")]),
    "mail host with an underscore and digits": (
        "syntax08",
        lambda: with_mx("mail_1.22"),
        [fault("MX_NON_ALLOWED_CHARS", "mail_1.22"), fault("MX_NUMERIC_TLD", "mail_1.22", tld="22")],
    ),
    "mail host with a double hyphen": (
        "syntax08",
        lambda: with_mx("ab--c.xa"),
        [fault("MX_DISCOURAGED_DOUBLE_DASH", "ab--c.xa", label="ab--c")],
    ),
    "no mail hosts": ("syntax08", example_world, []),
    "no answer for MX": ("syntax08", lambda: silent_to("MX", A1, A2), [("NO_RESPONSE_MX_QUERY", {})]),
}


@pytest.mark.parametrize(("case_id", "build", "expected"), SCENARIOS.values(), ids=SCENARIOS)
def test_syntax_of_host_names(case_id: str, build: Callable[[], World], expected: list[Found]) -> None:
    assert sorted(findings(build(), case_id), key=str) == sorted(expected, key=str)
