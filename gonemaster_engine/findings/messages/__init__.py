"""Texts of entries: messages and advice.

The English texts are in one file per module; their placeholders are the argument keys of the tag. The folder `general`
has the sentences for many domains, which have no placeholders. Other languages are in gettext catalogues (domain
"gonemaster") whose message IDs are the English texts.
"""

from __future__ import annotations

import gettext
import importlib
import importlib.util
import re
from collections.abc import Callable, Mapping
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from gonemaster_engine.findings.messages.formatting import instant, period, shown, with_u_labels

DEFAULT_LOCALE = "en"
GETTEXT_DOMAIN = "gonemaster"
LOCALE_DIRECTORY = Path(__file__).parents[2] / "locale"

_GENERAL = "GENERAL"  # sentences for many domains, in the folder `general`
_COMMON = "common"  # texts of tags that several modules report
_POSIX_TIMES = frozenset({"expiration"})  # arguments in POSIX seconds
_PERIODS = frozenset({"duration"})  # arguments in seconds
_PLACEHOLDER = re.compile(r"\{(\w+)\}")
_LANGUAGE = re.compile(r"[a-z]{2,3}(_[A-Z]{2})?")


def message(tag: str, module: str, args: Mapping[str, Any], *, locale: str = DEFAULT_LOCALE) -> str:
    """Return the text of an entry in one line; control characters in the arguments are escaped, and U-labels added.

    A tag without a text, which comes from an entry of another version, is shown with its arguments.
    """
    text = _text_of("TEXTS", module, tag)
    if text is None:
        return _unknown(tag, args)
    return phrase(text, args, locale=locale)


def advice(tag: str, module: str, *, locale: str = DEFAULT_LOCALE) -> str:
    """Return a short explanation with advice for readers with little DNS knowledge; empty if there is none."""
    text = _text_of("ADVICE", module, tag)
    return translation(locale).gettext(text) if text else ""


def template(tag: str, module: str, *, locale: str = DEFAULT_LOCALE) -> str:
    """Return the text of a tag with its placeholders; empty if there is none."""
    text = _text_of("TEXTS", module, tag)
    return translation(locale).gettext(text) if text else ""


def general(tag: str, module: str, *, locale: str = DEFAULT_LOCALE) -> str:
    """Return the sentence of a tag for many domains, without the values of one domain; empty if there is none."""
    text = _text_of(_GENERAL, module, tag) or _text_of("TEXTS", module, tag)
    return translation(locale).gettext(text) if text and not placeholders(text) else ""


def description(purpose: str, *, locale: str = DEFAULT_LOCALE) -> str:
    """Return the purpose of a test case, registered in English, in a language."""
    return translation(locale).gettext(purpose) if purpose else ""


def phrase(text: str, args: Mapping[str, Any], *, locale: str = DEFAULT_LOCALE) -> str:
    """Return an English text of this package in a language, with its placeholders filled as in a message."""
    translate = translation(locale).gettext
    return "".join(_filled(_parts(translate(text)), args, translate))


def placeholders(text: str) -> list[str]:
    """Return the argument keys in a text, in order."""
    return _PLACEHOLDER.findall(text)


def locales(directory: Path = LOCALE_DIRECTORY) -> list[str]:
    """Return the languages that have texts, including English, sorted."""
    catalogues = directory.glob(f"*/LC_MESSAGES/{GETTEXT_DOMAIN}.mo")
    return sorted({DEFAULT_LOCALE, *(path.parent.parent.name for path in catalogues)})


def best_locale(locale: str, directory: Path = LOCALE_DIRECTORY) -> str:
    """Return the best language for a locale such as "sv", "sv-SE" or "sv_SE.UTF-8"; English if there is none."""
    name = locale.partition(".")[0].partition("@")[0].replace("-", "_")
    language, _, country = name.partition("_")
    having = locales(directory)
    for candidate in (f"{language.lower()}_{country.upper()}", language.lower()):
        if _LANGUAGE.fullmatch(candidate) and candidate in having:
            return candidate
    return DEFAULT_LOCALE


@cache
def table(module: str, kind: str) -> Mapping[str, str]:
    """Return the English texts of a kind (`TEXTS`, `ADVICE`, `GENERAL`) by tag; empty if a module has none."""
    name = f"{__name__}.general.{module}" if kind == _GENERAL else f"{__name__}.{module}"
    if not module.isidentifier() or importlib.util.find_spec(name) is None:
        return {}
    texts: Mapping[str, str] = getattr(importlib.import_module(name), kind, {})
    return texts


@lru_cache(maxsize=64)
def translation(locale: str, directory: Path = LOCALE_DIRECTORY) -> gettext.NullTranslations:
    """Return the catalogue for a locale, or one that returns the English texts."""
    language = best_locale(locale, directory)
    return gettext.translation(GETTEXT_DOMAIN, directory, languages=[language], fallback=True)


def _text_of(kind: str, module: str, tag: str) -> str | None:
    for name in (module.lower(), _COMMON):
        text = table(name, kind).get(tag)
        if text is not None:
            return text
    return None


@lru_cache(maxsize=4096)
def _parts(text: str) -> tuple[str, ...]:
    """Split a text into plain parts at even positions and argument keys at odd positions."""
    return tuple(_PLACEHOLDER.split(text))


def _filled(parts: tuple[str, ...], args: Mapping[str, Any], translate: Callable[[str], str]) -> list[str]:
    return [_argument(part, args, translate) if position % 2 else part for position, part in enumerate(parts)]


def _argument(key: str, args: Mapping[str, Any], translate: Callable[[str], str]) -> str:
    value = args.get(key)
    if key in _PERIODS and type(value) is int:
        return period(value, translate)
    if key in _POSIX_TIMES and type(value) is int:
        return instant(value)
    return with_u_labels(shown(value, translate))


def _unknown(tag: str, args: Mapping[str, Any]) -> str:
    listed = "; ".join(f"{shown(key)}={shown(value)}" for key, value in args.items())
    return f"{shown(tag)} ({listed})" if listed else shown(tag)
