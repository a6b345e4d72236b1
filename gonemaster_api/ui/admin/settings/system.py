"""The settings of the service by area; settings that can change at run time have a field."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from flask import Blueprint, Response, redirect, request, url_for

from gonemaster_api.errors import BadRequest
from gonemaster_api.queries.metrics.storage import read_storage
from gonemaster_api.queries.settings import read_settings
from gonemaster_api.state import state
from gonemaster_api.ui.admin.settings.parts import tabs
from gonemaster_api.ui.shell.forms.forms import SUMMARY, Form
from gonemaster_api.ui.shell.pages import page
from gonemaster_api.ui.shell.texts.languages import gettext, mark
from gonemaster_api.ui.shell.texts.notes import Note, register_notes, see_other
from gonemaster_api.use_cases.settings import save_settings
from gonemaster_api.web.actor import who
from gonemaster_tasks.config.settings import BY_KEY, OPTIONS_BY_AREA

_MAX_SEARCH = 100

blueprint = Blueprint("ui_settings", __name__)

# Titles of gonemaster_tasks.config.settings.AREAS, marked here for translation.
mark("Server")
mark("Queue and workers")
mark("Engine")
mark("Database")
mark("Public API and access")
mark("Analysis and external data")
mark("Notifications")
mark("Display")

register_notes(
    {
        "settings_saved": Note(
            mark("One setting saved. It takes effect in all processes within two seconds."),
            mark("%(num)s settings saved. They take effect in all processes within two seconds."),
        ),
        "settings_same": Note(mark("No changes."), level="notice"),
        "setting_reset": Note(mark("The saved value is removed. The configuration file and the default apply again.")),
    }
)


@blueprint.get("/settings")
def show() -> Any:
    """Redirect to the first section that the token may read."""
    return redirect(tabs()[0][2], code=HTTPStatus.SEE_OTHER)


@blueprint.get("/settings/system")
def system() -> Response:
    """Show all settings with their sources."""
    return _page(Form())


@blueprint.get("/settings/storage")
def storage() -> Response:
    """Show the size of the database by table, its growth, and when its disk is full."""
    return page("admin/settings/storage.html", storage=read_storage(state()), tabs=tabs())


@blueprint.post("/settings/system")
def save() -> Response:
    """Save all changed settings or none of them; or remove the saved value of one setting."""
    form = Form.sent()
    reset = form["reset"]
    changes = {reset: None} if reset else _changes(form, read_settings(state()))
    if not changes and form.is_valid:
        return see_other(url_for("ui_settings.system"), "settings_same")
    if form.is_valid:
        try:
            save_settings(state(), changes, who=who())
        except BadRequest as error:
            _fail(form, error)
    if not form.is_valid:
        return _page(form)
    if reset:
        return see_other(url_for("ui_settings.system"), "setting_reset")
    return see_other(url_for("ui_settings.system"), "settings_saved", n=len(changes))


def _page(form: Form) -> Response:
    settings = read_settings(state())
    names = {option.key: option.name for option in BY_KEY.values()}
    search, changed = request.args.get("search", "").strip()[:_MAX_SEARCH], request.args.get("changed") == "yes"

    def is_shown(key: str, item: Mapping[str, Any]) -> bool:
        text = f"{key} {item['description']} {gettext(item['description'])}".lower()
        return key in form.errors or (search.lower() in text and not (changed and item["source"] == "default"))

    areas = {
        gettext(title): [
            (option.key, item) for option in options if is_shown(option.key, item := settings[names[option.key]])
        ]
        for title, options in OPTIONS_BY_AREA.items()
    }
    values = {"areas": areas, "tabs": tabs(), "text_of": text_of, "search": search, "changed": changed}
    return page("admin/settings/system.html", status=form.status, form=form, **values)


def _changes(form: Form, settings: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return the fields whose text differs from the original, converted to the types of the API."""
    changes: dict[str, Any] = {}
    for key, text in form.values.items():
        option = BY_KEY.get(key)
        # Spaces are significant in a string. Ignore fields that the form does not have.
        if option is None or not option.runtime:
            continue
        text = request.form.get(key, "")
        if text != form[f"was.{key}"] and text != text_of(settings[option.name]["value"]):
            changes[key] = _value(form, key, text, str(option.type.json_type))
    return changes


def _value(form: Form, key: str, text: str, json_type: str) -> Any:
    if json_type == "boolean":
        return {"true": True, "false": False}.get(text, text)
    if json_type == "integer":
        digits = text.strip().removeprefix("-")
        return int(text) if digits.isascii() and digits.isdigit() and len(digits) < 20 else text
    if json_type == "array":
        return [part.strip() for part in text.split(",") if part.strip()]
    return text


def _fail(form: Form, error: BadRequest) -> None:
    """Record each refusal at its field."""
    for problem in (error.details or {}).get("settings", []):
        field = problem["key"] if problem["key"] in form.values else SUMMARY
        text, allowed = problem["message"], problem.get("allowed", "")
        form.fail(field, f"{text}; {allowed}" if allowed and allowed not in text else text, problem["code"])
    if form.is_valid:
        form.fail(SUMMARY, error.message, error.code)


def text_of(value: Any) -> str:
    """Return a value as the text of a form field."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):  # a token of the configuration
        return f"{value['label'] or '–'} ({'+'.join(value['scopes']) or 'admin'})"
    return ", ".join(map(text_of, value)) if isinstance(value, list | tuple) else str(value)
