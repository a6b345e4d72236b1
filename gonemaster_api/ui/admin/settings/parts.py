"""The sections of the settings, as tabs; only those that the token may read."""

from flask import url_for

from gonemaster_api.errors import ApiError
from gonemaster_api.ui.shell.scopes import may
from gonemaster_api.ui.shell.texts.languages import gettext, mark
from gonemaster_api.ui.shell.texts.refusals import in_language
from gonemaster_api.web.access import access_of

PARTS = (
    ("system", mark("System"), "ui_settings.system"),
    ("storage", mark("Storage"), "ui_settings.storage"),
    ("profiles", mark("Profiles"), "ui_profiles.show"),
    ("scoring", mark("Scoring"), "ui_scoring.show"),
    ("tokens", mark("Tokens"), "ui_tokens.show"),
)


def tabs() -> list[tuple[str, str, str]]:
    """Return (key, label, URL) of each section."""
    return [(key, gettext(label), url_for(endpoint)) for key, label, endpoint in PARTS if _is_open(endpoint)]


def _is_open(endpoint: str) -> bool:
    scope = access_of(endpoint).scope("GET")
    return scope is None or may(scope)


def listed(error: ApiError, maximum: int = 10) -> str:
    """Return the errors of a refused document, each with its path."""
    problems = (error.details or {}).get("problems") or [{"path": "", "reason": error.message}]
    return "; ".join(
        f"{item['path']}: {in_language(item['reason'])}" if item["path"] else in_language(item["reason"])
        for item in problems[:maximum]
    )
