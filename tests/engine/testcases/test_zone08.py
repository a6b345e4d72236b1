"""ZONE08: mail hosts that are aliases."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.engine.testcases.versions import both_answer
from tests.support.case_runs import A1, A2, Found, example_world, findings
from tests.support.dnsworld import World, faults


def about(tag: str, mx: str) -> Found:
    return (tag, {"mx": mx})


def with_mx(*records: str) -> Callable[[], World]:
    return lambda: example_world(records="\n".join(records))


def inventing() -> World:
    """Describe servers that return a CNAME record to a CNAME query, and an address otherwise."""
    world = with_mx("@ MX 10 mail", "mail A 192.0.2.1")()
    for address in (A1, A2):
        world.server(address).fault(faults.alias("example.xa."), qtype="CNAME")
    return world


SCENARIOS: dict[str, tuple[Callable[[], World], list[Found]]] = {
    "host with an address": (
        with_mx("@ MX 10 mail", "mail A 192.0.2.1"),
        [about("MX_RECORD_IS_NOT_CNAME", "mail.example.xa")],
    ),
    "alias": (
        with_mx("@ MX 10 mail", "mail CNAME www", "www A 192.0.2.1"),
        [about("MX_RECORD_IS_CNAME", "mail.example.xa")],
    ),
    "host that the servers do not know": (
        with_mx("@ MX 10 mail.elsewhere.xa.", "@ MX 20 mail"),
        [about("MX_RECORD_IS_NOT_CNAME", "mail.example.xa"), about("MX_RECORD_NOT_CHECKED", "mail.elsewhere.xa")],
    ),
    "one host twice": (with_mx("@ MX 10 mail", "@ MX 20 mail"), [about("MX_RECORD_IS_NOT_CNAME", "mail.example.xa")]),
    "null MX": (with_mx("@ MX 0 ."), []),
    "no MX": (example_world, []),
    "an invented alias is not believed": (inventing, [about("MX_RECORD_IS_NOT_CNAME", "mail.example.xa")]),
    "no authoritative answer": (both_answer(faults.no_aa(), "MX"), [("NO_RESPONSE_MX_QUERY", {})]),
}


@pytest.mark.parametrize(("build", "expected"), SCENARIOS.values(), ids=SCENARIOS)
def test_zone08(build: Callable[[], World], expected: list[Found]) -> None:
    assert sorted(findings(build(), "zone08"), key=str) == sorted(expected, key=str)
