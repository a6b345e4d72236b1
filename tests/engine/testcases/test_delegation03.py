"""DELEGATION03: the size of the largest referral."""

from __future__ import annotations

import dns.name
import pytest

from gonemaster_engine.testcases.delegation.delegation03 import longest_name
from tests.support.case_runs import A1, V6, example_world, findings
from tests.support.dnsworld import World

HEADER_AND_QUESTION = 12 + 255 + 4
POINTER_AND_FIXED = 2 + 10
NS_RECORD = POINTER_AND_FIXED + 2  # and the labels of the target
A_RECORD, AAAA_RECORD = POINTER_AND_FIXED + 4, POINTER_AND_FIXED + 16


def named(count: int, length: int) -> World:
    """Describe a zone with that many name servers, the first label of each of that length."""
    return example_world(ns={f"{number:0{length}d}.example.xa": f"127.9.{number + 1}.1" for number in range(count)})


def size_of(count: int, length: int) -> int:
    return HEADER_AND_QUESTION + count * (NS_RECORD + 1 + length) + A_RECORD


@pytest.mark.parametrize(
    ("count", "length", "tag"),
    [
        (2, 3, "REFERRAL_SIZE_OK"),
        (9, 10, "REFERRAL_SIZE_OK"),
        (9, 11, "REFERRAL_SIZE_LARGE"),
        (14, 50, "REFERRAL_SIZE_LARGE"),
        (15, 50, "REFERRAL_SIZE_TOO_LARGE"),
    ],
)
def test_delegation03(count: int, length: int, tag: str) -> None:
    assert findings(named(count, length), "delegation03") == [(tag, {"size": size_of(count, length)})]


def test_one_address_of_each_family_counts() -> None:
    size = HEADER_AND_QUESTION + NS_RECORD + 4 + A_RECORD + AAAA_RECORD
    world = example_world(ns={"ns1.example.xa": [A1, V6]})
    assert findings(world, "delegation03") == [("REFERRAL_SIZE_OK", {"size": size})]


def test_servers_outside_of_the_parent_need_no_glue() -> None:
    world = example_world(ns={"ns.other": ()})
    world.zone("other", ns={"ns.other": "127.9.9.1"})
    size = HEADER_AND_QUESTION + NS_RECORD + 3 + 6 - 1  # a whole name in place of a label and a pointer
    assert findings(world, "delegation03") == [("REFERRAL_SIZE_OK", {"size": size})]


@pytest.mark.parametrize("name", [".", "xa.", "example.xa.", f"{'a' * 63}.{'b' * 63}.{'c' * 63}.{'d' * 60}."])
def test_longest_name_has_255_octets_unless_one_is_left(name: str) -> None:
    zone = dns.name.from_text(name)
    longest = longest_name(zone)
    assert longest.is_subdomain(zone)
    assert len(longest.to_wire() or b"") in {254, 255}
