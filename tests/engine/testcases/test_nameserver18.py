"""NAMESERVER18: extended errors."""

from __future__ import annotations

from collections.abc import Callable

import dns.edns
import pytest

from tests.support.case_runs import A1, BOTH, S1, S2, Found, example_world, findings
from tests.support.dnsworld import Fault, Server, faults

EDE = dns.edns.OptionType.EDE
NONE2: Found = ("N18_NO_EXTENDED_ERROR", {"servers": [S2]})


def reporting(*options: tuple[int, bytes]) -> Fault:
    values = [dns.edns.GenericOption(EDE, code.to_bytes(2) + text) for code, text in options]
    return faults.edns(options=values)


def on_soa(*several: Fault) -> Callable[[Server], object]:
    def change(server: Server) -> None:
        for fault in several:
            server.fault(fault, qtype="SOA", edns=True)

    return change


def error(tag: str, code: int, name: str, text: str = "") -> Found:
    return tag, {"info_code": code, "info_name": name, "extra_text": text, "servers": [S1]}


FAULTS: dict[str, tuple[Callable[[Server], object], list[Found]]] = {
    "none": (lambda server: None, [("N18_NO_EXTENDED_ERROR", {"servers": BOTH})]),
    "fault of the server": (
        on_soa(reporting((20, b"not here"))),
        [error("N18_SERVER_ERROR_REPORTED", 20, "Not Authoritative", "not here"), NONE2],
    ),
    "filter": (on_soa(reporting((15, b""))), [error("N18_FILTERED_RESPONSE", 15, "Blocked"), NONE2]),
    "resolver": (
        on_soa(reporting((22, b""))),
        [error("N18_RESOLVER_BEHAVIOR_REPORTED", 22, "No Reachable Authority"), NONE2],
    ),
    "another one": (on_soa(reporting((0, b"x"))), [error("N18_EXTENDED_ERROR_REPORTED", 0, "Other Error", "x"), NONE2]),
    "unknown code": (on_soa(reporting((4711, b""))), [error("N18_EXTENDED_ERROR_REPORTED", 4711, "code 4711"), NONE2]),
    "several, by code": (
        on_soa(reporting((18, b""), (3, b""), (18, b""))),
        [
            error("N18_RESOLVER_BEHAVIOR_REPORTED", 3, "Stale Answer"),
            error("N18_SERVER_ERROR_REPORTED", 18, "Prohibited"),
            NONE2,
        ],
    ),
    "text is cleaned": (
        on_soa(reporting((0, b" \xfftext \0"))),
        [error("N18_EXTENDED_ERROR_REPORTED", 0, "Other Error", "text"), NONE2],
    ),
    "long text is cut": (
        on_soa(reporting((0, b"x" * 300))),
        [error("N18_EXTENDED_ERROR_REPORTED", 0, "Other Error", "x" * 256), NONE2],
    ),
    "with an error in the header": (
        on_soa(faults.rcode("REFUSED"), reporting((18, b""))),
        [error("N18_SERVER_ERROR_REPORTED", 18, "Prohibited"), NONE2],
    ),
    "an error in the header alone": (on_soa(faults.rcode("REFUSED")), [NONE2]),
    "option without a code": (
        on_soa(faults.edns(options=[dns.edns.GenericOption(EDE, b"x")])),
        [("N18_NO_EXTENDED_ERROR", {"servers": BOTH})],
    ),
    "silent to EDNS only": (on_soa(faults.silence()), [("N18_NO_EXTENDED_ERROR", {"servers": BOTH})]),
    "silence": (
        lambda server: server.fault(faults.silence(), qtype="SOA"),
        [("N18_NO_RESPONSE", {"servers": [S1]}), NONE2],
    ),
}


@pytest.mark.parametrize(("change_server", "expected"), FAULTS.values(), ids=FAULTS)
def test_nameserver18(change_server: Callable[[Server], object], expected: list[Found]) -> None:
    world = example_world()
    change_server(world.server(A1))
    assert findings(world, "nameserver18") == expected
