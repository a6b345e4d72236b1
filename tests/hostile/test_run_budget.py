"""No zone makes a run send more packets than its budget; the receiving addresses count the packets."""

from __future__ import annotations

import asyncio
import itertools
import json
import random
import socket
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import dns.flags
import dns.message
import dns.name
import dns.rdatatype
import dns.rrset
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from gonemaster_engine.budget import Budget
from gonemaster_engine.limits import DEFAULT_LIMITS, RunLimits
from gonemaster_engine.net.transport import host_has_ipv6
from gonemaster_engine.resources import Resources
from gonemaster_engine.run.run import RunResult, run_test
from tests.hostile import LONG
from tests.hostile._counting import ARPA, TLD, CountingDns, Records, numbered
from tests.hostile._counting import settings as impatient
from tests.hostile._giants import crowds
from tests.support.engine import loopback_profile

SILENT_IN_ALL = 3_000
SILENT_EACH = 60
OUTSIDE_EACH = 250
PER_ANSWER = 8
VICTIM = "127.66.0.1"
OWN = "127.77.0.1"
ZONE = "evil.xa"


def run(world: CountingDns, zone: str = ZONE, **options: Any) -> RunResult:
    """Serve a world and test one of its zones; options are those of `run_inside`."""
    with world:
        return run_inside(world, zone, **options)


def run_inside(
    world: CountingDns,
    zone: str = ZONE,
    *,
    deadline_s: float = 8.0 if LONG else 1.2,
    limits: RunLimits = DEFAULT_LIMITS,
    ipv6: bool = False,
    **fields: Any,
) -> RunResult:
    """Test a zone of a running world with short timeouts, and return the result."""

    async def whole() -> RunResult:
        with TemporaryDirectory() as directory:
            hints = world.write_hints(Path(directory) / "root.hints")
            resources = Resources.open(root_hints=hints, dns_port=world.port, hot_cache_ttl_s=0, ipv6=ipv6)
        try:
            profile = loopback_profile(**impatient(**fields))
            return await run_test(zone, profile, resources=resources, deadline_s=deadline_s, limits=limits)
        finally:
            await resources.close()

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

    `names` in-domain servers at `addresses` silent addresses, each server at `each` of them; `outside` servers and
    `mail`
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
    """Compare the packets that the addresses of a world received with the budget."""
    silent = {address: count for address, count in world.packets.items() if address not in world.answers}
    assert max(silent.values(), default=0) <= SILENT_EACH
    assert sum(silent.values()) <= SILENT_IN_ALL
    outside = {address: count for address, count in world.packets.items() if address not in delegated}
    assert max(outside.values(), default=0) <= OUTSIDE_EACH
    unearned = {address: count - PER_ANSWER * world.answers[address] for address, count in world.packets.items()}
    assert max(unearned.values()) <= SILENT_EACH
    assert sum(count for count in unearned.values() if count > 0) <= SILENT_IN_ALL


HUNTING = settings(deadline=None, derandomize=False, print_blob=True, suppress_health_check=[HealthCheck.too_slow])
SIZES = st.one_of(st.integers(0, 5), st.integers(0, 150))


@pytest.mark.timeout(7_200 if LONG else 120)
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
@settings(HUNTING, max_examples=200 if LONG else 2)
def test_no_zone_makes_a_run_send_more_than_its_budget(remembers: bool, **sizes: int) -> None:
    world = evil_zone(**sizes)
    delegated = {OWN, *(address for address in numbered(sizes["addresses"]))}
    fields: dict[str, Any] = {"error_cache_ttl_s": 30, "fast_fail_timeout_count": 3} if remembers else {}
    run(world, **fields)
    check_budget(world, delegated)


def test_all_silent_addresses_together_get_no_more_than_a_run_may_send_to_silence() -> None:
    """A hundred addresses are far below the limit of each address; together they exceed it."""
    world = evil_zone(names=50, addresses=100, each=2)
    limits = RunLimits(max_silent_packets=150)
    result = run(world, deadline_s=10.0, limits=limits)
    silent = {address: count for address, count in world.packets.items() if address not in world.answers}
    assert max(silent.values()) < limits.max_silent_packets_per_address
    assert sum(silent.values()) <= limits.max_silent_packets
    assert "max_silent_packets" in limits_of(result)


def taciturn_zone(addresses: int, *, first: int, one_of: int, names: int = 50) -> tuple[CountingDns, list[str]]:
    """Return a world whose servers answer their `first` queries, and then one query of every N (0: none)."""
    world = evil_zone(names=min(names, addresses), addresses=addresses, each=-(-addresses // names))
    servers = numbered(addresses)
    for address in servers:
        world.served[address] = {ZONE}

    def answer(address: str, query: dns.message.Message) -> dns.message.Message | None:
        number = world.packets[address] - 1
        speaks = number < first or (one_of and number % one_of == 0)
        return world.authoritative(address, query) if speaks or address not in servers else None

    world.answer = answer
    return world, servers


@pytest.mark.timeout(7_200 if LONG else 120)
@given(
    addresses=st.integers(1, 100),
    first=st.sampled_from([0, 1, 2, 5, 20]),
    one_of=st.sampled_from([0, 2, 7, 9, 15, 40]),
    remembers=st.booleans(),
)
@example(addresses=51, first=1, one_of=0, remembers=False)
@example(addresses=100, first=1, one_of=30, remembers=False)
@settings(HUNTING, max_examples=100 if LONG else 1)
def test_an_address_gets_what_its_answers_have_earned_it(
    addresses: int, first: int, one_of: int, remembers: bool
) -> None:
    world, servers = taciturn_zone(addresses, first=first, one_of=one_of)
    fields: dict[str, Any] = {"error_cache_ttl_s": 30, "fast_fail_timeout_count": 3} if remembers else {}
    run(world, deadline_s=8.0 if LONG else 2.0, **fields)
    check_budget(world, {OWN, *servers})


def test_an_address_that_falls_silent_gets_no_more_than_what_was_earned_ahead() -> None:
    world, servers = taciturn_zone(4, first=10, one_of=0)
    limits = RunLimits(max_earned_packets=8, max_silent_packets_per_address=12)
    result = run(world, deadline_s=10.0, limits=limits)
    after = [world.packets[address] - world.answers[address] for address in servers]
    assert max(after) <= 8 + 12 + limits.max_probes  # the last ones were sent before the last answers were received
    assert limits_of(result).keys() == {"max_silent_packets_per_address"}


def test_to_be_named_by_the_delegation_is_not_to_serve_the_zone() -> None:
    """The glue has a victim's address, which refuses queries: it gets as few packets as one outside the delegation."""
    world = evil_zone(names=40, addresses=1)
    (victim,) = numbered(1)
    world.refusing.add(victim)
    limits = RunLimits(max_outside_packets=30)
    result = run(world, deadline_s=10.0, limits=limits)
    assert world.packets[victim] <= limits.max_outside_packets < world.packets[OWN]
    assert victim in limits_of(result)["max_outside_packets"]["examples"]


Loss = Callable[[int, dns.message.Message], bool]
"""Decides whether a packet is lost, from its number at its address and its query."""


def _random(share: float) -> Loss:
    source = random.Random(int(share * 100))
    return lambda number, query: source.random() < share


LOSSES: dict[str, Loss] = {
    "10 %": _random(0.1),
    "30 %": _random(0.3),
    "no TXT, MX and DNSKEY": lambda number, query: (
        query.question[0].rdtype in {dns.rdatatype.TXT, dns.rdatatype.MX, dns.rdatatype.DNSKEY}
    ),
    "no EDNS": lambda number, query: query.edns >= 0,
    "names that do not exist, one of five": lambda number, query: (
        query.question[0].name.labels[0] not in {b"evil", b"a", b"n0"} and number % 5 > 0
    ),
}


@pytest.mark.parametrize("loss", LOSSES)
def test_an_honest_server_that_loses_packets_is_tested_in_full(loss: str) -> None:
    world = evil_zone(names=2, addresses=2)
    servers = [OWN, *numbered(2)]
    world.served |= {address: {ZONE} for address in servers}

    def answer(address: str, query: dns.message.Message) -> dns.message.Message | None:
        is_lost = address in servers and LOSSES[loss](world.packets[address], query)
        return None if is_lost else world.authoritative(address, query)

    world.answer = answer
    result = run(world, deadline_s=60.0, fast_fail_timeout_count=3, error_cache_ttl_s=30)
    assert (limits_of(result), result.unfinished) == ({}, [])


def limits_of(result: RunResult) -> dict[str, dict[str, Any]]:
    """Return the findings about limits, by limit."""
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
    assert limits_of(result)["max_mail_servers"]["count"] == 31  # 80, and the domain of the RNAME


def test_names_that_were_left_out_are_not_said_not_to_work() -> None:
    """The only working server has the last of sixty names, so the run does not check it."""
    world = evil_zone(names=60, addresses=60)
    own = world.zones[ZONE]
    own[ZONE, "NS"][0] = f"z.{ZONE}."
    own[f"z.{ZONE}", "A"] = own.pop((f"a.{ZONE}", "A"))
    result = run(world, fast_fail_timeout_count=1, error_cache_ttl_s=30, deadline_s=10.0)
    tags = {entry.tag for entry in result.entries}
    assert {"CANNOT_CONTINUE", "RUN_LIMIT_REACHED"} <= tags
    assert "B02_NO_WORKING_NS" not in tags


def test_mail_servers_are_limited_per_run_from_every_record() -> None:
    """Forty in the MX records of the zone, forty more in those of its RNAME's domain."""
    world = evil_zone(mail=40)
    world.zones["mail.xa"] = {
        ("mail.xa", "NS"): ["ns.victim.xa."],
        ("mail.xa", "MX"): [f"10 n{index}.victim.xa." for index in range(40)],
        ("mail.xa", "SOA"): ["ns.victim.xa. root.mail.xa. 1 7200 900 99999 300"],
    }
    world.served[VICTIM].add("mail.xa")
    world.zones[ZONE][ZONE, "SOA"] = [f"a.{ZONE}. root.mail.xa. 1 7200 900 99999 300"]
    looked_up: set[str] = set()

    def answer(address: str, query: dns.message.Message) -> dns.message.Message | None:
        if address == VICTIM and query.question[0].name.labels[0][:1] in {b"m", b"n"}:
            looked_up.add(query.question[0].name.to_text())
        return world.authoritative(address, query)

    world.answer = answer
    result = run(world, deadline_s=30)
    assert len(looked_up & {f"{kind}{index}.victim.xa." for kind in "mn" for index in range(40)}) <= 50
    assert limits_of(result)["max_mail_servers"]["count"] >= 30
    assert "RNAME_RFC822_VALID" not in {entry.tag for entry in result.entries}


def test_addresses_of_ipv6_are_not_the_first_to_be_cut() -> None:
    ipv4 = [f"127.0.0.{number}" for number in range(5)]
    admitted = Budget().admission(ZONE).addresses({f"n{index}": [*ipv4, "fd00::1"] for index in range(50)})
    assert set(map(tuple, admitted.values())) == {("127.0.0.0", "fd00::1")}


Reaction = Callable[[CountingDns, dns.message.Message], "dns.message.Message | None"]


def changing_referral(world: CountingDns, query: dns.message.Message) -> dns.message.Message:
    """Refer to other servers at each query: thirteen new names with addresses of other servers."""
    number = world.packets[TLD]
    response = dns.message.make_response(query)
    for index in range(13):
        name = f"r{number}x{index}.{ZONE}."
        address = f"127.{100 + number % 20}.{index}.{number % 250 + 1}"
        response.authority.append(dns.rrset.from_text(f"{ZONE}.", 300, "IN", "NS", name))
        response.additional.append(dns.rrset.from_text(name, 300, "IN", "A", address))
    return response


def dname_loop(world: CountingDns, query: dns.message.Message) -> dns.message.Message:
    """Lead each name below the zone to a longer one below the zone."""
    name = query.question[0].name
    zone = dns.name.from_text(ZONE)
    if not name.is_subdomain(zone) or name == zone:
        return world.authoritative(OWN, query) or dns.message.make_response(query)
    response = dns.message.make_response(query)
    response.flags |= dns.flags.AA
    response.answer.append(dns.rrset.from_text(zone, 300, "IN", "DNAME", f"d.{ZONE}."))
    response.answer.append(dns.rrset.from_text(name, 300, "IN", "CNAME", f"{name.labels[0].decode()}.d.{ZONE}."))
    return response


def many_pointers(world: CountingDns, query: dns.message.Message) -> dns.message.Message | None:
    """Return three hundred names in a victim's zone for each address."""
    response = dns.message.make_response(query)
    response.flags |= dns.flags.AA
    names = [f"p{index}.victim.xa." for index in range(300)]
    response.answer.append(dns.rrset.from_text_list(query.question[0].name, 300, "IN", "PTR", names))
    return response if query.question[0].rdtype == dns.rdatatype.PTR else world.authoritative(ARPA, query)


def alias_chains(world: CountingDns, query: dns.message.Message) -> dns.message.Message | None:
    """Lead mail servers in the zone through endless aliases, which alternate between the zone and the victim's zone."""
    name = query.question[0].name
    if name == dns.name.from_text(ZONE) or name.labels[0] == b"a":
        return world.authoritative(OWN, query)
    response = dns.message.make_response(query)
    response.flags |= dns.flags.AA
    following = f"c{world.packets[OWN]}.{ZONE}." if world.packets[OWN] % 3 else f"c{world.packets[OWN]}.victim.xa."
    response.answer.append(dns.rrset.from_text(name, 300, "IN", "CNAME", following))
    return response


SHAPES: dict[str, tuple[str, Reaction]] = {
    "another referral at each query": (TLD, changing_referral),
    "DNAME loops": (OWN, dname_loop),
    "PTR fan-out": (ARPA, many_pointers),
    "aliases without end": (OWN, alias_chains),
}


FIRST_SHAPE, *MORE_SHAPES = SHAPES


@pytest.mark.parametrize(
    "shape", [FIRST_SHAPE, *(pytest.param(shape, marks=pytest.mark.thorough) for shape in MORE_SHAPES)]
)
def test_other_shapes_stay_within_the_budget(shape: str) -> None:
    world = evil_zone(names=20, addresses=20, mail=20, aliases=40)
    where, react = SHAPES[shape]
    zone = dns.name.from_text(ZONE)

    def answer(address: str, query: dns.message.Message) -> dns.message.Message | None:
        is_about = address != TLD or query.question[0].name.is_subdomain(zone)
        return react(world, query) if address == where and is_about else world.authoritative(address, query)

    world.answer = answer
    # A busy host answers late, and a single missing response would end all queries here.
    run(world, deadline_s=20.0, fast_fail_timeout_count=1, error_cache_ttl_s=30, timeout_s=2.0, retrans_s=1.0)
    assert world.packets[where] > 2
    check_budget(world, {OWN, *numbered(20)})


@pytest.mark.parametrize(("names", "each"), [(13, 2), pytest.param(40, 1, marks=pytest.mark.thorough)])
def test_a_large_honest_zone_is_tested_in_full(names: int, each: int) -> None:
    world = evil_zone(names=names, addresses=names * each, each=each)
    for address in numbered(names * each):
        world.served[address] = {ZONE}
    result = run(world, deadline_s=60, timeout_s=10, retrans_s=5)  # a late response is not silence
    assert (limits_of(result), result.unfinished) == ({}, [])
    assert len(json.dumps([entry.args for entry in result.entries])) < DEFAULT_LIMITS.max_entry_octets // 10
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


def test_a_run_whose_entries_hold_all_the_text_they_may_ends_and_says_so() -> None:
    result = run(evil_zone(), limits=RunLimits(max_entry_octets=2000), deadline_s=30)
    assert result.unfinished
    assert limits_of(result).keys() == {"max_entry_octets"}


def test_queries_wait_for_what_others_under_way_do_not_use() -> None:
    """With fifteen attempts, a query is charged fifteen packets; many queries must not use up an address's limit."""
    result = run(evil_zone(outside=45), retry=15, deadline_s=30)
    assert (limits_of(result), result.unfinished) == ({}, [])


def test_all_disguises_of_an_address_are_paid_from_one_account() -> None:
    """A name server has one IPv4 address and five IPv6 addresses that embed it; two packets may be sent in all."""
    disguises = ("::ffff:127.99.0.1", "64:ff9b::7f63:1", "64:ff9b:1::7f63:1", "2002:7f63:1::1", "2002:7f63:1::2")
    world = evil_zone(names=1)
    own = world.zones[ZONE]
    own[f"n0.{ZONE}", "A"] = ["127.99.0.1"]
    own[f"n0.{ZONE}", "AAAA"] = list(disguises)
    limits = RunLimits(max_silent_packets_per_address=2)
    result = run(world, ipv6=True, deadline_s=6.0, limits=limits, source6="")
    assert 0 < world.packets["127.99.0.1"] <= 2
    assert limits_of(result)["max_silent_packets_per_address"]["examples"] == ["127.99.0.1"]


@pytest.mark.skipif(not host_has_ipv6(), reason="this host has no IPv6 loopback address")
@pytest.mark.parametrize("names", [1, 40])
def test_a_silent_ipv6_address_gets_what_others_get(names: int) -> None:
    """All name servers except one are at one address, which never responds and counts the packets."""
    world = evil_zone()
    own = world.zones[ZONE]
    for index in range(names):
        own[ZONE, "NS"].append(f"six{index}.{ZONE}.")
        own[f"six{index}.{ZONE}", "AAAA"] = ["::1"]
    with world, socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as silent:
        silent.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        silent.bind(("::1", world.port))
        silent.setblocking(False)
        run_inside(world, ipv6=True, deadline_s=6.0)
        assert 0 < count_datagrams(silent) <= SILENT_EACH
    check_budget(world, {OWN, "127.0.0.57"})


def count_datagrams(receiver: socket.socket) -> int:
    """Count the packets that have arrived."""
    for count in itertools.count():  # noqa: B007  # the number at the end is what is asked for
        try:
            receiver.recv(65_535)
        except BlockingIOError:
            break
    return count


def test_addresses_are_looked_up_for_a_limited_number_of_names_and_servers() -> None:
    """Twenty names at forty servers: 800 pairs, of which 100 are allowed."""
    world, (zone,) = crowds(1, answers="NODATA", names=20, addresses=40)
    result = run(world, zone, deadline_s=20.0, limits=RunLimits(max_address_lookups=100))
    assert limits_of(result)["max_address_lookups"]["count"] == 40 - 100 // 20
