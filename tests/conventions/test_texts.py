"""Texts about findings use the terms of RFC 9499 and one form; they are the keys of translations."""

from __future__ import annotations

import pkgutil
import re
from collections.abc import Iterator

import pytest

from gonemaster_engine.findings import messages
from gonemaster_engine.findings.causes.registry import RULES
from gonemaster_engine.findings.messages import placeholders
from gonemaster_engine.testcases.catalogue import cases

NOT_THE_FIELDS_WORDS = {
    r"ask(s|ed)?": "query",
    r"with(out)? authority": "authoritative, AA bit",
    r"authority (to|for) answer": "authoritative",
    r"response code": "RCODE",
    r"silent|silence": "did not respond",
    r"switched (on|off)": "enabled, disabled",
    r"top level": "top-level",
    r"look-ups?": "lookup",
    r"mail hosts?": "mail exchange",
    r"(NS|SOA|DS|DNSKEY|CDS|CDNSKEY) sets?": "RRset",
    r"begins to be valid": "not yet valid",
    r"in-bailiwick": "in-domain",
    r"lame": "does not serve the zone",
    r"master|slave": "primary, secondary",
    r"mend(s|ed)?": "correct, repair",
    r"nobody|everybody|somebody": "no resolver, every client",
    r"questions?|reply|replies|replied": "query, response",
    r"redirect(s|ed)": "refer, DNAME",
}


def texts() -> Iterator[tuple[str, str]]:
    """Yield each text and advice with its location, the texts of causes, and the purpose of each test case."""
    for module in pkgutil.iter_modules(messages.__path__):
        for kind in ("TEXTS", "ADVICE", "GENERAL"):
            for tag, text in messages.table(module.name, kind).items():
                yield f"{module.name} {kind} {tag}", text
    for rule in RULES:
        for kind, text in rule.english():
            if kind != "title":  # a title is not a sentence
                yield f"cause {rule.id} {kind}", text
    for case_id, case in cases().items():
        yield f"{case_id} purpose", case.purpose


@pytest.mark.parametrize("words", NOT_THE_FIELDS_WORDS)
def test_texts_use_the_words_of_the_field(words: str) -> None:
    pattern = re.compile(rf"\b({words})\b", re.IGNORECASE)
    wrong = [f"{place}: {text}" for place, text in texts() if pattern.search(re.sub(r"\{\w+\}", "", text))]
    assert wrong == [], f"say: {NOT_THE_FIELDS_WORDS[words]}"


def test_texts_are_whole_sentences_in_one_line() -> None:
    sentence = re.compile(r"(?:[A-Z]|\{\w+\})[^\n]*(?:\.|: \{\w+\})")  # text from external sources may end the sentence
    wrong = [place for place, text in texts() if not sentence.fullmatch(text) or "  " in text]
    assert wrong == []


def test_advice_has_no_arguments() -> None:
    wrong = [place for place, text in texts() if " ADVICE " in place and placeholders(text)]
    assert wrong == []


def test_lists_of_servers_are_at_the_end() -> None:
    listed = re.compile(r"\{(?:servers|addresses|servers_behind)\}(?!\.$)")
    wrong = [place for place, text in texts() if " TEXTS " in place and listed.search(text)]
    assert wrong == []


def test_purposes_begin_with_the_same_few_verbs() -> None:
    first = {case_id: case.purpose.partition(" ")[0] for case_id, case in cases().items()}
    assert set(first.values()) <= {"Check", "Find", "Look", "Validate", "Verify"}
