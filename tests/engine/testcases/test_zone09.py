"""ZONE09: MX records, expected or not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.engine.testcases.versions import both_answer, dead_server_and_fault, two_versions
from tests.support.case_runs import A1, A2, BOTH, NS1, NS2, S1, S2, Found, example_world, findings
from tests.support.dnsworld import World, faults

MX: dict[str, Any] = {"records": "@ MX 20 b\n@ MX 10 a\n@ MX 10 A"}
DATA = {"mx_rdata": ["10 a.example.xa", "20 b.example.xa"], "mail_targets": ["a.example.xa", "b.example.xa"]}
OTHER = {"mx_rdata": ["10 b.example.xa"], "mail_targets": ["b.example.xa"]}
MISSING: Found = ("Z09_MISSING_MAIL_EXCHANGE", {})
MISSING_2025_2: Found = ("Z09_MISSING_MAIL_TARGET", {})


def tld_with(records: str, origin: str = "xb") -> World:
    world = World()
    world.zone(".", records=records if origin == "." else "")
    if origin != ".":
        world.zone(origin, ns={f"ns.nic.{origin}": "127.8.9.1"}, records=records)
    return world


def truncated_without_tcp() -> World:
    world = example_world(**MX)
    world.server(A1).fault(faults.truncated(), qtype="MX", transport="udp")
    world.server(A1).fault(faults.hang_up(), qtype="MX", transport="tcp")
    return world


def truncated() -> World:
    world = example_world(**MX)
    world.server(A1).fault(faults.truncated(), qtype="MX", transport="udp")
    return world


def data(tag: str, *servers: dict[str, str], **args: Any) -> Found:
    return (tag, {"servers": list(servers), **(args or DATA)})


SCENARIOS: dict[str, tuple[Callable[[], World], dict[str, Any], list[Found]]] = {
    "the same on all": (lambda: example_world(**MX), {}, [data("Z09_MX_DATA", *BOTH)]),
    "none": (example_world, {}, [MISSING]),
    "none, with the older tag": (example_world, {"zonemaster_tags": "2025.2"}, [MISSING_2025_2]),
    "on one": (
        lambda: two_versions(MX, {"records": ""}),
        {},
        [
            ("Z09_INCONSISTENT_MX", {}),
            ("Z09_NO_MX_FOUND", {"servers": [S2]}),
            ("Z09_MX_FOUND", {"servers": [S1]}),
            data("Z09_MX_DATA", S1),
        ],
    ),
    "different": (
        lambda: two_versions(MX, {"records": "@ MX 10 b"}),
        {},
        [
            data("Z09_INCONSISTENT_MX_DATA", S1),
            data("Z09_INCONSISTENT_MX_DATA", S2, **OTHER),
            data("Z09_MX_DATA", S1),
            data("Z09_MX_DATA", S2, **OTHER),
        ],
    ),
    "two names of one address": (
        lambda: example_world(ns={NS1: A1, NS2: A1}, **MX),
        {},
        [data("Z09_MX_DATA", S1, {"ns": NS2, "address": A1})],
    ),
    "null MX": (lambda: example_world(records="@ MX 0 ."), {}, [("Z09_VALID_NULL_MX", {})]),
    "null MX with a preference": (
        lambda: example_world(records="@ MX 10 ."),
        {},
        [("Z09_NULL_MX_NON_ZERO_PREF", {})],
    ),
    "null MX beside another": (
        lambda: example_world(records="@ MX 0 .\n@ MX 10 a"),
        {},
        [("Z09_NULL_MX_WITH_OTHER_MX", {})],
    ),
    "root with MX": (
        lambda: tld_with("@ MX 10 mail.xb.", "."),
        {"zone": "."},
        [("Z09_ROOT_EMAIL_DOMAIN", {"mail_targets": ["mail.xb"]})],
    ),
    "top level domain with MX": (
        lambda: tld_with("@ MX 10 mail"),
        {"zone": "xb"},
        [("Z09_TLD_EMAIL_DOMAIN", {"mail_targets": ["mail.xb"]})],
    ),
    "top level domain without": (lambda: tld_with(""), {"zone": "xb"}, [("Z09_NO_MX_FOUND_OR_EXPECTED", {})]),
    "below arpa with MX": (
        lambda: tld_with("@ MX 10 mail", "in-addr.arpa"),
        {"zone": "in-addr.arpa"},
        [("Z09_ARPA_EMAIL_DOMAIN", {"mail_targets": ["mail.in-addr.arpa"]})],
    ),
    "below arpa without": (
        lambda: tld_with("", "in-addr.arpa"),
        {"zone": "in-addr.arpa"},
        [("Z09_NO_MX_FOUND_OR_EXPECTED", {})],
    ),
    "dead and refusing": (
        dead_server_and_fault(faults.rcode("REFUSED"), "MX"),
        {},
        [
            ("Z09_NO_RESPONSE_MX_QUERY", {"addresses": [A1]}),
            ("Z09_UNEXPECTED_RCODE_MX", {"rcode": "REFUSED", "addresses": [A2]}),
            ("Z09_NO_SERVERS_MX_RESPONSE", {}),
        ],
    ),
    "no authority": (
        both_answer(faults.no_aa(), "MX"),
        {},
        [("Z09_NON_AUTH_MX_RESPONSE", {"addresses": [A1, A2]}), ("Z09_NO_SERVERS_MX_RESPONSE", {})],
    ),
    "truncated": (truncated, {}, [data("Z09_MX_DATA", *BOTH)]),
    "truncated without TCP": (
        truncated_without_tcp,
        {},
        [("Z09_NO_RESPONSE_MX_QUERY", {"addresses": [A1]}), data("Z09_MX_DATA", S2)],
    ),
}


@pytest.mark.parametrize(("build", "options", "expected"), SCENARIOS.values(), ids=SCENARIOS)
def test_zone09(build: Callable[[], World], options: dict[str, Any], expected: list[Found]) -> None:
    assert findings(build(), "zone09", **options) == expected
