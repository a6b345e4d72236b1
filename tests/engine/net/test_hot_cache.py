"""The data that runs of a process share, and its lifetimes: the profile's settings within those of the worker."""

from __future__ import annotations

from pathlib import Path

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest

from gonemaster_engine.asn.cache import AsnCache
from gonemaster_engine.net.cache import ExpiringCache, HotCache, Lifetimes, QueryKey, ZoneCut
from gonemaster_engine.net.wire.messages import Response
from gonemaster_engine.resources import Resources, RunCaches
from gonemaster_engine.run.run import run_test
from tests.engine.run.test_run import PROFILE, in_loop
from tests.support.case_runs import example_world

KEY = QueryKey("xa", "NS")
ADDRESS = "192.0.2.1"
CUT = ZoneCut("xa", (("ns1.xa", (ADDRESS,)),))


class Clock:
    """A clock that only moves on demand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def reply(*, answer: str = "", authority: str = "", rcode: int = 0, aa: bool = True) -> Response:
    message = dns.message.make_response(dns.message.make_query("xa.", "NS"))
    message.flags |= dns.flags.AA if aa else 0
    message.set_rcode(dns.rcode.Rcode(rcode))
    for section, text in ((message.answer, answer), (message.authority, authority)):
        if text:
            owner, ttl, rdclass, rtype, rdata = text.split(maxsplit=4)
            section.append(dns.rrset.from_text(owner, int(ttl), rdclass, rtype, rdata))
    return Response(message.to_wire(), source=ADDRESS)


ANSWER = reply(answer="xa. 40 IN NS ns1.xa.")
REFERRAL = reply(authority="xa. 40 IN NS ns1.xa.", aa=False)
SOA = "xa. 40 IN SOA ns1.xa. a.xa. 1 2 3 4 5"
NEGATIVE = reply(authority=SOA)
DENIAL = reply(authority=SOA, rcode=3)
BARE = reply()

LIVES = {
    "answer, its own TTL": (ANSWER, Lifetimes(0, 30), 300, 40),
    "answer, longer": (ANSWER, Lifetimes(100, 30), 300, 100),
    "answer, shorter": (ANSWER, Lifetimes(5, 30), 300, 5),
    "answer, bounded by the worker": (ANSWER, Lifetimes(100, 30), 60, 60),
    "referral, its own TTL": (REFERRAL, Lifetimes(0, 30), 300, 40),
    "referral, longer": (REFERRAL, Lifetimes(90, 30), 300, 90),
    "no records": (NEGATIVE, Lifetimes(0, 30), 300, 30),
    "no records, shorter": (NEGATIVE, Lifetimes(100, 7), 300, 7),
    "no records, at most the TTL": (NEGATIVE, Lifetimes(0, 100), 300, 40),
    "no such name": (DENIAL, Lifetimes(0, 9), 300, 9),
    "nothing at all": (BARE, Lifetimes(0, 12), 300, 12),
    "no records, bounded by the worker": (NEGATIVE, Lifetimes(0, 30), 20, 20),
}


@pytest.mark.parametrize(("response", "lifetimes", "ttl_s", "expected"), LIVES.values(), ids=LIVES)
def test_answer_lives_for_its_time(response: Response, lifetimes: Lifetimes, ttl_s: float, expected: float) -> None:
    clock = Clock()
    hot = HotCache(ttl_s=ttl_s, now=clock)
    hot.store_answer(ADDRESS, KEY, response, lifetimes)
    clock.now += expected - 0.5
    assert hot.find_answer(ADDRESS, KEY, lifetimes) is response
    clock.now += 1
    assert hot.find_answer(ADDRESS, KEY, lifetimes) is None


UNKEPT = {
    "no records, not wanted": (NEGATIVE, Lifetimes(60, 0), 300),
    "nothing wanted by the worker": (ANSWER, Lifetimes(60, 30), 0),
    "TTL of zero": (reply(answer="xa. 0 IN NS ns1.xa."), Lifetimes(0, 30), 300),
    "failure": (reply(rcode=2), Lifetimes(60, 60), 300),
}


@pytest.mark.parametrize(("response", "lifetimes", "ttl_s"), UNKEPT.values(), ids=UNKEPT)
def test_answer_that_is_not_kept(response: Response, lifetimes: Lifetimes, ttl_s: float) -> None:
    hot = HotCache(ttl_s=ttl_s)
    hot.store_answer(ADDRESS, KEY, response, lifetimes)
    assert hot.find_answer(ADDRESS, KEY, lifetimes) is None


@pytest.mark.parametrize(("positive_s", "expected"), [(0, 40), (10, 10), (100, 60)])
def test_zone_cut_lives_as_an_answer_with_records(positive_s: int, expected: float) -> None:
    clock = Clock()
    hot, lifetimes = HotCache(ttl_s=60, now=clock), Lifetimes(positive_s, 30)
    hot.store_cut(CUT, lifetimes, ttl_s=40)
    clock.now += expected - 0.5
    assert hot.find_cut("xa", lifetimes) == CUT
    clock.now += 1
    assert hot.find_cut("xa", lifetimes) is None


def test_profiles_with_other_lifetimes_share_nothing() -> None:
    hot = HotCache()
    hot.store_answer(ADDRESS, KEY, ANSWER, Lifetimes(50, 30))
    hot.store_cut(CUT, Lifetimes(50, 30), ttl_s=40)
    assert hot.find_answer(ADDRESS, KEY, Lifetimes(0, 30)) is None
    assert hot.find_cut("xa", Lifetimes(50, 10)) is None


def asked_root(tmp_path: Path, settings: dict[str, int], *, later_s: float) -> int:
    """Count the queries of the second of two runs to the root servers."""
    profile = PROFILE.merge({"resolver": {"defaults": settings}})
    world = example_world()
    roots = [world.server(address) for address in world.zone_of(".").addresses]

    async def work(resources: Resources) -> int:
        clock = Clock()
        resources.caches = RunCaches(HotCache(ttl_s=60, now=clock), AsnCache())
        await run_test("example.xa", profile, resources=resources, tests=["basic"])
        asked = sum(len(root.log) for root in roots)
        clock.now += later_s
        await run_test("example.xa", profile, resources=resources, tests=["basic"])
        return sum(len(root.log) for root in roots) - asked

    with world:
        return in_loop(world, tmp_path, work)


@pytest.mark.parametrize(
    ("settings", "later_s", "asks"),
    [
        ({}, 20, False),
        ({"positive_cache_ttl": 10}, 20, True),
        ({"positive_cache_ttl": 50}, 20, False),
        ({"positive_cache_ttl": 100}, 70, True),
    ],
    ids=["own TTL", "shorter", "longer", "longer than the worker's"],
)
def test_second_run_asks_the_root_when_the_profile_lets_answers_end(
    tmp_path: Path, settings: dict[str, int], later_s: float, asks: bool
) -> None:
    assert bool(asked_root(tmp_path, settings, later_s=later_s)) is asks


def test_what_is_over_does_not_stay_in_memory() -> None:
    moment = 0.0
    cache: ExpiringCache[int] = ExpiringCache(max_entries=1000, now=lambda: moment)
    for number in range(100):
        cache.put(number, number, ttl_s=60)
        moment += 1
    assert len(cache) == 60


def test_lookups_and_what_makes_room_are_counted() -> None:
    clock = Clock()
    cache: ExpiringCache[str] = ExpiringCache(max_entries=2, now=clock)
    for name in "abc":
        cache.put(name, name, ttl_s=10)
    assert (cache.get("c"), cache.get("a")) == ("c", None)
    assert (cache.hits, cache.misses, cache.evictions) == (1, 1, 1)
    clock.now += 11
    cache.put("d", "d", ttl_s=10)
    assert cache.evictions == 1, "the others had come to their end"
