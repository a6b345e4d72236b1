"""Lookups of origin AS and prefix: two kinds of databases, a shared cache, one concurrent lookup per block."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from gonemaster_engine.asn.cache import FAILED, KNOWN_TTL_S, AsnCache, Code, Origin
from gonemaster_engine.asn.lookup import AsnLookup
from gonemaster_engine.context import RunContext
from gonemaster_engine.profile.profile import AsnDatabase
from gonemaster_engine.resolver.recursor import Recursor
from tests.support.dnsworld import World, faults
from tests.support.engine import in_run
from tests.support.riswhois import ADDRESS, RisWhois, ris_whois

CYMRU, SECOND, RIPE = "asnlookup.zonemaster.net", "asn.cymru.com", "riswhois.ripe.net"
CYMRU_SERVER, SECOND_SERVER = "127.9.1.1", "127.9.2.1"
ASKED = "198.51.100.7"
RECORD = '*.100.51.198.origin TXT "64500 | 198.51.100.0/24 | ZZ | none | 2026-01-01"'
FOUND = Origin(
    Code.AS_FOUND,
    (64500,),
    "198.51.100.0/24",
    "64500 | 198.51.100.0/24 | ZZ | none | 2026-01-01",
    CYMRU,
)

Work = Callable[[AsnLookup], Awaitable[Any]]


def databases(*records: str, second: tuple[str, ...] = ()) -> World:
    """Two databases over DNS, and the address of one for whois."""
    world = World()
    world.zone(CYMRU, ns={f"ns.{CYMRU}": CYMRU_SERVER}, records="\n".join(records))
    world.zone(SECOND, ns={f"ns.{SECOND}": SECOND_SERVER}, records="\n".join(second))
    world.zone("ripe.net", records=f"riswhois A {ADDRESS}")
    return world


def without_dns(*, silent: bool = False) -> World:
    world = databases()
    for address in (CYMRU_SERVER, SECOND_SERVER):
        fault = faults.silence() if silent else faults.rcode("SERVFAIL")
        world.server(address).fault(fault, qtype="TXT")
    return world


def in_lookup(
    world: World, work: Work, *, cache: AsnCache | None = None, whois: RisWhois | None = None, **settings: Any
) -> Any:
    """Do some work with the lookups of a run."""

    async def with_context(context: RunContext) -> Any:
        return await work(lookup_of(context, cache or AsnCache(), whois))

    with world:
        return in_run(world, with_context, **settings)


def lookup_of(context: RunContext, cache: AsnCache, whois: RisWhois | None = None) -> AsnLookup:
    return AsnLookup(
        Recursor(context), context.profile, cache, budget=context.budget, whois_port=whois.port if whois else 1
    )


def look_up(world: World, address: str = ASKED, **settings: Any) -> Origin:
    origin: Origin = in_lookup(world, lambda lookup: lookup.lookup(address), **settings)
    return origin


@contextlib.asynccontextmanager
async def whois_lookup(
    context: RunContext, *lines: str, silent: bool = False
) -> AsyncIterator[tuple[AsnLookup, RisWhois]]:
    async with ris_whois(*lines, silent=silent) as whois:
        yield lookup_of(context, AsnCache(), whois), whois


def ask_whois(*lines: str, address: str = ASKED, silent: bool = False) -> tuple[Origin, list[str]]:
    """Look up an address while no database answers over DNS."""

    async def work(context: RunContext) -> tuple[Origin, list[str]]:
        async with whois_lookup(context, *lines, silent=silent) as (lookup, whois):
            return await lookup.lookup(address), whois.queries

    with without_dns() as world:
        return in_run(world, work)


def test_found_by_dns() -> None:
    assert look_up(databases(RECORD)) == FOUND


def test_found_by_dns_for_an_ipv6_address() -> None:
    record = '*.8.b.d.0.1.0.0.2.origin6 TXT "64500 64501 | 2001:db8::/32 | ZZ | none | 2026-01-01"'
    origin = look_up(databases(record), "2001:db8::53")
    assert (origin.asns, origin.prefix) == ((64500, 64501), "2001:db8::/32")


@pytest.mark.parametrize(
    ("texts", "asns", "prefix"),
    [
        (['"64500 | 198.51.0.0/16 | ZZ"', '"64501 | 198.51.100.0/24 | ZZ"'], (64501,), "198.51.100.0/24"),
        (['"64500 | 198.51.100.0/24 | ZZ"', '"64501 | 198.51.100.0/24 | YY"'], (64500, 64501), "198.51.100.0/24"),
        (['"no data at all"', '"64500 | 198.51.100.0/24 | ZZ"'], (64500,), "198.51.100.0/24"),
        (['"64500 | 198.51." "100.0/24 | ZZ"'], (64500,), "198.51.100.0/24"),
    ],
    ids=["the most specific prefix", "all that announce it", "unreadable text is passed over", "several strings"],
)
def test_several_texts(texts: list[str], asns: tuple[int, ...], prefix: str) -> None:
    origin = look_up(databases(*(f"*.100.51.198.origin TXT {text}" for text in texts)))
    assert (origin.asns, origin.prefix) == (asns, prefix)


@pytest.mark.parametrize(
    "record",
    ["other TXT nothing", "*.100.51.198.origin HINFO a b", '*.100.51.198.origin TXT "no data at all"'],
    ids=["no such name", "no text", "no data in the text"],
)
def test_not_announced(record: str) -> None:
    assert look_up(databases(record)).code is Code.EMPTY_ASN_SET


def test_second_database_is_asked_when_the_first_fails() -> None:
    world = databases(second=(RECORD,))
    world.server(CYMRU_SERVER).fault(faults.rcode("REFUSED"), qtype="TXT")
    assert look_up(world).source == SECOND


def test_second_database_is_asked_when_the_first_one_speaks_of_another_prefix() -> None:
    wrong = '*.100.51.198.origin TXT "64511 | 203.0.113.0/24 | ZZ"'
    assert look_up(databases(wrong, second=(RECORD,))).source == SECOND


def test_database_that_is_no_more_does_not_speak_for_the_address() -> None:
    world = World()
    world.zone("example.xa")
    assert look_up(world) == FAILED


def test_alias_that_leads_nowhere_is_a_failure() -> None:
    assert look_up(databases("*.100.51.198.origin CNAME nowhere", second=(RECORD,))).source == SECOND


def test_whois_is_asked_when_no_database_answers_over_dns() -> None:
    origin, queries = ask_whois("64500\t198.51.100.0/24\t300")
    assert origin == Origin(Code.AS_FOUND, (64500,), "198.51.100.0/24", "64500\t198.51.100.0/24\t300", RIPE)
    assert queries == [f"-F -M {ASKED}\r\n"]


@pytest.mark.parametrize(
    ("lines", "asns", "prefix"),
    [
        (["64500\t198.51.0.0/16\t300", "64501\t198.51.100.0/24\t2"], (64501,), "198.51.100.0/24"),
        (["64500/64502\t198.51.100.0/24\t300"], (64500, 64502), "198.51.100.0/24"),
        (["{64500,64502}\t198.51.100.0/24\t300"], (64500, 64502), "198.51.100.0/24"),
    ],
    ids=["the most specific prefix", "several AS", "a set of AS"],
)
def test_lines_of_whois(lines: list[str], asns: tuple[int, ...], prefix: str) -> None:
    origin, _ = ask_whois(*lines)
    assert (origin.asns, origin.prefix) == (asns, prefix)


def test_whois_knows_no_prefix() -> None:
    assert ask_whois()[0].code is Code.EMPTY_ASN_SET


@pytest.mark.parametrize("line", ["sorry, too busy", "64500", "64500\t203.0.113.0/24\t300", "x" * 100_000])
def test_senseless_whois_answer_is_a_failure(line: str) -> None:
    assert ask_whois(line)[0] == FAILED


def test_silent_whois_is_a_failure_and_is_left_alone_for_a_while() -> None:
    async def work(context: RunContext) -> tuple[Origin, Origin, int]:
        async with whois_lookup(context, silent=True) as (lookup, whois):
            return await lookup.lookup(ASKED), await lookup.lookup("203.0.113.1"), len(whois.queries)

    with without_dns() as world:
        assert in_run(world, work, timeout_s=0.5) == (FAILED, FAILED, 1)


@pytest.mark.parametrize("limits", [{"allow_non_global_targets": False}, {"no_network": True}])
def test_whois_server_is_not_asked_in_the_local_network_or_without_network(limits: dict[str, Any]) -> None:
    async def work(context: RunContext) -> tuple[Origin, list[str]]:
        guarded = dataclasses.replace(context.profile, **limits)
        async with ris_whois("64500\t198.51.100.0/24\t300") as whois:
            lookup = AsnLookup(Recursor(context), guarded, AsnCache(), budget=context.budget, whois_port=whois.port)
            return await lookup.lookup(ASKED), whois.queries

    with without_dns() as world:
        assert in_run(world, work) == (FAILED, [])


def test_profile_can_prefer_whois() -> None:
    async def work(context: RunContext) -> str:
        async with whois_lookup(context, "64500\t198.51.100.0/24\t300") as (lookup, _):
            return (await lookup.lookup(ASKED)).source

    preferred = AsnDatabase("ripe", {"cymru": (CYMRU,), "ripe": (RIPE,)})
    with databases(RECORD) as world:
        assert in_run(world, work, asn_db=preferred) == RIPE


def queries(world: World) -> int:
    return len([query for query in world.server(CYMRU_SERVER).log if query.type == "TXT"])


def test_addresses_of_one_announced_block_are_asked_once() -> None:
    world = databases(RECORD)

    async def work(lookup: AsnLookup) -> list[Origin]:
        return [await lookup.lookup(ASKED), await lookup.lookup("198.51.100.200")]

    assert in_lookup(world, work) == [FOUND, FOUND]
    assert queries(world) == 1


def test_addresses_in_prefixes_longer_than_a_block_are_asked_each() -> None:
    texts = (
        '7.100.51.198.origin TXT "64500 | 198.51.100.0/28 | ZZ"',
        '200.100.51.198.origin TXT "64501 | 198.51.100.192/28 | ZZ"',
    )
    world = databases(*texts)
    found = in_lookup(world, lambda lookup: lookup.lookup_all([ASKED, "198.51.100.200"]))
    assert [origin.asns for origin in found.values()] == [(64500,), (64501,)]


def test_runs_share_what_they_found() -> None:
    world, cache = databases(RECORD), AsnCache()
    with world:
        for _ in range(2):
            assert in_run(world, lambda context: lookup_of(context, cache).lookup(ASKED)) == FOUND
    assert queries(world) == 1


def test_runs_with_other_databases_do_not_share() -> None:
    world, cache = databases(RECORD, second=(RECORD,)), AsnCache()
    only_second = AsnDatabase("cymru", {"cymru": (SECOND,)})
    with world:
        first = in_run(world, lambda context: lookup_of(context, cache).lookup(ASKED))
        second = in_run(world, lambda context: lookup_of(context, cache).lookup(ASKED), asn_db=only_second)
    assert (first.source, second.source) == (CYMRU, SECOND)


def test_lookups_at_the_same_time_are_one_query() -> None:
    world = databases(RECORD)
    world.server(CYMRU_SERVER).fault(faults.delay(0.05), qtype="TXT")
    addresses = [ASKED, "198.51.100.8", "198.51.100.9"]
    found = in_lookup(world, lambda lookup: lookup.lookup_all(addresses))
    assert found == dict.fromkeys(addresses, FOUND)
    assert queries(world) == 1


def test_known_look_ups_live_for_their_time_and_failed_ones_are_not_kept() -> None:
    now = 0.0
    cache = AsnCache(now=lambda: now)
    cache.store(("scope", "found"), FOUND)
    cache.store(("scope", "failed"), FAILED)
    assert cache.find(("scope", "failed")) is None
    now = KNOWN_TTL_S - 1
    assert cache.find(("scope", "found")) == FOUND
    now = KNOWN_TTL_S
    assert cache.find(("scope", "found")) is None


@pytest.mark.parametrize("second", [(), (RECORD.replace("64500", "64501"),)], ids=["nothing known", "another answer"])
def test_failure_in_one_run_decides_nothing_for_another(second: tuple[str, ...]) -> None:
    """The second database may have another result, which only holds for the run in which the first one failed."""
    world, cache = databases(RECORD, second=second), AsnCache()
    database = world.server(CYMRU_SERVER)
    database.fault(faults.rcode("SERVFAIL"), qtype="TXT")
    with world:
        first = in_run(world, lambda context: lookup_of(context, cache).lookup(ASKED))
        database.heal()
        second_run = in_run(world, lambda context: lookup_of(context, cache).lookup(ASKED))
    assert first != FOUND
    assert second_run == FOUND


def test_database_that_is_not_authoritative_does_not_speak_for_the_address() -> None:
    world = databases("other TXT nothing", second=(RECORD,))
    world.server(CYMRU_SERVER).fault(faults.no_aa(), qtype="TXT")
    assert look_up(world).source == SECOND


def test_cache_is_bounded() -> None:
    cache = AsnCache(max_entries=2)
    for number in range(3):
        cache.store(("scope", str(number)), FOUND)
    assert [cache.find(("scope", str(number))) for number in range(3)] == [None, FOUND, FOUND]


def test_cache_is_bounded_in_octets() -> None:
    cache = AsnCache(max_octets=1024 * 1024)
    for number in range(2000):
        cache.store(("scope", str(number)), dataclasses.replace(FOUND, raw="x" * 1000))
        assert cache.octets <= 1024 * 1024
    assert cache.find(("scope", "1999"))
    cache.store(("scope", "giant"), dataclasses.replace(FOUND, raw="x" * 60_000))
    assert cache.find(("scope", "giant")) is None
    assert cache.find(("scope", "1999"))
