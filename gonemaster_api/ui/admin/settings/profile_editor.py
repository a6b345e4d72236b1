"""The profile editor: text, differences from the default, and errors."""

import json
from collections.abc import Mapping
from typing import Any

from flask import Response

from gonemaster_api.errors import ApiError, BadRequest
from gonemaster_api.queries.profile_compatibility import Compatibility, compatibility_of
from gonemaster_api.queries.profiles import diff_config
from gonemaster_api.state import state
from gonemaster_api.ui.admin.settings.parts import listed, parsed_object, tabs
from gonemaster_api.ui.shell.forms.forms import Form
from gonemaster_api.ui.shell.pages import page
from gonemaster_api.ui.shell.texts.languages import gettext as _
from gonemaster_api.v1.profiles.schemas import NewProfileSchema
from gonemaster_db.core.errors import ProfileExists
from gonemaster_db.models import Profile


def show_editor(form: Form, profile: Profile | None) -> Response:
    """Show the form with its differences from the default; `do=reduce` removes values equal to the default."""
    difference = None
    config = parsed_object(form, "config", "invalid_profile")
    if config is not None:
        try:
            difference = diff_config(state(), config, against=None)
            if form["do"] == "reduce":
                redundant = [item.path for item in difference.properties if item.redundant]
                config = without(config, redundant)
                form.values["config"] = pretty(config)
                difference = diff_config(state(), config, against=None)
        except BadRequest as error:
            place(form, error)
    fit: Compatibility | None = compatibility_of(profile) if profile else None
    return page(
        "admin/settings/profile.html",
        status=form.status,
        form=form,
        profile=profile,
        difference=difference,
        fit=fit,
        tabs=tabs(),
        text_of=_brief,
    )


def document_of(form: Form) -> dict[str, Any] | None:
    """Return the form as an API request, None if a field is invalid."""
    config = parsed_object(form, "config", "invalid_profile")
    if config is None:
        return None
    document = {
        "name": form["name"],
        "description": form["description"],
        "config": config,
        "public": bool(form["public"]),
    }
    loaded = form.check(NewProfileSchema, document) if form["do"] == "save" else document
    return loaded if form.is_valid else None


def place(form: Form, error: ApiError | ProfileExists) -> None:
    """Record a refusal at its field."""
    if isinstance(error, ProfileExists):
        form.fail("name", _("A profile with this name already exists."), "profile_exists")
        return
    form.fail("config", listed(error), error.code)


def without(config: Mapping[str, Any], paths: list[str]) -> dict[str, Any]:
    """Return a configuration without some properties and without objects that become empty."""
    levels: dict[str, Any] = {}
    for key, value in config.items():
        if key in paths:
            continue
        below = [path.removeprefix(f"{key}.") for path in paths if path.startswith(f"{key}.")]
        if below and isinstance(value, Mapping):
            rest = without(value, below)
            if rest:
                levels[key] = rest
        else:
            levels[key] = value
    return levels


def version_of(profile: Profile) -> str:
    """Return a value that changes with each save."""
    return profile.updated_at.isoformat()


def pretty(config: Mapping[str, Any]) -> str:
    """Return a configuration as formatted JSON."""
    return json.dumps(config, indent=2, ensure_ascii=False, sort_keys=True)


def _brief(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False) if not isinstance(value, str) else value
