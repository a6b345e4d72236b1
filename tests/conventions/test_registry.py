"""The registry, the default profile and the texts agree with each other and with the reference (tests/engine/data)."""

from __future__ import annotations

import importlib
import json
from pathlib import Path

import pytest

from gonemaster_engine.entries import Level
from gonemaster_engine.findings.messages import advice, placeholders, template
from gonemaster_engine.findings.tags import END, START, SYSTEM, Tag
from gonemaster_engine.profile.profile import default_profile
from gonemaster_engine.testcases.catalogue import cases, modules
from gonemaster_engine.testcases.registry import MODULE_NAMES
from tests.support.sources import ROOT

Agreed = dict[str, dict[str, list[str]]]
"""For each test case or module, the tags with their level and argument keys."""

DATA = Path(__file__).parent.parent / "engine" / "data"
OWN_SYSTEM_TAGS = {
    "NAME_DOES_NOT_EXIST": ["NOTICE", "domain", "query_name", "zone"],
    "NAME_NOT_A_ZONE": ["NOTICE", "domain", "zone"],
    "NO_ANSWER_UNDECIDED": ["INFO", "ns", "address", "query_types", "queries", "packets", "loss"],
    "RUN_DEADLINE_REACHED": ["WARNING", "seconds", "testcases", "servers"],
    "RUN_LIMIT_REACHED": ["WARNING", "limits", "testcases"],
    "TLD_NOT_DELEGATED": ["NOTICE", "domain", "tld"],
}
NEVER_GIVEN = {"NAMESERVER_HAS_TCP_53", "NAMESERVER_HAS_UDP_53"}  # only their levels are stored


def agreed_cases() -> Agreed:
    facts = json.loads((DATA / "facts.json").read_text(encoding="utf-8"))
    return {
        case_id: {tag: [message["level"], *message["args"]] for tag, message in tags.items()}
        for case_id, tags in facts.items()
    }


CASES = agreed_cases()
MODULES: Agreed = json.loads((DATA / "module_facts.json").read_text(encoding="utf-8"))
SYSTEM_TAGS = MODULES["SYSTEM"] | OWN_SYSTEM_TAGS


def tags_of(case_id: str) -> dict[str, Tag]:
    return {tag.name: tag for tag in (*cases()[case_id].tags, START, END)}


def test_all_agreed_test_cases_are_registered() -> None:
    assert sorted(cases()) == sorted(CASES)


@pytest.mark.parametrize("case_id", CASES)
def test_test_case_gives_the_agreed_tags(case_id: str) -> None:
    having = {name: [tag.level.name, *sorted(tag.keys)] for name, tag in tags_of(case_id).items()}
    expected = {name: [level, *sorted(keys)] for name, (level, *keys) in CASES[case_id].items()}
    assert {name: having.get(name) for name in expected} == expected
    assert having.keys() == expected.keys()


@pytest.mark.parametrize("case_id", CASES)
def test_test_case_lies_in_a_file_of_its_name(case_id: str) -> None:
    case = cases()[case_id]
    assert case.function.__module__ == f"gonemaster_engine.testcases.{case.module.lower()}.{case_id}"
    assert case.purpose.endswith(".")
    assert "RFC" in case.manual or "Zonemaster" in case.manual


def test_default_profile_runs_all_test_cases() -> None:
    assert sorted(default_profile().test_cases) == sorted(cases())


@pytest.mark.parametrize("module", MODULE_NAMES)
def test_default_profile_has_the_levels_of_the_registry(module: str) -> None:
    tags = {tag.name: tag.level for case in modules()[module].cases for tag in tags_of(case.id).values()}
    tags |= {tag.name: tag.level for tag in modules()[module].extra_tags}
    levels = default_profile().levels[module]
    assert {name: levels.get(name) for name in tags} == tags
    assert levels.keys() - tags.keys() <= MODULES.get(module, {}).keys()


def test_default_profile_has_the_agreed_levels_of_tags_outside_of_test_cases() -> None:
    for module, tags in {**MODULES, SYSTEM: SYSTEM_TAGS}.items():
        for name, (level, *_) in tags.items():
            assert default_profile().levels[module][name] is Level[level], name


@pytest.mark.parametrize("case_id", CASES)
def test_every_tag_has_a_text_of_its_arguments(case_id: str) -> None:
    module = cases()[case_id].module
    for name, tag in tags_of(case_id).items():
        text = template(name, module)
        assert text, f"{name} has no text"
        assert set(placeholders(text)) <= set(tag.keys), name


@pytest.mark.parametrize("case_id", CASES)
def test_every_finding_from_notice_on_has_advice(case_id: str) -> None:
    module = cases()[case_id].module
    lacking = [name for name, tag in tags_of(case_id).items() if tag.level >= Level.NOTICE and not advice(name, module)]
    assert lacking == []


@pytest.mark.parametrize(("module", "tags"), [(SYSTEM, SYSTEM_TAGS), *MODULES.items()])
def test_every_tag_outside_of_test_cases_has_a_text(module: str, tags: dict[str, list[str]]) -> None:
    for name, (_, *keys) in tags.items():
        if name in NEVER_GIVEN:
            continue
        text = template(name, module)
        assert text, f"{name} has no text"
        assert set(placeholders(text)) <= set(keys), name


def test_catalogue_has_every_module_and_every_file_of_a_case() -> None:
    assert tuple(modules()) == MODULE_NAMES
    files = {path.stem for path in (ROOT / "gonemaster_engine" / "testcases").glob("[a-z]*/[a-z]*[0-9].py")}
    assert files == set(cases())


@pytest.mark.parametrize("module", [*MODULE_NAMES, SYSTEM])
def test_texts_belong_to_tags(module: str) -> None:
    catalogue = importlib.import_module(f"gonemaster_engine.findings.messages.{module.lower()}")
    known = set(SYSTEM_TAGS if module == SYSTEM else MODULES.get(module, {}))
    if module != SYSTEM:
        known.update(name for case in modules()[module].cases for name in tags_of(case.id))
        known.update(tag.name for tag in modules()[module].extra_tags)
    assert catalogue.TEXTS.keys() <= known
    assert catalogue.ADVICE.keys() <= known
