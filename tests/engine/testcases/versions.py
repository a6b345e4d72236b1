"""Worlds in which the second server of example.xa has another version of the zone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import dns.name

from tests.support.case_runs import A1, A2, example_world
from tests.support.dnsworld import World, faults

SOA: Final = "{mname} hostmaster.example.xa. {serial} {refresh} {retry} {expire} {minimum}"
FIELDS: Final = {
    "mname": "ns1.example.xa.",
    "serial": 5,
    "refresh": 14400,
    "retry": 3600,
    "expire": 1209600,
    "minimum": 300,
}


def soa(**fields: Any) -> str:
    """Return an SOA record that is valid except for these fields."""
    return SOA.format(**{**FIELDS, **fields})


def two_versions(first: dict[str, Any], second: dict[str, Any]) -> World:
    """Describe the zone separately for each of its servers; the keys are fields of `World.zone`."""
    world = example_world(**first)
    world.zones[dns.name.from_text("example.xa")].on(A2, **second)
    return world


def both_answer(fault: faults.Fault, qtype: str) -> Callable[[], World]:
    """Return the description of a world where both servers have a fault for a record type."""

    def build() -> World:
        world = example_world()
        for address in (A1, A2):
            world.server(address).fault(fault, qtype=qtype)
        return world

    return build


def dead_server_and_fault(fault: faults.Fault, qtype: str) -> Callable[[], World]:
    """Return the description of a world where the first server is dead and the second one has a fault."""

    def build() -> World:
        world = example_world()
        world.server(A1).set(udp=False, tcp=False)
        world.server(A2).fault(fault, qtype=qtype)
        return world

    return build
