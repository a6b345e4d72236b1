"""The help texts: English in data/help/*.yaml, other languages in the gettext domain "gonemaster_help".

A text without a translation stays in English, and says so: pages mark it with its language.
"""

from __future__ import annotations

import gettext
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Final, Self

import yaml

from gonemaster_engine.findings.messages import DEFAULT_LOCALE, LOCALE_DIRECTORY, best_locale

GETTEXT_DOMAIN: Final = "gonemaster_help"
SERVERS: Final[Mapping[str, str]] = {"bind": "BIND", "knot": "Knot DNS", "nsd": "NSD", "powerdns": "PowerDNS"}
REGISTRAR: Final = "registrar"
SYSTEM_CASE: Final = "SYSTEM"
ZONEFILE_CASE: Final = "ZONEFILE"
# The values of the placeholders on a page that is about no particular domain.
EXAMPLE: Final[Mapping[str, str]] = {
    "domain": "example.com",
    "parent": "com",
    "parent_ns": "a.gtld-servers.net",
    "ns": "ns1.example.com",
    "address": "192.0.2.53",
}
_DATA: Final = Path(__file__).resolve().parents[1] / "data/help"
_PLACEHOLDER: Final = re.compile(r"\{(\w+)\}")


class HelpText(str):
    """A sentence with the language that it is in."""

    language: str

    def __new__(cls, text: str, language: str = DEFAULT_LOCALE) -> Self:
        """Mark a text with its language."""
        made = super().__new__(cls, text)
        made.language = language
        return made


@dataclass(frozen=True, slots=True)
class DigCommand:
    """A command of dig, and what its output shows."""

    command: str
    expect: HelpText


def translated(english: str, locale: str = DEFAULT_LOCALE) -> HelpText:
    """Return a help text in a language, or in English if the language has no translation."""
    if not english:
        return HelpText("")
    text = _catalogue(locale).gettext(english)
    return HelpText(text, best_locale(locale) if text != english else DEFAULT_LOCALE)


@lru_cache(maxsize=64)
def _catalogue(locale: str) -> gettext.NullTranslations:
    # The languages of the messages; this domain may lack one of them.
    return gettext.translation(GETTEXT_DOMAIN, LOCALE_DIRECTORY, languages=[best_locale(locale)], fallback=True)


def queries(fields: list[Mapping[str, str]], locale: str) -> tuple[DigCommand, ...]:
    """Return the commands of an entry, for the example domain."""
    return tuple(DigCommand(filled(each["run"]), translated(each["expect"], locale)) for each in fields)


def filled(command: str, values: Mapping[str, str] = EXAMPLE) -> str:
    """Replace the placeholders of a command.

    Raises:
        KeyError: a placeholder is unknown.
    """
    return _PLACEHOLDER.sub(lambda match: values[match[1]], command)


@cache
def table(name: str) -> Mapping[str, Any]:
    """Return one of the tables: "cases", "causes" or "remedies"."""
    found: Mapping[str, Any] = _loaded(name)
    return found


@cache
def _loaded(name: str) -> Any:
    return yaml.load((_DATA / f"{name}.yaml").read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506


_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@cache
def exception_of(tag: str) -> Mapping[str, Any]:
    """Return the fields that a tag has instead of those of its test case; empty if there are none."""
    for entry in _loaded("tags"):
        if any(fnmatchcase(tag, pattern) for pattern in entry["tags"]):
            found: Mapping[str, Any] = entry
            return found
    return {}


@cache
def causes_of(tag: str) -> tuple[str, ...]:
    """Return the root causes that often explain a tag."""
    return tuple(
        cause for cause, entry in table("causes").items() if any(fnmatchcase(tag, pattern) for pattern in entry["tags"])
    )


@cache
def worlds() -> Mapping[str, Mapping[str, str]]:
    """Return a zone of the tests for each tag: the file of the test and the name of the zone in it."""
    found: Mapping[str, Mapping[str, str]] = json.loads((_DATA / "worlds.json").read_text(encoding="utf-8"))
    return found


def english_texts() -> Iterator[tuple[str, str]]:
    """Yield each text to translate with its place, for the catalogues."""
    for case, entry in table("cases").items():
        yield entry["why"], f"{case}: why it matters"
        yield from ((each["expect"], f"{case}: what dig shows") for each in entry["see"])
    for entry in _loaded("tags"):
        yield from ((each["expect"], f"{entry['tags'][0]}: what dig shows") for each in entry.get("see", ()))
    for remedy, entry in table("remedies").items():
        yield entry["title"], f"{remedy}: title"
        yield entry["text"], f"{remedy}: what to do"
        yield from ((entry[part]["text"], f"{remedy}: {part}") for part in (*SERVERS, REGISTRAR))
