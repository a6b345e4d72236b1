"""Worlds in which a name server's name is an unresolved alias, for the cases that report it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from tests.support.case_runs import A1, NS1, Found, example_world
from tests.support.dnsworld import World, faults

ALIAS: Final = "ns.alias.xa"


def _world(records: str) -> World:
    world = example_world(ns={NS1: A1, ALIAS: ()})
    world.zone("alias.xa", ns={"ns1.alias.xa": "127.9.3.1"}, records=records)
    return world


def _dangling() -> World:
    return _world("ns CNAME gone.alias.xa.")


def _many_records() -> World:
    links = [f"link{number} CNAME link{number + 1}" for number in range(12)]
    return _world("\n".join(["ns CNAME link0", *links]))


def _endless() -> World:
    world = _world("")
    world.server("127.9.3.1").fault(faults.endless_alias("alias.xa"), below="alias.xa")
    return world


AliasScenario = tuple[Callable[[], World], Found]

ALIAS_SCENARIOS: Final[dict[str, AliasScenario]] = {
    "alias without target": (
        _dangling,
        ("CNAME_TARGET_UNRESOLVED", {"query_name": ALIAS, "cname_target": "gone.alias.xa"}),
    ),
    "too many aliases in one answer": (_many_records, ("CNAME_TOO_MANY_RECORDS", {"query_name": ALIAS})),
    "endless chain of aliases": (_endless, ("CNAME_CHAIN_TOO_LONG", {"query_name": ALIAS})),
}


def alias_findings(found: list[Found]) -> list[tuple[str, dict[str, Any]]]:
    """Return the findings about aliases."""
    return [finding for finding in found if finding[0].startswith("CNAME_")]
