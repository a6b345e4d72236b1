"""Update the translation catalogues after changes of the texts; with --check, only list outdated files.

A gettext domain, such as `gonemaster` with the texts of the engine, has a template (.pot) with all texts, and for
each language a catalogue (.po), which people edit, and its compiled form (.mo), which programs read. The repository
contains the compiled form, so that a clone, an editable installation and a wheel have all languages without a build
step. The compiled form exists only if the catalogue is complete, so that an available language has all texts.

The files do not depend on time or line numbers: the same texts always give the same files.
"""

from __future__ import annotations

import argparse
import ast
import io
import pkgutil
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from gonemaster_engine.findings import messages
from gonemaster_engine.findings.causes.registry import RULES
from gonemaster_engine.findings.causes.sentences import NO_CAUSE, SENTENCES
from gonemaster_engine.findings.messages import formatting
from gonemaster_engine.help.texts import GETTEXT_DOMAIN as HELP_DOMAIN
from gonemaster_engine.help.texts import english_texts
from gonemaster_engine.names import REFUSALS
from gonemaster_engine.testcases.catalogue import modules
from gonemaster_tasks.config.settings import OPTIONS_BY_AREA
from gonemaster_tasks.monitoring.issues import ADVICE

ROOT = Path(__file__).resolve().parents[1]
ENGINE = ROOT / "gonemaster_engine"
PAGES = ROOT / "gonemaster_api"
METHODS = [("**.py", "python"), ("templates/**.html", "jinja2.ext:babel_extract")]
KEYWORDS = {"_": None, "gettext": None, "ngettext": (1, 2), "mark": None, "Text": None, "Message": None}
SAYING = ("gonemaster_db", "gonemaster_engine", "gonemaster_tasks")
"""The packages with error messages (`Text`) that pages show."""
ADMIN_PLACES = re.compile(
    r"(templates|ui)/admin/|templates/shell/(admin\.html|_strip)|ui/shell/strip|setting |advice "
    r"|(rest|v1|mcp|server|use_cases|auth|demo|streams)/|queries/(cohorts|metrics|policies|batches)"
    r"|gonemaster_(tasks|db)/|gonemaster_engine/(automation|policies|profile|rst|scoring|zonefile)/"
)
"""The places of texts that only operators read; these need not be translated to every language."""
JINJA_OPTIONS = {"newstyle_gettext": "true", "silent": "false"}
MO_MAGIC = b"\xde\x12\x04\x95"
KINDS = {
    "TEXTS": "message",
    "GENERAL": "sentence for many domains",
    "ADVICE": "advice",
    "LABELS": "label in a picture, short",
    "FACTS": "fact next to a picture",
    "REASONS": "reason",
    "SUMMARIES": "summary",
}
"""The tables of texts in a module, with a note for translators."""
HEADER = "# Texts of gonemaster; docs/howto/translate.md says how to translate them. Written by `make messages`."
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%+|\{\w+\}|</?\w+[^>]*>")
"""Placeholders and markup, which a translation must keep."""


@dataclass(frozen=True)
class Text:
    """A text to translate: English, the optional plural, and where it is used."""

    english: str
    plural: str | None
    places: tuple[str, ...]


class Texts(Catalog):
    """A catalogue whose header contains no time, people or tools."""

    @property  # type: ignore[misc]  # of babel it can be set, too
    def mime_headers(self) -> list[tuple[str, str]]:
        """The lines of the header."""
        headers = [
            ("Project-Id-Version", str(self.project)),
            ("MIME-Version", "1.0"),
            ("Content-Type", "text/plain; charset=utf-8"),
            ("Content-Transfer-Encoding", "8bit"),
        ]
        if self.locale:
            headers += [("Language", str(self.locale)), ("Plural-Forms", self.plural_forms)]
        return headers


@dataclass(frozen=True)
class Domain:
    """A gettext domain: its catalogues and the source of its texts."""

    name: str
    folder: Path
    texts: Callable[[], Iterator[Text]]
    optional: bool = False  # a new language does not get a catalogue of this domain

    def template(self) -> Catalog:
        """Return a catalogue of all texts without translations."""
        return _with_texts(_new(self.name), self.texts())

    @property
    def template_file(self) -> Path:
        """The file of the template."""
        return self.folder / f"{self.name}.pot"

    def languages(self) -> list[str]:
        """Return the languages that have a catalogue."""
        return sorted(path.parent.parent.name for path in self.folder.glob(f"*/LC_MESSAGES/{self.name}.po"))

    def file(self, language: str, suffix: str) -> Path:
        """Return the `po` or `mo` file of a language."""
        return self.folder / language / "LC_MESSAGES" / f"{self.name}.{suffix}"


def engine_texts() -> Iterator[Text]:
    """Yield the texts of the engine by module: purposes of test cases, then messages, then advice."""
    places: dict[str, list[str]] = {}
    cases = {name.lower(): module.cases for name, module in modules().items()}
    for module in sorted(found.name for found in pkgutil.iter_modules(messages.__path__) if found.name[0] != "_"):
        for case in cases.get(module, ()):
            places.setdefault(case.purpose, []).append(f"{case.id}: purpose")
        for kind, word in KINDS.items():
            for key, text in messages.table(module, kind).items():
                places.setdefault(text, []).append(f"{module} {key}: {word}")
    for rule in RULES:
        for kind, text in rule.english():
            places.setdefault(text, []).append(f"cause {rule.id}: {kind}")
    for text in (*SENTENCES.values(), NO_CAUSE):
        places.setdefault(text, []).append("the verdict on a run")
    for text in formatting.WORDS:
        places.setdefault(text, []).append("a value in a message")
    return (Text(text, None, tuple(found)) for text, found in places.items())


@cache
def visitors_texts() -> tuple[Text, ...]:
    """Return the texts that a visitor can read: those of at least one page that is not an admin page."""
    seen = {text.english for text in _pages_texts() if not ADMIN_PLACES.match(text.places[0])}
    return tuple(text for text in _pages_texts() if text.english in seen)


def admin_texts() -> Iterator[Text]:
    """Yield the other texts: those of admin pages, error messages of the API, and descriptions of settings."""
    seen = {text.english for text in visitors_texts()}
    return (text for text in _pages_texts() if text.english not in seen)


@cache
def _pages_texts() -> tuple[Text, ...]:
    return tuple(_extracted())


def _extracted() -> Iterator[Text]:
    found = list(extract_from_dir(PAGES, METHODS, options_map={"templates/**.html": JINJA_OPTIONS}, keywords=KEYWORDS))
    plurals = {
        file: dict(_plurals(PAGES / file)) for file in sorted({item[0] for item in found}) if file.endswith(".py")
    }
    for file, _line, text, _comments, _context in sorted(found, key=lambda item: (item[0], item[1])):
        forms = text if isinstance(text, tuple) else (text, plurals.get(file, {}).get(text))
        if forms[0] not in plurals.get(file, {}).values():
            yield Text(forms[0], forms[1], (file,))
    for package in SAYING:
        for file, _line, text, *_ in sorted(extract_from_dir(ROOT / package, METHODS[:1], keywords=KEYWORDS)):
            yield Text(str(text), None, (f"{package}/{file}",))
    for text in REFUSALS.values():
        yield Text(text, None, ("a name that is refused",))
    for kind, advice in ADVICE.items():
        yield Text(advice, None, (f"advice {kind}",))
    for option in (option for options in OPTIONS_BY_AREA.values() for option in options):
        yield Text(option.description, None, (f"setting {option.key}",))


def _plurals(file: Path) -> Iterator[tuple[str, str]]:
    """Yield singular and plural of each Note(mark("..."), mark("...")) or Note(..., plural=...)."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        match node:
            case ast.Call(func=ast.Name(id="Note"), args=[one, *rest], keywords=keywords):
                many = [*rest[:1], *(keyword.value for keyword in keywords if keyword.arg == "plural")]
                if many and (singular := _marked(one)) and (plural := _marked(many[0])):
                    yield singular, plural


def _marked(node: ast.expr) -> str | None:
    match node:
        case ast.Call(func=ast.Name(id="mark"), args=[ast.Constant(value=str(text))]):
            return text
    return None


def help_texts() -> Iterator[Text]:
    """Yield the texts of the pages about findings."""
    places: dict[str, list[str]] = {}
    for text, place in english_texts():
        places.setdefault(text, []).append(place)
    return (Text(text, None, tuple(found)) for text, found in places.items())


DOMAINS = (
    Domain("gonemaster", ENGINE / "locale", engine_texts),
    Domain(HELP_DOMAIN, ENGINE / "locale", help_texts, optional=True),
    Domain("gonemaster_ui", PAGES / "locale", lambda: iter(visitors_texts())),
    Domain("gonemaster_admin", PAGES / "locale", admin_texts, optional=True),
)


def _new(project: str, language: str | None = None) -> Catalog:
    return Texts(locale=language, project=project, charset="utf-8", fuzzy=False, header_comment=HEADER)


def _with_texts(catalog: Catalog, texts: Iterable[Text]) -> Catalog:
    for text in texts:
        known = catalog.get(text.english)
        if text.plural and known and known.pluralizable and known.id[1] != text.plural:
            raise ValueError(
                f"{text.english!r} has two plurals, {known.id[1]!r} and {text.plural!r} ({text.places[0]})"
            )
        catalog.add((text.english, text.plural) if text.plural else text.english, auto_comments=text.places)
    return catalog


def updated(domain: Domain, language: str, template: Catalog) -> Catalog:
    """Return the catalogue of a language with exactly the texts of the template; new texts have no translation."""
    olds = _catalogues(language, (domain, *(each for each in DOMAINS if each.folder == domain.folder)))
    new = _new(domain.name, language)
    for text in template:
        if not text.id:
            continue
        translated = next((found for old in olds if (found := old.get(text.id)) and any(found.string)), None)
        if translated and translated.pluralizable != text.pluralizable:
            translated = None  # the text gained or lost a plural
        string = translated.string if translated else ""
        flags = translated.flags & {"fuzzy"} if translated else set()
        new.add(text.id, string, flags=flags, auto_comments=text.auto_comments)
    return new


def _catalogues(language: str, domains: Iterable[Domain]) -> list[Catalog]:
    """Return the catalogues of domains as they are at the first call, so that a text may move from one to another."""
    return [_catalogue(language, file) for domain in domains if (file := domain.file(language, "po")).exists()]


@cache
def _catalogue(language: str, file: Path) -> Catalog:
    with file.open("rb") as source:
        return read_po(source, locale=language)


def faults(catalog: Catalog) -> list[str]:
    """Return the errors of a catalogue, one line per text: missing, fuzzy, or with wrong placeholders."""
    texts = [text for text in catalog if text.id]
    return [f"{fault}: {_first(text)!r}" for text in texts for fault in _faults(text, catalog)] or (
        [] if texts else ["no texts"]
    )


def _faults(text: Message, catalog: Catalog) -> Iterator[str]:
    strings = text.string if isinstance(text.string, tuple | list) else (text.string,)
    if not all(strings) or (text.pluralizable and len(strings) != catalog.num_plurals):
        yield "not translated"
        return
    if text.fuzzy:
        yield "fuzzy"
    wanted = [_marks(english) for english in (text.id if isinstance(text.id, tuple | list) else (text.id,))]
    for string in strings:
        # The English singular can omit the number, which other languages need in their form for 1, 21 and 31.
        if _marks(string) not in (wanted if string != strings[-1] else wanted[-1:]):
            yield f"placeholders or markup differ from {wanted[-1]}"


def _marks(text: str | None) -> list[str]:
    return sorted(PLACEHOLDER.findall(text or ""))


def _first(text: Message) -> str:
    return text.id if isinstance(text.id, str) else text.id[0]


def as_po(catalog: Catalog) -> bytes:
    """Return the file of a template or a catalogue."""
    written = io.BytesIO()
    write_po(written, catalog, width=0)
    return written.getvalue()


def as_mo(catalog: Catalog) -> bytes:
    """Return the compiled form of a catalogue."""
    written = io.BytesIO()
    write_mo(written, catalog)
    return written.getvalue()


def files(domain: Domain) -> Iterator[tuple[Path, bytes | None, list[str]]]:
    """Yield each file of a domain with its content, or None if it must not exist, and the errors of its catalogue."""
    template = domain.template()
    yield domain.template_file, as_po(template), []
    for language in domain.languages():
        catalog = updated(domain, language, template)
        found = faults(catalog)
        yield domain.file(language, "po"), as_po(catalog), []
        yield domain.file(language, "mo"), None if found else as_mo(catalog), found


def main(arguments: list[str]) -> int:
    """Write the files, or with --check return 1 if a file is outdated."""
    parser = argparse.ArgumentParser(description="update the translation catalogues")
    parser.add_argument("--check", action="store_true", help="do not write files; fail if a file is outdated")
    parser.add_argument("--add", metavar="LANGUAGE", help="create the catalogues of a language, such as de or pt_BR")
    options = parser.parse_args(arguments)
    if options.add:
        _start(options.add)
    stale = []
    for domain in DOMAINS:
        for file, wanted, found in files(domain):
            name = file.relative_to(ROOT)
            if found:
                print(f"{name}: not available, {len(found)} texts:", *found[:20], sep="\n  ")
            present = file.read_bytes() if file.exists() else None
            if wanted == present or (options.check and _same_texts(wanted, present)):
                continue
            stale.append(str(name))
            if not options.check:
                _write(file, wanted)
    if stale and options.check:
        print("outdated; run `make messages`:", *stale, sep="\n  ", file=sys.stderr)
    return 1 if stale and options.check else 0


def _same_texts(one: bytes | None, other: bytes | None) -> bool:
    """Return whether two catalogues have the same translations; the comments can differ."""
    return bool(one and other) and _texts(one) == _texts(other)


def _texts(content: bytes | None) -> object:
    if not content or content.startswith(MO_MAGIC):
        return content
    return {str(text.id): (text.string, text.fuzzy) for text in read_po(io.BytesIO(content))}


def _start(language: str) -> None:
    for domain in DOMAINS:
        file = domain.file(language, "po")
        if not file.exists() and not domain.optional:
            _write(file, as_po(_new(domain.name, language)))


def _write(file: Path, content: bytes | None) -> None:
    if content is None:
        file.unlink()
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
