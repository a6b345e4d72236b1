"""The language of a page, and its gettext catalogues.

The catalogue `gonemaster_ui` has the texts that visitors read, `gonemaster_admin` those that only operators read. A
language may have the first without the second; admin pages are then in English. `make messages` compiles a catalogue
only if it is complete (`.ci/messages.py`), so every compiled language can be offered. English is the language of the
message IDs and needs no catalogue.
"""

import gettext as catalogues
from functools import cache
from pathlib import Path

from babel import Locale
from flask import current_app, g, has_request_context, request
from werkzeug.datastructures import LanguageAccept

from gonemaster_engine.texts import mark as mark

VISITORS = "gonemaster_ui"
OPERATORS = "gonemaster_admin"
FOLDER = Path(__file__).parents[3] / "locale"
COOKIE = "gm_lang"
ENGLISH = "en"
_ADMIN_PAGES = "gonemaster_api.ui.admin."
_MEMBERS = {"no": "nb"}  # macrolanguages that browsers send, with the member that has a catalogue


def language() -> str:
    """Return the language of this request: from its query, its cookie, or the browser's preferences, in this order."""
    if not has_request_context():
        return ENGLISH
    if "ui_language" not in g:
        g.ui_language = _chosen()
    found: str = g.ui_language
    return found


def _chosen() -> str:
    complete = offered()
    for requested in (request.args.get("lang"), request.cookies.get(COOKIE)):
        if requested in complete:
            return requested
    return preferred(request.accept_languages, complete)


def preferred(accepted: LanguageAccept, complete: tuple[str, ...]) -> str:
    """Return the language that a browser prefers among the complete ones; English if it accepts none of them."""
    known = LanguageAccept((_MEMBERS.get(code.lower(), code), quality) for code, quality in accepted)
    return known.best_match(complete, ENGLISH) or ENGLISH


def offered() -> tuple[str, ...]:
    """Return the codes of the languages of the requested page; admin pages have fewer."""
    pages = current_app.blueprints[request.blueprint].import_name if request.blueprint else ""
    return languages(OPERATORS if pages.startswith(_ADMIN_PAGES) else VISITORS)


@cache
def languages(domain: str = VISITORS) -> tuple[str, ...]:
    """Return the codes of the languages with a complete catalogue, English first."""
    return (ENGLISH, *sorted(path.parent.parent.name for path in FOLDER.glob(f"*/LC_MESSAGES/{domain}.mo")))


def names_of_languages() -> dict[str, str]:
    """Return the languages of the requested page, each with its name in the language itself."""
    return {code: (locale(code).get_display_name(code) or code).capitalize() for code in offered()}


def locale(code: str = "") -> Locale:
    """Return the babel locale of a language, by default the language of the request."""
    return _locale(code or language())


@cache
def _locale(code: str) -> Locale:
    return Locale.parse(code, sep="-" if "-" in code else "_")


@cache
def translations_of(code: str) -> catalogues.NullTranslations:
    """Return the catalogue of a language; a text that it lacks is returned in English."""
    found = catalogues.translation(VISITORS, FOLDER, languages=[code], fallback=True)
    found.add_fallback(catalogues.translation(OPERATORS, FOLDER, languages=[code], fallback=True))
    return found


def translations() -> catalogues.NullTranslations:
    """Return the catalogue of this request's language."""
    return translations_of(language())


def language_of(text: object) -> str:
    """Return the language in which a page shows an error message: English if its catalogue lacks the text."""
    template = getattr(text, "template", None)
    has_it = template is not None and translations_of(language()).gettext(template) != template
    return language() if has_it else ENGLISH


def gettext(message: str, /, **values: object) -> str:
    """Return a text in the language of the request, with `%(name)s` replaced by a value."""
    text = translations().gettext(message)
    return text % values if values else text


def ngettext(singular: str, plural: str, number: int, /, **values: object) -> str:
    """Return a text in the plural form for a number, which is available as `%(num)s`."""
    return translations().ngettext(singular, plural, number) % {"num": number, **values}
