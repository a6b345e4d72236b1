"""CONSISTENCY01, 02, 03 and 06: fields of the SOA record on all servers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import dns.name
import pytest

from gonemaster_engine.testcases.consistency.consistency01 import in_serial_order
from tests.support.case_runs import A1, A2, BOTH, NS1, NS2, S1, S1_V6, S2, V6, Found, example_world, findings
from tests.support.dnsworld import World, faults

CASES = ("consistency01", "consistency02", "consistency03", "consistency06")
SOA = "{mname} {rname} {serial} {refresh} {retry} {expire} {minimum}"
FIELDS = {
    "mname": "ns1.example.xa.",
    "rname": "hostmaster.example.xa.",
    "serial": 1,
    "refresh": 7200,
    "retry": 3600,
    "expire": 1209600,
    "minimum": 300,
}
TIMERS = {"refresh": 7200, "retry": 3600, "expire": 1209600, "minimum": 300}


def soa_world(*others: dict[str, Any], **fields: Any) -> World:
    """Describe a zone with that SOA record, and another one on each further server."""
    count = len(others)
    ns = {NS1: A1} | {f"ns{i}.example.xa": f"127.9.{i}.1" for i in range(2, count + 2)}
    world = example_world(ns=ns, soa=SOA.format(**{**FIELDS, **fields}))
    for number, changes in enumerate(others, start=2):
        zone = world.zones[dns.name.from_text("example.xa")]
        zone.on(f"127.9.{number}.1", soa=SOA.format(**{**FIELDS, **changes}))
    return world


def at(number: int) -> dict[str, str]:
    return {"ns": f"ns{number}.example.xa", "address": f"127.9.{number}.1"}


def serial(value: int, *servers: dict[str, str]) -> Found:
    return ("SOA_SERIAL", {"serial": str(value), "servers": list(servers)})


def variation(oldest: int, newest: int, *behind: dict[str, str]) -> Found:
    args = {"serial_min": str(oldest), "serial_max": str(newest), "max_variation": 0, "servers_behind": list(behind)}
    return ("SOA_SERIAL_VARIATION", args)


SCENARIOS: dict[str, tuple[str, Callable[[], World], list[Found]]] = {
    "one serial": (
        "consistency01",
        lambda: soa_world({}, serial=1),
        [serial(1, S1, S2), ("ONE_SOA_SERIAL", {"serial": "1"})],
    ),
    "serials of different length": (
        "consistency01",
        lambda: soa_world({"serial": 10}, {"serial": 10}, serial=9),
        [serial(9, S1), serial(10, at(2), at(3)), ("MULTIPLE_SOA_SERIALS", {"count": 2}), variation(9, 10, S1)],
    ),
    "serials around the wrap": (
        "consistency01",
        lambda: soa_world({"serial": 4294967295}, serial=3),
        [
            serial(3, S1),
            serial(4294967295, S2),
            ("MULTIPLE_SOA_SERIALS", {"count": 2}),
            variation(4294967295, 3, S2),
        ],
    ),
    "serials without order": (
        "consistency01",
        lambda: soa_world({"serial": 2147483649}, serial=1),
        [serial(1, S1), serial(2147483649, S2), ("MULTIPLE_SOA_SERIALS", {"count": 2}), variation(1, 2147483649)],
    ),
    "one RNAME, letter case aside": (
        "consistency02",
        lambda: soa_world({"rname": "HostMaster.example.xa."}),
        [("ONE_SOA_RNAME", {"rname": "hostmaster.example.xa"})],
    ),
    "two RNAMEs": (
        "consistency02",
        lambda: soa_world({"rname": r"first\.last.example.xa."}),
        [
            ("MULTIPLE_SOA_RNAMES", {"count": 2}),
            ("SOA_RNAME", {"rname": r"first\.last.example.xa", "servers": [S2]}),
            ("SOA_RNAME", {"rname": "hostmaster.example.xa", "servers": [S1]}),
        ],
    ),
    "one set of timers": ("consistency03", lambda: soa_world({}), [("ONE_SOA_TIME_PARAMETER_SET", TIMERS)]),
    "two sets of timers": (
        "consistency03",
        lambda: soa_world({"minimum": 600}),
        [
            ("MULTIPLE_SOA_TIME_PARAMETER_SET", {"count": 2}),
            ("SOA_TIME_PARAMETER_SET", {**TIMERS, "servers": [S1]}),
            ("SOA_TIME_PARAMETER_SET", {**TIMERS, "minimum": 600, "servers": [S2]}),
        ],
    ),
    "one MNAME": ("consistency06", lambda: soa_world({}), [("ONE_SOA_MNAME", {"mname": NS1})]),
    "two MNAMEs": (
        "consistency06",
        lambda: soa_world({"mname": "NS2.example.xa."}),
        [
            ("MULTIPLE_SOA_MNAMES", {"count": 2}),
            ("SOA_MNAME", {"mname": NS1, "servers": [S1]}),
            ("SOA_MNAME", {"mname": NS2, "servers": [S2]}),
        ],
    ),
}


@pytest.mark.parametrize(("case_id", "build", "expected"), SCENARIOS.values(), ids=SCENARIOS)
def test_consistency_of_soa(case_id: str, build: Callable[[], World], expected: list[Found]) -> None:
    assert findings(build(), case_id) == expected


@pytest.mark.parametrize("case_id", CASES)
def test_servers_without_the_record(case_id: str) -> None:
    world = example_world()
    world.server(A1).set(udp=False, tcp=False)
    world.server(A2).fault(faults.empty_answer(), qtype="SOA")
    assert findings(world, case_id) == [("NO_RESPONSE", S1), ("NO_RESPONSE_SOA_QUERY", S2)]


@pytest.mark.parametrize("case_id", CASES)
def test_families(case_id: str) -> None:
    world = example_world(ns={NS1: [A1, V6]})
    assert findings(world, case_id, ipv6=False)[0] == ("IPV6_DISABLED", {**S1_V6, "query_type": "SOA"})
    world = example_world(ns={NS1: [A1, V6]})
    supplied = {NS1: (A1, V6)}
    assert findings(world, case_id, supplied=supplied, ipv4=False)[0] == ("IPV4_DISABLED", {**S1, "query_type": "SOA"})


HALF = 1 << 31


@pytest.mark.parametrize(
    ("serials", "ordered"),
    [
        ([2, 1, 3], [1, 2, 3]),
        ([0, HALF * 2 - 1, 1], [HALF * 2 - 1, 0, 1]),
        ([0, HALF - 1], [0, HALF - 1]),
        ([0, HALF + 1], [HALF + 1, 0]),
        ([0, HALF], []),
        ([0, 1 << 30, HALF + (1 << 30)], []),
    ],
)
def test_order_of_serials(serials: list[int], ordered: list[int]) -> None:
    assert in_serial_order(serials) == ordered


def test_all_servers_are_asked_once() -> None:
    world = example_world()
    found = findings(world, "consistency01")
    assert found[0] == ("SOA_SERIAL", {"serial": "2026112501", "servers": BOTH})
    assert len(world.server(A1).asked("example.xa", "SOA")) == 1
