"""Preferences (language, theme, keyboard shortcuts), stored in cookies, and the queue strip."""

from flask import Blueprint, Response, request

from gonemaster_api.auth.sessions import COOKIE as SESSION_COOKIE
from gonemaster_api.ui.shell.pages import page
from gonemaster_api.ui.shell.partial_cache import cached_partials
from gonemaster_api.ui.shell.texts.languages import COOKIE as LANGUAGE_COOKIE
from gonemaster_api.ui.shell.texts.languages import languages
from gonemaster_api.ui.shell.texts.notes import see_other
from gonemaster_api.ui.shell.themes import COOKIE as THEME_COOKIE
from gonemaster_api.ui.shell.themes import KEYS_COOKIE, THEMES
from gonemaster_api.ui.shell.urls import local_path

_YEAR_S = 365 * 86400

blueprint = Blueprint("shell", __name__)


@blueprint.get("/strip")
@cached_partials
def strip() -> Response:
    """Return the strip alone, as the script requests it."""
    return page("shell/_strip.html")


@blueprint.get("/preferences")
def show() -> Response:
    """Show the preferences."""
    return page("shell/preferences.html", has_session=SESSION_COOKIE in request.cookies)


@blueprint.post("/preferences")
def choose() -> Response:
    """Store the preferences in the form and return to the previous page."""
    allowed = {
        "lang": (LANGUAGE_COOKIE, languages()),
        "theme": (THEME_COOKIE, THEMES),
        "keys": (KEYS_COOKIE, ("", "off")),
    }
    response = see_other(_without_language(local_path(request.form.get("next"))))
    for name, (cookie, values) in allowed.items():
        chosen = request.form.get(name)
        if chosen in values:
            response.set_cookie(
                cookie, chosen, max_age=_YEAR_S if chosen else 0, path="/", samesite="Lax", secure=request.is_secure
            )
    return response


def _without_language(path: str) -> str:
    """Return a path whose query does not override the cookie."""
    head, _, query = path.partition("?")
    remaining = [part for part in query.split("&") if part and not part.startswith("lang=")]
    return f"{head}?{'&'.join(remaining)}" if remaining else head
