"""No zone makes a run send more than its budget: counted where the packets arrive."""

from __future__ import annotations

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from gonemaster_engine.limits import DEFAULT_LIMITS, RunLimits
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


def run(
    world: CountingDns,
    zone: str = ZONE,
    *,
    deadline_s: float = 8.0 if LONG else 1.2,
    limits: RunLimits = DEFAULT_LIMITS,
    **fields: Any,
) -> RunResult:
    """Test a zone of a world, impatiently, and return the result."""

    async def whole() -> RunResult:
        with TemporaryDirectory() as directory:
            hints = world.write_hints(Path(directory) / "root.hints")
            resources = Resources.open(root_hints=hints, dns_port=world.port, hot_cache_ttl_s=0, ipv6=False)
        try:
            profile = loopback_profile(**impatient(**fields))
            return await run_test(zone, profile, resources=resources, deadline_s=deadline_s, limits=limits)
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
    own: Records = {(ZONE, "NS"): [f"a.{ZONE}."], (f"a.{ZONE}", "A"): [OWN], (ZONE, "MX"): []}
    zones: dict[str, Records] = {ZONE: own}
    for index in range(names):
        own[ZONE, "NS"].append(f"n{index}.{ZONE}.")
        own[f"n{index}.{ZONE}", "A"] = [
            silent[(index * each + step) % addresses] for step in range(min(each, addresses))
        ]
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
    max_examples=200 if LONG else 2,
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


def limits_of(result: RunResult) -> dict[str, dict[str, Any]]:
    """Return what the finding about limits says, by limit."""
    found = [entry.args["limits"] for entry in result.entries if entry.tag == "RUN_LIMIT_REACHED"]
    assert len(found) <= 1
    return {each["limit"]: each for each in (found[0] if found else ())}


def test_names_beyond_the_limit_are_left_out_and_reported_once() -> None:
    world = evil_zone(names=80, addresses=80)
    result = run(world, fast_fail_timeout_count=1, error_cache_ttl_s=30)
    reached = limits_of(result)["max_nameservers"]
    first_left_out = sorted(f"n{index}.{ZONE}" for index in range(80))[49]  # a.evil.xa comes before them
    assert (reached["value"], reached["count"], reached["examples"][0]) == (50, 31, first_left_out)
    assert len([address for address in numbered(80) if world.packets[address]]) == 49
    assert not [entry for entry in result.entries if entry.tag in {"MULTIPLE_NS_SET", "EXTRA_NAME_PARENT"}]


def test_mail_servers_beyond_the_limit_are_left_out_and_reported() -> None:
    result = run(evil_zone(mail=80))
    assert limits_of(result)["max_mail_servers"]["count"] == 30


@pytest.mark.parametrize(("names", "each"), [(13, 2), (40, 1)])
def test_a_large_honest_zone_is_tested_in_full(names: int, each: int) -> None:
    world = evil_zone(names=names, addresses=names * each, each=each)
    for address in numbered(names * each):
        world.served[address] = {ZONE}
    result = run(world, deadline_s=60, timeout_s=2, retrans_s=1)
    assert (limits_of(result), result.unfinished) == ({}, [])
    assert all(world.packets[address] > 20 for address in numbered(names * each))


def test_a_run_that_has_sent_all_it_may_ends_and_says_so() -> None:
    result = run(evil_zone(), limits=RunLimits(max_queries=40), deadline_s=30)
    assert result.unfinished
    assert limits_of(result).keys() == {"max_queries"}
    assert result.entries[-1].args["testcases"] == result.unfinished
    assert not [entry for entry in result.entries if "NO_RESPONSE" in entry.tag]


def test_a_run_that_has_found_all_it_may_ends_and_says_so() -> None:
    result = run(evil_zone(), limits=RunLimits(max_entries=50), deadline_s=30)
    assert result.unfinished
    assert limits_of(result).keys() == {"max_entries"}


def test_queries_wait_for_what_others_under_way_do_not_use() -> None:
    """With fifteen tries a query is charged with fifteen packets; many at once must not use up an address's limit."""
    result = run(evil_zone(outside=45), retry=15, deadline_s=30)
    assert (limits_of(result), result.unfinished) == ({}, [])
