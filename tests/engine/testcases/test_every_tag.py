"""The cases of four modules have the tags that they must have, and tests name each of them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from gonemaster_engine.registry import END, START
from tests.support.case_runs import case_of

HERE = Path(__file__).parent
FACTS = json.loads((HERE.parent / "data" / "facts.json").read_text())
CASES = [case_id for case_id in FACTS if case_id.startswith(("address", "connectivity", "dnssec", "nameserver"))]
ANYWHERE = {"IPV4_DISABLED", "IPV6_DISABLED"}  # test_families.py, test_dnssec_families.py
SAME_TABLE = {"connectivity02": "connectivity01"}


@pytest.mark.parametrize("case_id", CASES)
def test_case_has_the_tags_levels_and_arguments_that_it_must_have(case_id: str) -> None:
    tags = {tag.name: (tag.level.name, set(tag.keys)) for tag in (*case_of(case_id).tags, START, END)}
    assert tags == {name: (fact["level"], set(fact["args"])) for name, fact in FACTS[case_id].items()}


@pytest.mark.parametrize("case_id", CASES)
def test_each_tag_is_named_in_the_tests_of_its_case(case_id: str) -> None:
    files = [f"test_{SAME_TABLE.get(case_id, case_id)}.py", "aliases.py"]
    named = set(re.findall(r"\w+", " ".join((HERE / name).read_text() for name in files)))
    missing = {tag.name for tag in case_of(case_id).tags if not {tag.name, _in_table(tag.name)} & named}
    assert missing - ANYWHERE == set()


def _in_table(tag: str) -> str:
    """Return the name of a tag as it stands in the table that CONNECTIVITY01 and 02 share."""
    return re.sub(r"^CN0[12]_(.*)_(UDP|TCP)$", r"CASE_\1_WAY", tag)
