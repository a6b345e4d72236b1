"""The language of a page, and its texts: gettext catalogues of the domain `gonemaster_ui`.

`make messages` compiles a catalogue as soon as it is complete (`.ci/messages.py`), so what is compiled can be offered.
English is the language of the message ids and needs none.
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
    """Return the language of this request: of its query, else of its cookie, else of the browser's wishes."""
    if not has_request_context():
        return ENGLISH
    if "ui_language" not in g:
        g.ui_language = _chosen()
    found: str = g.ui_language
    return found


def _chosen() -> str:
    complete = languages()
    for wish in (request.args.get("lang"), request.cookies.get(COOKIE)):
        if wish in complete:
            return wish
    return request.accept_languages.best_match(complete, ENGLISH) or ENGLISH


@cache
def languages() -> tuple[str, ...]:
    """Return the codes of the languages whose catalogue is complete, English first."""
    return (ENGLISH, *sorted(place.parent.parent.name for place in FOLDER.glob(f"*/LC_MESSAGES/{DOMAIN}.mo")))


def names_of_languages() -> dict[str, str]:
    """Return the languages to choose from, each with its name in itself."""
    return {code: (locale(code).get_display_name(code) or code).capitalize() for code in languages()}


def locale(code: str = "") -> Locale:
    """Return what babel knows of a language, as a rule that of the request."""
    return _locale(code or language())


@cache
def _locale(code: str) -> Locale:
    return Locale.parse(code, sep="-" if "-" in code else "_")


@cache
def _translations(code: str) -> catalogues.NullTranslations:
    return catalogues.translation(DOMAIN, FOLDER, languages=[code], fallback=True)


def translations() -> catalogues.NullTranslations:
    """Return the catalogue of this request's language."""
    return _translations(language())


def gettext(message: str, /, **values: object) -> str:
    """Return a text in the language of the request; `%(name)s` in it is replaced by a value."""
    text = translations().gettext(message)
    return text % values if values else text


def ngettext(singular: str, plural: str, number: int, /, **values: object) -> str:
    """Return a text in the form that its language has for a number, which it may show as `%(num)s`."""
    return translations().ngettext(singular, plural, number) % {"num": number, **values}
