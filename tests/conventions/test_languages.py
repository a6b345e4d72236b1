"""Each language has its own words: no placeholder is lost, and no text reads English by accident."""

from __future__ import annotations

import gettext
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from gonemaster_api.ui.shell.texts.languages import FOLDER
from gonemaster_engine.findings.messages import LOCALE_DIRECTORY, phrase, placeholders
from tests.support.sources import ROOT

FILES = sorted([*LOCALE_DIRECTORY.glob("*/LC_MESSAGES/*.mo"), *FOLDER.glob("*/LC_MESSAGES/*.mo")])
ENGLISH = frozenset(
    [
        "the",
        "which",
        "this",
        "these",
        "with",
        "are",
        "does",
        "because",
        "should",
        "their",
        "been",
        "were",
        "its",
        "whether",
    ]
)
"""Words that none of our other languages has."""
_NOT_PROSE = re.compile(
    r"%\(\w+\)[sd]|\{\w+\}|</?[^>]+>|`[^`]*`|\"[^\"]*\"|[\u201c\u201d\u201e\u00ab][^\u201c\u201d\u00bb]*[\u201c\u201d\u00bb]"
)
_WORD = re.compile(r"[^\W\d_]+")


def _texts(file: Path) -> Iterator[tuple[str, str]]:
    """Yield each English text with each of its translated forms."""
    with file.with_suffix(".po").open("rb") as source:
        for text in read_po(source):
            if text.id:
                english = text.id if isinstance(text.id, str) else text.id[-1]
                for form in (text.string,) if isinstance(text.string, str) else text.string or ():
                    yield english, form


def _name(file: Path) -> str:
    return f"{file.stem}-{file.parent.parent.name}"


@pytest.mark.parametrize("file", FILES, ids=_name)
def test_no_text_reads_english(file: Path) -> None:
    found = []
    for english, form in _texts(file):
        words = [word.lower() for word in _WORD.findall(_NOT_PROSE.sub(" ", form))]
        foreign = [word for word in words if word in ENGLISH]
        if len(foreign) > 1 or (form == english and len(words) > 4 and foreign):
            found.append(form)
    assert found == []


@pytest.mark.parametrize("file", [file for file in FILES if file.stem == "gonemaster"], ids=_name)
def test_each_message_is_filled_in(file: Path) -> None:
    language = file.parent.parent.name
    with file.open("rb") as source:
        catalogue = gettext.GNUTranslations(source)
    for english, _ in _texts(file):
        keys = placeholders(english)
        shown = phrase(english, {key: f"value-{key}" for key in keys}, locale=language)
        missing = [key for key in keys if f"value-{key}" not in shown]
        assert missing == [], f"{catalogue.gettext(english)}: {missing}"
        assert placeholders(shown) == []


def test_each_language_has_a_glossary() -> None:
    folder = ROOT / "docs" / "reference" / "translation"
    languages = {file.parent.parent.name for file in FILES}
    assert {file.stem for file in folder.glob("*.md")} - {"about"} == languages
