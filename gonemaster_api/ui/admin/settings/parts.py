"""The sections of the settings, as tabs; only those that the token may read."""

import json
from typing import Any

from flask import url_for

from gonemaster_api.errors import ApiError
from gonemaster_api.ui.shell.forms.forms import Form
from gonemaster_api.ui.shell.scopes import may
from gonemaster_api.ui.shell.texts.languages import gettext, mark
from gonemaster_api.ui.shell.texts.refusals import in_language
from gonemaster_api.web.access import access_of

PARTS = (
    ("system", mark("System"), "ui_settings.system"),
    ("storage", mark("Storage"), "ui_settings.storage"),
    ("profiles", mark("Profiles"), "ui_profiles.show"),
    ("policies", mark("Policies"), "ui_policies.show"),
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


def parsed_object(form: Form, name: str, code: str) -> dict[str, Any] | None:
    """Parse the JSON object in a field; report the line of a syntax error."""
    try:
        document = json.loads(form[name] or "{}")
    except RecursionError:
        form.fail(name, gettext("The text has too many levels of nesting."), code)
    except ValueError as error:
        line = getattr(error, "lineno", 1)
        form.fail(name, gettext("Invalid JSON in line %(line)s: %(what)s", line=line, what=str(error)), code)
    else:
        if isinstance(document, dict):
            return document
        form.fail(name, gettext("The text must be a JSON object: {…}"), code)
    return None
