"""Translation catalogues have exactly the texts of the code, and an offered language has all of them."""

from __future__ import annotations

import gettext
import importlib.util
import io
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from babel.messages.catalog import Catalog

from gonemaster_engine.findings import messages
from tests.support.sources import ROOT

COMPLETE = ("sv",)
"""Languages that must have every text."""
VISITORS = ("cs", "da", "de", "es", "fi", "fr", "nb", "nl", "pt", "sl")
"""Languages that must have every text that a visitor reads; others may be incomplete."""
ENGLISH_ONLY = ("gonemaster_help",)
"""Domains without translations so far; pages show English and mark it."""


@pytest.fixture(scope="module")
def tool() -> Any:
    """Return `.ci/messages.py`, which does not belong to a package."""
    spec = importlib.util.spec_from_file_location("messages_tool", ROOT / ".ci" / "messages.py")
    assert spec
    assert spec.loader
    module: Any = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    module.DOMAINS = [replace(domain, texts=list(domain.texts()).__iter__) for domain in module.DOMAINS]
    return module


def test_catalogues_are_current() -> None:
    command = [sys.executable, ".ci/messages.py", "--check"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_places_of_texts_may_move(tool: ModuleType) -> None:
    first, moved, other = (Catalog(locale="sv") for _ in range(3))
    for catalog, places, text in (
        (first, ["a.html"], "Stopp"),
        (moved, ["b.html"], "Stopp"),
        (other, ["a.html"], "Nej"),
    ):
        catalog.add("Stop", text, auto_comments=places)
    as_po, as_mo = tool.as_po, tool.as_mo
    assert tool._same_texts(as_po(first), as_po(moved))
    assert not tool._same_texts(as_po(first), as_po(other))
    assert not tool._same_texts(as_mo(first), as_mo(other))
    assert not tool._same_texts(as_mo(first), None)


class Missing(gettext.NullTranslations):
    """Records the texts that a catalogue lacks."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    def gettext(self, message: str) -> str:
        self.texts.append(message)
        return message

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        self.texts.append(msgid1)
        return msgid1


@pytest.mark.parametrize("language", [*COMPLETE, *VISITORS])
def test_complete_languages_have_every_text(tool: ModuleType, language: str) -> None:
    for domain in tool.DOMAINS:
        if (domain.optional and language in VISITORS) or domain.name in ENGLISH_ONLY:
            continue
        with domain.file(language, "mo").open("rb") as source:
            catalogue = gettext.GNUTranslations(source)
        missing = Missing()
        catalogue.add_fallback(missing)
        english = [text for text in domain.template() if text.id]
        assert english
        for text in english:
            if text.pluralizable:
                singular, plural = text.id
                assert all(catalogue.ngettext(singular, plural, number) for number in (1, 2))
            else:
                assert catalogue.gettext(text.id)
        assert missing.texts == []


NOT_SWEDISH_TERMS = {
    r"föräldrazon\w*": "överordnad zon",
    r"fynd\w*": "iakttagelse",
    r"hashtyp\w*": "digesttyp",
    r"registret": "toppdomänens administratör",
    r"(?<!gonemaster-server )workern?": "arbetsprocess",
    r"signeringsprogram\w*": "signeringssystem",
}
"""Words that the table in docs/howto/translate.md does not have, with those to write instead."""


@pytest.mark.parametrize("words", NOT_SWEDISH_TERMS)
def test_swedish_texts_use_the_terms_of_the_table(tool: ModuleType, words: str) -> None:
    pattern = re.compile(rf"(?<![-({{\w]){words}(?![-}}\w])", re.IGNORECASE)
    wrong = [
        form
        for domain in tool.DOMAINS
        if domain.name not in ENGLISH_ONLY
        for message in tool.read_po(io.BytesIO(domain.file("sv", "po").read_bytes()), locale="sv")
        for form in ((message.string,) if isinstance(message.string, str) else message.string)
        if message.id and pattern.search(form)
    ]
    assert wrong == [], f"write: {NOT_SWEDISH_TERMS[words]}"


def test_text_that_moves_to_another_catalogue_keeps_its_translation(
    tool: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = [tool.Text("Stop", None, ("a.html",)), tool.Text("Start", None, ("a.html",))]
    before, after = (tool.Domain(name, tmp_path, lambda: iter(texts)) for name in ("admin", "visitors"))
    catalog = Catalog(locale="sv")
    catalog.add("Stop", "Stoppa")
    catalog.add("Start", "")
    before.file("sv", "po").parent.mkdir(parents=True)
    before.file("sv", "po").write_bytes(tool.as_po(catalog))
    monkeypatch.setattr(tool, "DOMAINS", [before, after])
    assert tool.faults(tool.updated(after, "sv", after.template())) == ["not translated: 'Start'"]


Form = str | tuple[str, ...]


def test_notes_of_pages_have_their_plural(tool: ModuleType, tmp_path: Path) -> None:
    file = tmp_path / "views.py"
    file.write_text(
        'register_notes({"a": Note(mark("One."), mark("%(num)s.")), "b": Note(mark("Two."), level="ok")})\n'
        'NOTE = Note(mark("Red."), plural=mark("%(num)s red."))\nOTHER = Other(mark("x"), mark("y"))\n'
    )
    assert sorted(tool._plurals(file)) == [("One.", "%(num)s."), ("Red.", "%(num)s red.")]


def test_text_with_two_plurals_is_refused(tool: ModuleType, tmp_path: Path) -> None:
    texts = [tool.Text("one job", plural, ("a.html",)) for plural in (None, "%(n)s jobs", "%(num)s jobs")]
    assert tool.Domain("x", tmp_path, lambda: iter(texts[:2])).template()["one job"].pluralizable
    with pytest.raises(ValueError, match="'one job' has two plurals"):
        tool.Domain("x", tmp_path, lambda: iter(texts)).template()


def test_text_that_gets_a_plural_is_to_be_translated_again(tool: ModuleType, tmp_path: Path) -> None:
    texts = [tool.Text("One job", None, ("a.html",)), tool.Text("Stop", None, ("a.html",))]
    domain = tool.Domain("x", tmp_path, lambda: iter(texts))
    catalog = Catalog(locale="sv")
    catalog.add("One job", "Ett jobb")
    catalog.add("Stop", "Stoppa")
    file = domain.file("sv", "po")
    file.parent.mkdir(parents=True)
    file.write_bytes(tool.as_po(catalog))
    assert tool.faults(tool.updated(domain, "sv", domain.template())) == []
    texts[0] = tool.Text("One job", "%(n)s jobs", ("a.html",))
    assert tool.faults(tool.updated(domain, "sv", domain.template())) == ["not translated: 'One job'"]


FAULTS: dict[str, tuple[tuple[Form, Form], str]] = {
    "nothing": (("{a} and {b}.", ""), "not translated"),
    "one of two forms": ((("%(num)s name", "%(num)s names"), ("%(num)s namn", "")), "not translated"),
    "a placeholder less": (("{a} and {b}.", "{a} och."), "placeholders or markup"),
    "another placeholder": (("{a} and {b}.", "{a} och {c}."), "placeholders or markup"),
    "a placeholder twice": (("{a} and {b}.", "{a}, {a} och {b}."), "placeholders or markup"),
    "a value of pages": (("Run %(n)s", "Körning %(m)s"), "placeholders or markup"),
    "a mark of pages": (("<b>Stop</b> it", "Stanna <i>det</i>"), "placeholders or markup"),
    "a plural without its number": ((("One name", "%(num)s names"), ("Ett namn", "Namn")), "placeholders or markup"),
}


@pytest.mark.parametrize("case", FAULTS)
def test_translation_with_a_fault_is_refused(tool: ModuleType, case: str) -> None:
    (english, swedish), fault = FAULTS[case]
    catalog = Catalog(locale="sv")
    catalog.add("Start", "Början")
    catalog.add(english, swedish)
    assert [line for line in tool.faults(catalog) if not line.startswith(fault)] == []
    assert len(tool.faults(catalog)) == 1


def test_good_translations_are_accepted(tool: ModuleType) -> None:
    catalog = Catalog(locale="sv")
    catalog.add("{a} before {b}.", "{b} efter {a}.")
    catalog.add(("One name", "%(num)s names"), ("%(num)s namn", "%(num)s namn"))
    assert tool.faults(catalog) == []
    catalog.add("Doubtful", "Tveksam", flags={"fuzzy"})
    assert tool.faults(catalog) == ["fuzzy: 'Doubtful'"]


def test_new_language_starts_without_texts_and_is_not_offered(tool: ModuleType, tmp_path: Path) -> None:
    for whole in tool.DOMAINS:
        domain = tool.Domain(whole.name, tmp_path, whole.texts)
        file = domain.file("pt_BR", "po")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(tool.as_po(Catalog(locale="pt_BR")))
        (_, _, _), (_, po, _), (_, mo, found) = tool.files(domain)
        assert mo is None
        texts = [text for text in domain.template() if text.id]
        assert len(found) == len(texts)
        assert po.count(b"\nmsgid ") == len(texts) + 1
    assert messages.locales(tmp_path) == ["en"]
