"""NAMESERVER16: identifiers of servers."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.support.case_runs import A1, A2, BOTH, S1, S2, Found, example_world, findings
from tests.support.dnsworld import Server, World, faults

NONE2: Found = ("N16_NO_NSID_REVEALED", {"servers": [S2]})


def nsid(text: str) -> Found:
    return "N16_HAS_NSID", {"nsid": text, "servers": [S1]}


FAULTS: dict[str, tuple[Callable[[Server], object], list[Found]]] = {
    "none": (lambda server: None, [("N16_NO_NSID_REVEALED", {"servers": BOTH})]),
    "text": (lambda server: server.set(nsid=b" fra1.example "), [nsid("fra1.example"), NONE2]),
    "octets": (lambda server: server.set(nsid=b"\x00\xff\x20"), [nsid("00ff20"), NONE2]),
    "empty": (lambda server: server.set(nsid=b""), [("N16_NO_NSID_REVEALED", {"servers": BOTH})]),
    "silence": (
        lambda server: server.fault(faults.silence(), qtype="SOA"),
        [NONE2, ("N16_NO_RESPONSE", {"servers": [S1]})],
    ),
    "error": (
        lambda server: server.fault(faults.rcode("FORMERR"), qtype="SOA"),
        [NONE2, ("N16_UNEXPECTED_RCODE", {"rcode": "FORMERR", "servers": [S1]})],
    ),
}


@pytest.mark.parametrize(("change_server", "expected"), FAULTS.values(), ids=FAULTS)
def test_nameserver16(change_server: Callable[[Server], object], expected: list[Found]) -> None:
    world = example_world()
    change_server(world.server(A1))
    assert findings(world, "nameserver16") == expected


def with_nsid(first: bytes, second: bytes) -> World:
    world = example_world()
    world.server(A1).set(nsid=first)
    world.server(A2).set(nsid=second)
    return world


def test_servers_are_grouped_by_identifier() -> None:
    assert findings(with_nsid(b"a", b"a"), "nameserver16") == [("N16_HAS_NSID", {"nsid": "a", "servers": BOTH})]
    assert [args["nsid"] for _, args in findings(with_nsid(b"b", b"a"), "nameserver16")] == ["a", "b"]
