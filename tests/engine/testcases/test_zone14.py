"""ZONE14: ZONEMD."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.engine.testcases.versions import both_answer, soa, two_versions
from tests.support.case_runs import A1, BOTH, S1, S2, Found, example_world, findings
from tests.support.dnsworld import World, faults

DIGEST, OTHER = "ab" * 48, "cd" * 48


def record(serial: int = 5, scheme: int = 1, number: int = 1, digest: str = DIGEST) -> tuple[str, str, str]:
    octets = serial.to_bytes(4) + bytes((scheme, number)) + bytes.fromhex(digest)
    return ("@", "ZONEMD", rf"\# {len(octets)} {octets.hex()}")


def version(*records: tuple[str, str, str], serial: int = 5) -> dict[str, Any]:
    return {"raw": records, "soa": soa(serial=serial)}


def with_zonemd(*records: tuple[str, str, str]) -> Callable[[], World]:
    return lambda: example_world(**version(*records))


def found(*servers: dict[str, str], serial: int = 5, scheme: int = 1, number: int = 1, digest: str = DIGEST) -> Found:
    args = {"servers": list(servers), "serial": serial, "scheme": scheme, "hash": number, "digest": digest}
    return ("Z14_ZONEMD_FOUND", args)


def each(tag: str, **args: int) -> list[Found]:
    return [(tag, {**server, **args}) for server in BOTH]


SCENARIOS: dict[str, tuple[Callable[[], World], list[Found]]] = {
    "none": (example_world, [("Z14_NO_ZONEMD", {"servers": BOTH})]),
    "the same on all": (with_zonemd(record()), [found(*BOTH)]),
    "two hashes": (
        with_zonemd(record(), record(number=2, digest="ef" * 64)),
        [found(*BOTH), found(*BOTH, number=2, digest="ef" * 64)],
    ),
    "one hash twice": (
        with_zonemd(record(), record(digest=OTHER)),
        [*each("Z14_DUPLICATE_SCHEME_HASH", scheme=1, hash=1), found(*BOTH), found(*BOTH, digest=OTHER)],
    ),
    "unknown hash and scheme": (
        with_zonemd(record(scheme=240, number=241, digest="01" * 12)),
        [*each("Z14_UNSUPPORTED_HASH", hash=241), found(*BOTH, scheme=240, number=241, digest="01" * 12)],
    ),
    "for another serial": (
        with_zonemd(record(serial=4)),
        [*each("Z14_SERIAL_MISMATCH", zonemd_serial=4, soa_serial=5), found(*BOTH, serial=4)],
    ),
    "on one server": (
        lambda: two_versions(version(record()), version()),
        [found(S1), ("Z14_NO_ZONEMD", {"servers": [S2]}), ("Z14_MIXED_PRESENCE", {})],
    ),
    "different": (
        lambda: two_versions(version(record()), version(record(digest=OTHER))),
        [found(S1), found(S2, digest=OTHER), ("Z14_INCONSISTENT_ZONEMD", {})],
    ),
    "too short to be one": (
        with_zonemd(("@", "ZONEMD", r"\# 6 000000050101")),
        [("Z14_NO_ZONEMD", {"servers": BOTH})],
    ),
    "errors are passed over": (both_answer(faults.rcode("REFUSED"), "ZONEMD"), []),
}


@pytest.mark.parametrize(("build", "expected"), SCENARIOS.values(), ids=SCENARIOS)
def test_zone14(build: Callable[[], World], expected: list[Found]) -> None:
    assert findings(build(), "zone14") == expected


def test_unknown_soa_serial_is_no_mismatch() -> None:
    world = example_world(**version(record(serial=4)))
    world.server(A1).fault(faults.empty_answer(), qtype="SOA")
    mismatch = ("Z14_SERIAL_MISMATCH", {**S2, "zonemd_serial": 4, "soa_serial": 5})
    assert findings(world, "zone14") == [mismatch, found(*BOTH, serial=4)]
