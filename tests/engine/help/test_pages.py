"""Each tag of the catalogue has a page with every part, and translators reach every text."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase

import pytest

from gonemaster_engine.cli.main import main
from gonemaster_engine.entries import Level
from gonemaster_engine.findings.causes.registry import RULES
from gonemaster_engine.help.pages import case_help, cause_help, remedy, tag_help, tags
from gonemaster_engine.help.texts import EXAMPLE, SERVERS, english_texts, table, translated
from gonemaster_engine.testcases.catalogue import cases

SENTENCE = re.compile(r"[A-Z\"].*[.!?]", re.DOTALL)


@pytest.mark.parametrize("tag", [tag for tag in tags() if (found := tag_help(tag)) and found.level >= Level.WARNING])
def test_a_page_about_a_warning_has_every_part(tag: str) -> None:
    found = tag_help(tag)
    assert found
    assert all(meaning.message and meaning.advice for meaning in found.meanings)
    assert SENTENCE.fullmatch(found.why)
    assert found.see
    assert all(SENTENCE.fullmatch(query.expect) for query in found.see)
    assert found.remedies
    assert found.world.file or found.world.demo


def test_a_page_about_another_tag_has_meaning_test_case_and_document() -> None:
    for tag in tags():
        found = tag_help(tag)
        assert found
        for meaning in found.meanings:
            assert meaning.message, tag
            assert meaning.reference or not meaning.cases, tag


def test_each_test_case_and_each_cause_has_a_page() -> None:
    assert set(table("cases")) == {*cases(), "SYSTEM", "ZONEFILE"}
    assert all(case_help(case) for case in cases())
    assert set(table("causes")) == {rule.id for rule in RULES}
    assert all((found := cause_help(rule.id)) and found.remedies for rule in RULES)


def test_each_remedy_is_used_and_has_a_text_for_each_server() -> None:
    used = {each.id for tag in tags() if (page := tag_help(tag)) for each in page.remedies}
    used |= {each.id for rule in RULES if (about := cause_help(rule.id)) for each in about.remedies}
    assert used == set(table("remedies"))
    for name in used:
        found = remedy(name)
        assert [part.id for part in found.servers] == list(SERVERS)
        assert all(SENTENCE.fullmatch(text) for text in (found.text, found.registrar)), name
        assert all(SENTENCE.fullmatch(part.text) for part in found.servers), name


def test_each_pattern_of_a_cause_names_a_tag() -> None:
    patterns = {pattern for entry in table("causes").values() for pattern in entry["tags"]}
    assert {pattern for pattern in patterns if not any(fnmatchcase(tag, pattern) for tag in tags())} == set()


def test_the_catalogue_has_every_text_that_a_page_shows() -> None:
    known = {text for text, _place in english_texts()}
    for tag in tags():
        found = tag_help(tag)
        assert found
        shown = {str(found.why), *(str(query.expect) for query in found.see)}
        for each in found.remedies:
            shown |= {str(each.title), str(each.text), str(each.registrar), *(str(part.text) for part in each.servers)}
        assert shown <= known, tag


def test_a_text_without_translation_says_that_it_is_english() -> None:
    assert (translated("No such text.", "sv"), translated("No such text.", "sv").language) == ("No such text.", "en")


def test_commands_are_about_the_example_domain() -> None:
    commands = [query.command for tag in tags() if (found := tag_help(tag)) for query in found.see]
    assert not [command for command in commands if "{" in command]
    assert all(command.startswith("dig ") for command in commands)
    assert any(EXAMPLE["parent_ns"] in command for command in commands)


@pytest.mark.parametrize("name", ["DS02_NO_DNSKEY_FOR_DS", "dnssec02", "ds_without_key", "ds02_no_dnskey_for_ds"])
def test_the_command_explains(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--explain", name]) == 0
    printed = capsys.readouterr().out
    assert "dig " in printed or "Replace the DS records" in printed
    assert max(map(len, printed.splitlines())) <= 140


def test_an_unknown_name_gets_similar_ones(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--explain", "DS02_NO_DNSKEY_FOR_DSS"]) == 2
    assert "did you mean DS02_NO_DNSKEY_FOR_DS" in capsys.readouterr().err
