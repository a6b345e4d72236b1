"""Run one test case on a DNS world without the rest of a run; return its findings and the queries it sent."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeAlias

from gonemaster_engine.asn.cache import AsnCache
from gonemaster_engine.asn.lookup import AsnLookup
from gonemaster_engine.context import DSInfo, RunContext, Undelegated
from gonemaster_engine.net.server.server import Server as Asked
from gonemaster_engine.resolver.recursor import Recursor
from gonemaster_engine.testcases.registry import Case
from gonemaster_engine.zone.zone import Zone
from tests.support.dnsworld import World
from tests.support.engine import in_run

Found: TypeAlias = tuple[str, dict[str, Any]]
"""Message tag and arguments."""

Scenario: TypeAlias = tuple[World, *tuple[Any, ...]]
"""A world, the expected findings as a list of `Found`, and optional arguments of `findings`."""

NS1: Final = "ns1.example.xa"
NS2: Final = "ns2.example.xa"
A1: Final = "127.9.1.1"
A2: Final = "127.9.2.1"
V6: Final = "::1"
S1: Final = {"ns": NS1, "address": A1}
S2: Final = {"ns": NS2, "address": A2}
S1_V6: Final = {"ns": NS1, "address": V6}
BOTH: Final = [S1, S2]
PATIENCE_S: Final = (0.5, 10.0)  # seconds for a local server, normally and after a late response


def case_of(case_id: str) -> Case:
    """Return a test case by its id."""
    module = case_id.rstrip("0123456789")
    found = getattr(importlib.import_module(f"gonemaster_engine.testcases.{module}.{case_id}"), case_id)
    assert isinstance(found, Case)
    return found


def example_world(*, ns: Mapping[str, str | Sequence[str]] | None = None, **fields: Any) -> World:
    """Describe a root, the TLD xa and example.xa with two servers; `fields` are those of `World.zone`."""
    world = World()
    world.zone(".")
    world.zone("xa", ns={"ns1.nic.xa": "127.8.1.1", "ns2.nic.xa": "127.8.2.1"})
    world.zone("example.xa", ns={NS1: A1, NS2: A2} if ns is None else ns, **fields)
    return world


def findings(
    world: World,
    case_id: str,
    *,
    zone: str = "example.xa",
    supplied: Mapping[str, tuple[str, ...]] | None = None,
    ds: Sequence[DSInfo] = (),
    whois_port: int = 43,
    **settings: Any,
) -> list[Found]:
    """Serve a world, run one test case on a zone in it, and return the findings.

    `supplied` are the name servers of an undelegated zone, `ds` its DS records; `settings` are fields of `Profile`.
    """

    async def work(context: RunContext) -> tuple[list[Found], bool]:
        context.undelegated = Undelegated(dict(supplied or {}), tuple(ds))
        recursor = Recursor(context)
        asn = AsnLookup(recursor, context.profile, AsnCache(), budget=context.budget, whois_port=whois_port)
        tested = Zone(context, recursor, asn)
        found: list[Found] = []
        await case_of(case_id).run(tested, lambda finding: found.append((finding.tag.name, finding.args)))
        return found, any(map(_was_late, context.servers.values()))

    def _was_late(asked: Asked) -> bool:
        """Return whether a response was missing although no fault suppressed it: this host was busy."""
        server = world.servers.get(asked.address)
        if server is None or not all(server.listens.values()):
            return False
        sent = asked.cache.by_key.items()
        lost_probes = sum(key.probing and answer.done() and answer.result() is None for key, answer in sent)
        return asked.health.timeouts + lost_probes > server.spoilt

    for patience_s in PATIENCE_S:
        for server in world.servers.values():
            server.forget()
        with world:
            found, late = in_run(world, work, zone=zone, limit_s=60, **{"timeout_s": patience_s, **settings})
        if not late:
            break
    return found
