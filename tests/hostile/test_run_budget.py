"""No zone makes a run send more than its budget: counted where the packets arrive."""

from __future__ import annotations

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from gonemaster_engine.resources import Resources
from gonemaster_engine.run import RunResult, run_test
from tests.hostile import LONG
from tests.hostile._counting import CountingDns, Records, numbered
from tests.hostile._counting import settings as impatient
from tests.support.engine import loopback_profile

SILENT_IN_ALL = 3_000
SILENT_EACH = 60
OUTSIDE_EACH = 250
VICTIM = "127.66.0.1"
OWN = "127.77.0.1"
ZONE = "evil.xa"


def run(world: CountingDns, zone: str = ZONE, *, deadline_s: float = 8.0 if LONG else 2.0, **fields: Any) -> RunResult:
    """Test a zone of a world, impatiently, and return the result."""

    async def whole() -> RunResult:
        with TemporaryDirectory() as directory:
            hints = world.write_hints(Path(directory) / "root.hints")
            resources = Resources.open(root_hints=hints, dns_port=world.port, hot_cache_ttl_s=0, ipv6=False)
        try:
            profile = loopback_profile(**impatient(**fields))
            return await run_test(zone, profile, resources=resources, deadline_s=deadline_s)
        finally:
            await resources.close()

    with world:
        return asyncio.run(whole())


def evil_zone(
    *,
    names: int = 0,
    addresses: int = 1,
    each: int = 1,
    outside: int = 0,
    mail: int = 0,
    aliases: int = 0,
    hidden: int = 0,
) -> CountingDns:
    """Return a world whose zone has one working server and:

    `names` in-domain servers at `addresses` silent addresses, `each` at so many of them; `outside` servers and `mail`
    servers with names in a victim's zone, which do not exist there; `aliases` mail servers that are chains of aliases
    into it; `hidden` servers in zones that are delegated to silent servers.
    """
    silent = numbered(addresses)
    own: Records = {(ZONE, "NS"): [f"ns.{ZONE}."], (f"ns.{ZONE}", "A"): [OWN], (ZONE, "MX"): []}
    zones: dict[str, Records] = {ZONE: own}
    for index in range(names):
        own[ZONE, "NS"].append(f"n{index}.{ZONE}.")
        own[f"n{index}.{ZONE}", "A"] = [silent[(index + step) % addresses] for step in range(min(each, addresses))]
    own[ZONE, "NS"] += [f"o{index}.victim.xa." for index in range(outside)]
    own[ZONE, "MX"] += [f"10 m{index}.victim.xa." for index in range(mail)]
    for index in range(aliases):
        own[ZONE, "MX"].append(f"20 a{index}.{ZONE}.")
        own[f"a{index}.{ZONE}", "CNAME"] = [f"a{index}.victim.xa."]
    for index in range(hidden):
        hidden_zone = f"h{index}.xa"
        own[ZONE, "NS"].append(f"ns.{hidden_zone}.")
        own[ZONE, "MX"].append(f"30 mx.{hidden_zone}.")
        zones[hidden_zone] = {
            (hidden_zone, "NS"): [f"s{step}.{hidden_zone}." for step in range(4)],
            **{(f"s{step}.{hidden_zone}", "A"): [numbered(4 * hidden, net=120)[4 * index + step]] for step in range(4)},
        }
    zones["victim.xa"] = {("victim.xa", "NS"): ["ns.victim.xa."], ("ns.victim.xa", "A"): [VICTIM]}
    if not own[ZONE, "MX"]:
        del own[ZONE, "MX"]
    return CountingDns(zones, {OWN: [ZONE], VICTIM: ["victim.xa"]})


def check_budget(world: CountingDns, delegated: set[str]) -> None:
    """Hold what the addresses of a world got against the budget."""
    silent = {address: count for address, count in world.packets.items() if address not in world.answered}
    assert max(silent.values(), default=0) <= SILENT_EACH
    assert sum(silent.values()) <= SILENT_IN_ALL
    outside = {address: count for address, count in world.packets.items() if address not in delegated}
    assert max(outside.values(), default=0) <= OUTSIDE_EACH


SIZES = st.one_of(st.integers(0, 5), st.integers(0, 150))


@given(
    names=SIZES,
    addresses=st.integers(1, 150),
    each=st.sampled_from([1, 2, 10, 100]),
    outside=SIZES,
    mail=SIZES,
    aliases=SIZES,
    hidden=st.integers(0, 30),
    remembers=st.booleans(),
)
@example(names=100, addresses=100, each=1, outside=0, mail=0, aliases=0, hidden=0, remembers=False)
@example(names=100, addresses=100, each=100, outside=0, mail=0, aliases=0, hidden=0, remembers=True)
@example(names=0, addresses=1, each=1, outside=500, mail=0, aliases=0, hidden=0, remembers=True)
@example(names=0, addresses=1, each=1, outside=0, mail=500, aliases=0, hidden=0, remembers=True)
@settings(
    max_examples=200 if LONG else 3,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
def test_no_zone_makes_a_run_send_more_than_its_budget(remembers: bool, **sizes: int) -> None:
    world = evil_zone(**sizes)
    delegated = {OWN, *(address for address in numbered(sizes["addresses"]))}
    fields: dict[str, Any] = {"error_cache_ttl_s": 30, "fast_fail_timeout_count": 3} if remembers else {}
    run(world, **fields)
    check_budget(world, delegated)
