"""Whois servers get only the packets that the budget of a run allows, like any other address."""

from __future__ import annotations

import dataclasses

import pytest

from gonemaster_engine.asn.cache import FAILED, AsnCache, Origin
from gonemaster_engine.asn.lookup import AsnLookup
from gonemaster_engine.budget import Budget
from gonemaster_engine.context import RunContext
from gonemaster_engine.limits import DEFAULT_LIMITS, RunLimits
from gonemaster_engine.profile.profile import AsnDatabase
from gonemaster_engine.resolver.recursor import Recursor
from tests.support.dnsworld import World
from tests.support.engine import in_run
from tests.support.riswhois import ADDRESS, ris_whois

SOURCE = "riswhois.ripe.net"
ADDRESSES = [f"198.51.{number}.7" for number in range(60)]  # each in a different block


def look_up_all(
    *, silent: bool = False, limits: RunLimits = DEFAULT_LIMITS
) -> tuple[list[Origin], int, dict[str, list[str]]]:
    """Look up all addresses by whois; return the findings, the connections, and the lookups skipped by the limit."""

    async def work(context: RunContext) -> tuple[list[Origin], int, dict[str, list[str]]]:
        budget = Budget(limits)
        async with ris_whois("64500\t198.51.0.0/16\t300", silent=silent) as whois:
            lookup = AsnLookup(Recursor(context), context.profile, AsnCache(), budget=budget, whois_port=whois.port)
            origins = await lookup.lookup_all(ADDRESSES)
            left_out = {name: each.examples for name, each in budget.left_out.items()}
            return list(origins.values()), len(whois.queries), left_out

    world = World()
    world.zone("ripe.net", records=f"riswhois A {ADDRESS}")
    only_whois = AsnDatabase("ripe", {"ripe": (SOURCE,)})
    with world:
        return in_run(world, work, asn_db=only_whois, timeout_s=0.3)


def test_all_addresses_are_looked_up_within_the_limits() -> None:
    origins, connections, left_out = look_up_all()
    assert ({origin.asns for origin in origins}, connections, left_out) == ({(64500,)}, len(ADDRESSES), {})


@pytest.mark.parametrize("limit", ["max_independent_packets", "max_queries"])
def test_a_whois_server_gets_no_more_than_a_limit_allows(limit: str) -> None:
    origins, connections, left_out = look_up_all(limits=dataclasses.replace(DEFAULT_LIMITS, **{limit: 30}))
    assert 0 < connections <= 30
    assert FAILED in origins
    assert left_out == {limit: [ADDRESS]}


def test_a_silent_whois_server_is_recognised_before_all_addresses_are_queried() -> None:
    origins, connections, _ = look_up_all(silent=True)
    assert (set(origins), connections) == ({FAILED}, 4)
