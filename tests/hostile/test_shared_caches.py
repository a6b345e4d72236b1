"""No run affects the findings of another: after any series of runs in a process, a run finds the same as alone."""

from __future__ import annotations

import ast
import asyncio
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import gonemaster_engine
from gonemaster_engine.context import RunContext
from gonemaster_engine.net.cache import HotCache, Lifetimes, QueryKey, ZoneCut
from gonemaster_engine.net.wire.messages import Response
from gonemaster_engine.profile.profile import Profile, default_profile
from gonemaster_engine.resolver.recursor import Recursor
from gonemaster_engine.resources import Resources
from gonemaster_engine.run.run import DSInfo, run_test
from tests.hostile import LONG
from tests.support.dnsworld import World, faults
from tests.support.engine import in_run
from tests.support.examples import examples

pytestmark = pytest.mark.xdist_group("shared_caches")  # the expected results are computed once

EXPLORE = settings(
    max_examples=400 if LONG else examples(3, 12),
    deadline=None,
    derandomize=False,
    print_blob=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
PROFILE: Final = default_profile().merge(
    {"net": {"allow_non_global_targets": True, "ipv6": False}, "resolver": {"source4": "127.0.0.1"}}
)
CASES: Final = ("basic01", "basic02", "connectivity03", "delegation01", "delegation05", "nameserver06", "zone09")
HOSTER, EVIL, FALSE, TRUE = "127.9.1.1", "127.9.66.6", "127.9.66.7", "127.9.3.2"
# a name in the zone for which the attacker plants a zone cut; it is a server of example.xa
VICTIM: Final = "www.sub.victim.xb"
AS_ZONE: Final = "asnlookup.zonemaster.net"

DS_RECORD: Final = DSInfo(1, 13, 2, "ab" * 32)

Found = list[tuple[str, str, str]]


class Step(NamedTuple):
    """A run before the run under test."""

    domain: str
    options: Mapping[str, Any] = {}
    profile: Mapping[str, Any] = {}


def supplied(domain: str, *names: str) -> Step:
    """Return a run whose supplied server lies about its zone and everything below."""
    return Step(domain, {"nameservers": [(name, EVIL) for name in names]})


STEPS: Final = {
    "honest": Step("example.xa"),
    "victim": Step("sub.victim.xb"),
    "evil, delegated": Step("evil.xa"),
    "AS zone": Step(AS_ZONE),
    "AS zone, supplied": Step(AS_ZONE, {"nameservers": [("ns.evil.xa", EVIL), ("ns1.evil.xa", "127.9.2.1")]}),
    "above the AS zone, supplied": supplied("zonemaster.net", "ns.evil.xa"),
    "name of a victim's server, supplied": supplied("evil.xa", "ns.hoster.xa"),
    "victim, supplied": supplied("victim.xb", "ns.hoster.xa"),
    "TLD, supplied": supplied("xb", "ns1.nic.xb"),
    "root, supplied": supplied(".", "a.root-servers.net"),
    "DS, supplied": Step("example.xa", {"ds": [DS_RECORD]}),
    "TLD and its DS, supplied": Step("xb", {"nameservers": [("ns1.nic.xb", EVIL)], "ds": [DS_RECORD]}),
    "AS zone and its DS, supplied": Step(AS_ZONE, {"nameservers": [("ns.evil.xa", EVIL)], "ds": [DS_RECORD]}),
    "DS of a TLD alone, supplied": Step("xb", {"ds": [DS_RECORD]}),
    "refers to another TLD, delegated": Step("sideways.xa"),
    "refers upwards, delegated": Step("upwards.xa"),
    "impatient": Step("sub.victim.xb", {}, {"resolver": {"defaults": {"timeout": 1, "retry": 1}}}),
    "other source address": Step("sub.victim.xb", {}, {"resolver": {"source4": "127.0.0.2"}}),
    "no network": Step("example.xa", {}, {"no_network": True}),
    "other AS source": Step("example.xa", {}, {"asn_db": {"sources": {"cymru": ["evil.xa"]}}}),
    "cut off": Step("sub.victim.xb", {"deadline_s": 0.02}),
}
PROBES: Final = ("example.xa", "sub.victim.xb", "evil.xa")


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    """A public tree with evil.xa; clients that are referred to `EVIL` get false answers about the whole tree."""
    world = World()
    world.zone(".")
    world.zone("xa", ns={"ns1.nic.xa": "127.8.1.1"})
    world.zone("xb", ns={"ns1.nic.xb": "127.8.2.1"})
    world.zone("hoster.xa", ns={"ns.hoster.xa": HOSTER})
    world.zone("example.xa", ns={"ns1.example.xa": "127.9.2.1", VICTIM: TRUE})
    world.zone("victim.xb", ns={"ns.hoster.xa": HOSTER})
    world.zone("sub.victim.xb", ns={"ns1.sub.victim.xb": "127.9.3.1"}, records=f"www A {TRUE}\n@ MX 5 www")
    world.zone("zonemaster.net", ns={"ns1.zonemaster.net": "127.9.4.2"})
    world.zone(AS_ZONE, ns={f"ns.{AS_ZONE}": "127.9.4.1"}, records='*.127.origin TXT "64500 | 127.0.0.0/8 | ZZ"')
    wrong_origin = '*.127.origin TXT "666 | 127.0.0.0/8 | ZZ"'
    world.zone("evil.xa", ns={"ns.evil.xa": "127.9.66.1"}, records=f"@ MX 5 {VICTIM}.\n{wrong_origin}")
    world.zone_of(AS_ZONE).on(EVIL, records=wrong_origin)
    for origin in (".", "xa", "xb", "victim.xb", "zonemaster.net"):
        world.zone_of(origin).on(EVIL)
        world.zone_of(origin).on(FALSE)
    world.zone("sideways.xa", ns={"ns.sideways.xa": "127.9.66.2"})
    world.zone("upwards.xa", ns={"ns.upwards.xa": "127.9.66.3"})
    world.server("127.9.66.2").fault(faults.refer("xb.", {"ns1.nic.xb.": FALSE}))
    world.server("127.9.66.3").fault(faults.refer("xa.", {"ns1.nic.xa.": FALSE}))
    world.zone_of("evil.xa").on(EVIL, records=f"@ NS {VICTIM}.")
    world.zone_of("sub.victim.xb").on(FALSE, records=f"www A {FALSE}")
    glue = (f"{name}. 60 IN A {FALSE}" for name in ("ns.hoster.xa", "ns1.sub.victim.xb", "ns1.nic.xb", VICTIM))
    world.server("127.9.66.1").fault(faults.answers(additional="\n".join(glue)))
    world.server(EVIL).fault(faults.refer("sub.victim.xb.", {"ns1.sub.victim.xb.": FALSE}), below="sub.victim.xb")
    with world:
        yield world


class Process:
    """The resources of one process, and the runs in it."""

    def __init__(self, world: World, directory: Path, *, ttl_s: float) -> None:
        hints = world.write_hints(directory / "hints")
        self.resources = Resources.open(root_hints=hints, dns_port=world.port, hot_cache_ttl_s=ttl_s, ipv6=False)

    async def run(self, step: Step) -> Found:
        profile: Profile = PROFILE.merge(step.profile)
        result = await run_test(step.domain, profile, resources=self.resources, tests=CASES, **step.options)
        return sorted(
            (entry.testcase, entry.tag, str(entry.args)) for entry in result.entries if entry.tag != "START_TIME"
        )


async def alone(world: World, directory: Path, domain: str) -> Found:
    process = Process(world, directory, ttl_s=0)
    try:
        return await process.run(Step(domain))
    finally:
        await process.resources.close()


@pytest.fixture(scope="module")
def expected(world: World, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Found]:
    directory = tmp_path_factory.mktemp("alone")
    return {domain: asyncio.run(alone(world, directory, domain)) for domain in PROBES}


@EXPLORE
@given(st.lists(st.sampled_from(sorted(STEPS)), max_size=4))
@example(["AS zone, supplied"])
@example(["name of a victim's server, supplied"])
@example(["victim, supplied", "TLD, supplied", "root, supplied"])
@example(["evil, delegated", "cut off"])
@example(["TLD and its DS, supplied", "DS of a TLD alone, supplied", "AS zone and its DS, supplied"])
@example(["refers to another TLD, delegated", "refers upwards, delegated"])
@example(["other AS source", "impatient", "no network", "other source address"])
def test_a_run_finds_what_it_finds_alone(
    world: World, expected: dict[str, Found], tmp_path_factory: pytest.TempPathFactory, history: list[str]
) -> None:
    async def whole() -> dict[str, Found]:
        process = Process(world, tmp_path_factory.getbasetemp(), ttl_s=60)
        try:
            for name in history:
                await process.run(STEPS[name])
            return {domain: await process.run(Step(domain)) for domain in PROBES}
        finally:
            await process.resources.close()

    assert asyncio.run(whole()) == expected


def test_runs_whose_network_settings_differ_share_nothing(world: World, tmp_path: Path) -> None:
    """Responses may depend on the source address, so runs with different source addresses do not share queries."""

    async def queries() -> list[int]:
        process = Process(world, tmp_path, ttl_s=60)
        found = []
        try:
            for source in ("127.0.0.1", "127.0.0.2", "127.0.0.1"):
                profile = PROFILE.merge({"resolver": {"source4": source}})
                result = await run_test("example.xa", profile, resources=process.resources, tests=CASES)
                found.append(result.queries)
        finally:
            await process.resources.close()
        return found

    first, other, again = asyncio.run(queries())
    assert other == first
    assert again < first


async def after_answers_from_a_file(world: World, directory: Path) -> Found:
    """Return the findings of a run after a run whose file lets the TLD's server refer the victim elsewhere."""
    process = Process(world, directory, ttl_s=60)
    try:
        lie = await run_test("evil.xa", PROFILE, resources=process.resources, tests=["basic01"], keep_answers=True)
        restored = [(address, key, answer) for address, key, answer in lie.answers if address == "127.8.1.1"]
        assert restored
        await run_test(
            "other.xa",
            PROFILE,
            resources=process.resources,
            tests=["basic01"],
            restored=[("127.0.0.53", QueryKey("xa", "NS"), None), *restored],
        )
        return await process.run(Step("example.xa"))
    finally:
        await process.resources.close()


def test_restored_answers_stay_in_their_run(world: World, expected: dict[str, Found], tmp_path: Path) -> None:
    assert asyncio.run(after_answers_from_a_file(world, tmp_path)) == expected["example.xa"]


def test_only_the_context_of_a_run_chooses_its_caches() -> None:
    """The caches have one entrance: a second one could admit runs that must not use them."""
    root = Path(gonemaster_engine.__file__).parent
    users = {
        path.relative_to(root).as_posix()
        for path in root.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and node.attr == "caches" and "resources" in ast.unparse(node.value)
    }
    assert users == {"context.py"}


# Size in bytes


def response_of(octets: int, count: int) -> Response:
    record = b"\xc0\x0c\x00\x10\x00\x01\x00\x00\x00\x3c" + octets.to_bytes(2) + bytes(octets)
    question = b"\x01a\x00\x00\x10\x00\x01"
    return Response(b"\0\0\x84\0\0\1" + count.to_bytes(2) + bytes(4) + question + record * count, source="192.0.2.1")


@EXPLORE
@given(st.lists(st.tuples(st.integers(0, 60_000), st.integers(1, 40)), min_size=1, max_size=60))
def test_the_cache_of_answers_stays_within_its_octets(sizes: Sequence[tuple[int, int]]) -> None:
    limit = 2 * 1024 * 1024
    hot = HotCache(max_octets=limit)
    for number, (octets, count) in enumerate(sizes):
        count = max(1, min(count, 60_000 // (octets + 1)))
        key = QueryKey(f"n{number}.example", "TXT")
        hot.store_answer("192.0.2.1", key, response_of(octets, count), Lifetimes())
        servers = tuple((f"ns{index}.example", ("192.0.2.1",) * 13) for index in range(count))
        hot.store_cut(ZoneCut(f"z{number}.example", servers), Lifetimes(), ttl_s=60)
        assert hot.octets <= limit + limit // 4


def test_one_large_answer_does_not_drive_out_the_others() -> None:
    hot = HotCache(max_octets=1024 * 1024)
    small, large = QueryKey("small.example", "TXT"), QueryKey("large.example", "TXT")
    hot.store_answer("192.0.2.1", small, response_of(100, 1), Lifetimes())
    hot.store_answer("192.0.2.1", large, response_of(60_000, 1), Lifetimes())
    assert hot.find_answer("192.0.2.1", small, Lifetimes())
    assert hot.find_answer("192.0.2.1", large, Lifetimes()) is None


def test_answer_from_another_address_is_not_kept() -> None:
    hot, key = HotCache(), QueryKey("a.example", "TXT", any_source=True)
    hot.store_answer("192.0.2.2", key, response_of(10, 1), Lifetimes())
    assert hot.find_answer("192.0.2.2", key, Lifetimes()) is None


@pytest.mark.parametrize(("glue_ttl", "is_kept"), [(0, False), (60, True)])
def test_zone_cut_lives_no_longer_than_its_glue(glue_ttl: int, is_kept: bool) -> None:
    world = World()
    world.zone("xa", ns={"ns1.nic.xa": "127.8.1.1"})
    world.zone("example.xa", ns={"ns1.example.xa": "127.9.2.1"})
    glue = faults.answers(additional=f"ns1.example.xa. {glue_ttl} IN A 127.9.2.1")
    world.server("127.8.1.1").fault(glue, below="example.xa")
    kept = HotCache(ttl_s=60)

    async def work(context: RunContext) -> bool:
        context.hot = kept
        await Recursor(context).resolve("www.example.xa", "A")
        return kept.find_cut("example.xa", context.lifetimes) is not None

    with world:
        assert in_run(world, work, zone="tested.xa") is is_kept
