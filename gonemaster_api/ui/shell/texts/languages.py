"""The language of a page, and its gettext catalogue `gonemaster_ui`.

`make messages` compiles a catalogue only if it is complete (`.ci/messages.py`), so every compiled language can be
offered. English is the language of the message IDs and needs no catalogue.
"""

import gettext as catalogues
from functools import cache
from pathlib import Path

from babel import Locale
from flask import g, has_request_context, request

from gonemaster_engine.texts import mark as mark

DOMAIN = "gonemaster_ui"
FOLDER = Path(__file__).parents[3] / "locale"
COOKIE = "gm_lang"
ENGLISH = "en"


def language() -> str:
    """Return the language of this request: from its query, its cookie, or the browser's preferences, in this order."""
    if not has_request_context():
        return ENGLISH
    if "ui_language" not in g:
        g.ui_language = _chosen()
    found: str = g.ui_language
    return found


def _chosen() -> str:
    complete = languages()
    for requested in (request.args.get("lang"), request.cookies.get(COOKIE)):
        if requested in complete:
            return requested
    return request.accept_languages.best_match(complete, ENGLISH) or ENGLISH


@cache
def languages() -> tuple[str, ...]:
    """Return the codes of the languages with a complete catalogue, English first."""
    return (ENGLISH, *sorted(path.parent.parent.name for path in FOLDER.glob(f"*/LC_MESSAGES/{DOMAIN}.mo")))


def names_of_languages() -> dict[str, str]:
    """Return the available languages, each with its name in the language itself."""
    return {code: (locale(code).get_display_name(code) or code).capitalize() for code in languages()}


def locale(code: str = "") -> Locale:
    """Return the babel locale of a language, by default the language of the request."""
    return _locale(code or language())


@cache
def _locale(code: str) -> Locale:
    return Locale.parse(code, sep="-" if "-" in code else "_")


@cache
def translations_of(code: str) -> catalogues.NullTranslations:
    """Return the catalogue of a language."""
    return catalogues.translation(DOMAIN, FOLDER, languages=[code], fallback=True)


def translations() -> catalogues.NullTranslations:
    """Return the catalogue of this request's language."""
    return translations_of(language())


def gettext(message: str, /, **values: object) -> str:
    """Return a text in the language of the request, with `%(name)s` replaced by a value."""
    text = translations().gettext(message)
    return text % values if values else text


def ngettext(singular: str, plural: str, number: int, /, **values: object) -> str:
    """Return a text in the plural form for a number, which is available as `%(num)s`."""
    return translations().ngettext(singular, plural, number) % {"num": number, **values}
