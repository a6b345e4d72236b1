"""The cases have their required tags, and the tests of each case cover all of them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from gonemaster_engine.findings.tags import END, START
from gonemaster_engine.testcases.catalogue import modules
from tests.support.case_runs import case_of

HERE = Path(__file__).parent
FACTS = json.loads((HERE.parent / "data" / "facts.json").read_text())
ANYWHERE = {"IPV4_DISABLED", "IPV6_DISABLED"}  # test_families.py, test_dnssec_families.py
SHARED_FILES = {
    "test_connectivity01.py": {"connectivity02"},
    "test_consistency_soa.py": {"consistency01", "consistency02", "consistency03", "consistency06"},
    "test_syntax_names.py": {"syntax01", "syntax02", "syntax03"},
    "test_syntax_hosts.py": {"syntax04", "syntax07", "syntax08"},
    "test_syntax_mailbox.py": {"syntax05", "syntax06"},
    "test_zone_soa.py": {"zone02", "zone03", "zone04", "zone05", "zone06", "zone07"},
}
SHARED_SCENARIOS = re.compile(
    r"from tests\.engine\.testcases\.(\w+) import .*?\bscenarios\(\"(DS\d+)\", \"(\w+)\"", re.DOTALL
)
MODULE_FILES = ("test_basic_name.py", "test_gates.py")


def words_of(*files: str) -> set[str]:
    return set(re.findall(r"\w+", " ".join(_text_of(HERE / name) for name in files)))


def _text_of(file: Path) -> str:
    """Return the text of a test file, with the scenarios that it shares with the file of a similar case."""
    text = file.read_text()
    for helper, case, rtype in SHARED_SCENARIOS.findall(text):
        text += (HERE / f"{helper}.py").read_text().replace("{case}", case).replace("{rtype}", rtype)
    return text


def file_of(case_id: str) -> str:
    return next((name for name, ids in SHARED_FILES.items() if case_id in ids), f"test_{case_id}.py")


@pytest.mark.parametrize("case_id", FACTS)
def test_case_has_the_tags_levels_and_arguments_that_it_must_have(case_id: str) -> None:
    tags = {tag.name: (tag.level.name, set(tag.keys)) for tag in (*case_of(case_id).tags, START, END)}
    assert tags == {name: (fact["level"], set(fact["args"])) for name, fact in FACTS[case_id].items()}


@pytest.mark.parametrize("case_id", FACTS)
def test_each_tag_is_named_in_the_tests_of_its_case(case_id: str) -> None:
    named = words_of(file_of(case_id), "aliases.py")
    missing = {tag.name for tag in case_of(case_id).tags if named.isdisjoint(_spellings(tag.name))}
    assert missing - ANYWHERE == set()


@pytest.mark.parametrize("module", modules())
def test_each_tag_of_a_module_outside_of_its_cases_is_named_in_tests(module: str) -> None:
    named = words_of(*MODULE_FILES)
    assert {tag.name for tag in modules()[module].extra_tags} - named == set()


def _spellings(tag: str) -> set[str]:
    """Return a pattern for a tag in a test: in full, or as a part of an f-string that several tags share."""
    shared = re.sub(r"^CN0[12]_(.*)_(UDP|TCP)$", r"CASE_\1_WAY", tag)
    return {tag, shared, re.sub(r"^(REFRESH|RETRY)(_MINIMUM_VALUE_)(LOWER|OK)$", r"\1\2", tag)}
