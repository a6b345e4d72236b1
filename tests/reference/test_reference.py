"""The engine and the second implementation agree about the fourteen cases that Zonemaster does not have."""

from __future__ import annotations

import pytest

from tests.reference.comparing import compare, compare_mutation, engine_entries, reference_entries
from tests.reference.judge import LEVELS
from tests.reference.mutations import MUTATIONS
from tests.reference.quick import MARKERS, quick
from tests.reference.subject import Options
from tests.reference.worlds import generated
from tests.support.dnsworld import World, faults

QUICK_ZONES = 8
ZONES = 1000
SHARE = 100


@pytest.mark.parametrize("name", quick())
def test_mutation_is_judged_alike(name: str) -> None:
    _check(name)


@pytest.mark.parametrize("seed", range(QUICK_ZONES))
def test_zone_made_at_random_is_judged_alike(seed: int) -> None:
    made = generated(seed)
    found = compare(made.world, made.options)
    assert (found.differences, found.has_run) == ([], True)


def test_each_tag_is_reached_by_a_mutation() -> None:
    reached = {tag for name in quick() for tag in MUTATIONS[name].reaches}
    assert LEVELS.keys() - MARKERS == reached & LEVELS.keys()


def test_engine_waits_as_long_as_the_reference() -> None:
    world = World()
    world.zone("example.xa", ns={"ns1.example.xa": "127.21.1.53"})
    world.server("127.21.1.53").fault(faults.delay(1.1))
    with world:
        options, hints = Options(timeout_s=10, ipv6=False), world.hints_text
        first = engine_entries("example.xa", options, ["nameserver16"], hints=hints, port=world.port)
        second = reference_entries("example.xa", options, ["nameserver16"], hints=hints, port=world.port)
    for entries in (first, second):
        assert [entry[1] for entry in entries if entry[1].startswith("N16_")] == ["N16_NO_NSID_REVEALED"]


@pytest.mark.nightly
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("group", sorted({name.split("/")[0] for name in MUTATIONS}))
def test_all_mutations_are_judged_alike(group: str) -> None:
    for name in MUTATIONS:
        if name.startswith(f"{group}/"):
            _check(name)


@pytest.mark.nightly
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("first", range(QUICK_ZONES, QUICK_ZONES + ZONES, SHARE))
def test_a_thousand_zones_are_judged_alike(first: int) -> None:
    found = {}
    for seed in range(first, first + SHARE):
        made = generated(seed)
        compared = compare(made.world, made.options)
        if compared.differences or not compared.has_run:
            found[seed] = compared.differences
    assert found == {}


def _check(name: str) -> None:
    mutation = MUTATIONS[name]
    found = compare_mutation(mutation)
    assert found.differences == [], name
    assert found.tags >= {*mutation.reaches}, name
    assert not found.tags & {*mutation.without}, name
