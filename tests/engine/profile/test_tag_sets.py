"""The tag sets of Zonemaster's releases, and the notes about replaced tags."""

from __future__ import annotations

from typing import Any

import pytest

from gonemaster_engine.profile.profile import default_profile
from gonemaster_engine.profile.tag_sets import find_replaced_tags
from gonemaster_engine.profile.zonemaster_tags import engine_tag, table
from gonemaster_engine.replaced_tags import successors, with_successors
from gonemaster_engine.testcases.catalogue import cases

CASE_TAGS = {case_id: {tag.name for tag in case.tags} for case_id, case in cases().items()}


@pytest.mark.parametrize("old", table()["successors"])
def test_replaced_tag_and_its_successors_belong_to_the_same_case(old: str) -> None:
    (case_id,) = [case_id for case_id, tags in CASE_TAGS.items() if old in tags]
    assert set(successors(old)) <= CASE_TAGS[case_id]


def test_successors_are_found_by_both_names_of_a_tag() -> None:
    for name in ("IN_BAILIWICK_ADDR_MISMATCH", "IN_DOMAIN_ADDR_MISMATCH"):
        assert successors(engine_tag(name)) == ("CS05_ID_ADDR_MISMATCH",)
    assert successors("CS05_ID_ADDR_MISMATCH") == successors("NS_IS_CNAME") == ()
    both = {"DS05_ALGO_OK", "DS05_ALGO_MAY", "DS05_ALGO_RECOMMENDED", "X"}
    assert with_successors(frozenset({"DS05_ALGO_OK", "X"})) == both


@pytest.mark.parametrize(
    ("document", "notes"),
    [
        (
            {"test_levels": {"consistency": {"in_bailiwick_addr_mismatch": "INFO", "CHILD_ZONE_LAME": "ERROR"}}},
            [
                (
                    "test_levels.CONSISTENCY has tags that Zonemaster 2026.1 replaces; their levels also apply to the"
                    " new tags: CHILD_ZONE_LAME (now CS05_CHILD_ZONE_LAME), IN_BAILIWICK_ADDR_MISMATCH (now"
                    " CS05_ID_ADDR_MISMATCH)"
                )
            ],
        ),
        (
            {"zonemaster": {"tags": "2026.1"}, "test_levels": {"DNSSEC": {"DS05_ALGO_OK": "INFO", "X": "INFO"}}},
            [
                (
                    "test_levels.DNSSEC has tags that Zonemaster 2026.1 replaces; their levels also apply to the new"
                    " tags: DS05_ALGO_OK (now DS05_ALGO_MAY or DS05_ALGO_RECOMMENDED)"
                )
            ],
        ),
        ({"zonemaster": {"tags": 2025.2}, "test_levels": {"DNSSEC": {"DS05_ALGO_OK": "INFO"}}}, []),
        ({"test_levels": {"DNSSEC": {"DS05_NO_RESPONSE": "INFO"}}}, []),
        (default_profile().as_dict(), []),
        ({"zonemaster": [], "test_levels": {"DNSSEC": [], 1: {2: 3}}}, []),
        ({"test_levels": 7}, []),
        ([], []),
        (None, []),
    ],
)
def test_notes_name_replaced_tags_and_the_new_ones(document: Any, notes: list[str]) -> None:
    assert find_replaced_tags(document) == notes
