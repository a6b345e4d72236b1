"""ZONE12: CSYNC."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.engine.testcases.versions import both_answer, soa, two_versions
from tests.support.case_runs import A1, BOTH, NS1, NS2, S1, S2, Found, example_world, findings
from tests.support.dnsworld import World, faults


def version(*records: str, serial: int = 5) -> dict[str, Any]:
    """Return the fields of a zone with these CSYNC records."""
    return {"records": "\n".join(f"@ CSYNC {record}" for record in records), "soa": soa(serial=serial)}


def with_csync(*records: str, serial: int = 5) -> Callable[[], World]:
    return lambda: example_world(**version(*records, serial=serial))


def found(*servers: dict[str, str], serial: int = 5, flags: int = 1) -> Found:
    args = {"servers": list(servers), "serial": serial, "flags": flags, "type_bitmap": "A;NS;AAAA"}
    return ("Z12_CSYNC_FOUND", args)


def mismatch(server: dict[str, str], csync: int, serial: int = 5) -> Found:
    return ("Z12_SERIAL_MISMATCH", {**server, "csync_serial": csync, "soa_serial": serial})


TYPES = "A NS AAAA"

SCENARIOS: dict[str, tuple[Callable[[], World], list[Found]]] = {
    "none": (example_world, [("Z12_NO_CSYNC", {"servers": BOTH})]),
    "the same on all": (with_csync(f"5 1 {TYPES}"), [found(*BOTH)]),
    "no types": (
        with_csync("5 1"),
        [("Z12_CSYNC_FOUND", {"servers": BOTH, "serial": 5, "flags": 1, "type_bitmap": ""})],
    ),
    "for another serial": (
        with_csync(f"4 1 {TYPES}"),
        [mismatch(S1, 4), mismatch(S2, 4), found(*BOTH, serial=4)],
    ),
    "from an older serial on": (with_csync(f"4 3 {TYPES}"), [found(*BOTH, serial=4, flags=3)]),
    "from a later serial on": (
        with_csync(f"3 3 {TYPES}", serial=4294967295),
        [mismatch(S1, 3, 4294967295), mismatch(S2, 3, 4294967295), found(*BOTH, serial=3, flags=3)],
    ),
    "several": (
        with_csync(f"5 1 {TYPES}", "5 1 A"),
        [("Z12_MULTIPLE_CSYNC", {**server, "count": 2}) for server in BOTH],
    ),
    "on one server": (
        lambda: two_versions(version(f"5 1 {TYPES}"), version()),
        [found(S1), ("Z12_NO_CSYNC", {"servers": [S2]}), ("Z12_MIXED_PRESENCE", {})],
    ),
    "different": (
        lambda: two_versions(version(f"5 1 {TYPES}"), version(f"6 1 {TYPES}", serial=6)),
        [found(S1), found(S2, serial=6), ("Z12_INCONSISTENT_CSYNC", {})],
    ),
    "one address with two names": (
        lambda: example_world(ns={NS1: A1, NS2: A1}, **version(f"5 1 {TYPES}")),
        [found(S1, {"ns": NS2, "address": A1})],
    ),
    "errors are passed over": (both_answer(faults.rcode("REFUSED"), "CSYNC"), []),
}


@pytest.mark.parametrize(("build", "expected"), SCENARIOS.values(), ids=SCENARIOS)
def test_zone12(build: Callable[[], World], expected: list[Found]) -> None:
    assert findings(build(), "zone12") == expected


def test_unknown_soa_serial_is_no_mismatch() -> None:
    world = example_world(**version(f"4 1 {TYPES}"))
    world.server(A1).fault(faults.empty_answer(), qtype="SOA")
    assert findings(world, "zone12") == [mismatch(S2, 4), found(*BOTH, serial=4)]
