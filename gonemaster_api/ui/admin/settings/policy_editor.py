"""The policy editor: name, description and definition, with the problems of each field."""

import json
from typing import Any

from flask import Response

from gonemaster_api.errors import ApiError, BadRequest, Conflict
from gonemaster_api.queries.policies.documents import ListedPolicy, differences, loaded, read_policy
from gonemaster_api.state import state
from gonemaster_api.ui.admin.settings.parts import listed, parsed_object, tabs
from gonemaster_api.ui.shell.forms.forms import SUMMARY, Form
from gonemaster_api.ui.shell.pages import page
from gonemaster_api.ui.shell.texts.languages import gettext as _
from gonemaster_api.ui.shell.texts.refusals import in_language
from gonemaster_api.use_cases.policies.changes import validate_policy
from gonemaster_db.core.errors import PolicyExists
from gonemaster_engine.policies.policy import Policy

_FIELDS = ("name", "description")  # keys of the document with separate fields
_CODE = "invalid_policy"


def show_editor(form: Form, current: ListedPolicy | None, checked: Policy | None = None) -> Response:
    """Show the form; of a valid policy also its notes, and its differences from the current version."""
    changes = None
    if checked and current and current.policy:
        changes = differences(current, ListedPolicy(checked.name, "", checked.as_dict(), checked))
    return page(
        "admin/settings/policy_editor.html",
        status=form.status,
        form=form,
        current=current,
        checked=checked,
        changes=changes,
        tabs=tabs(),
        text_of=brief,
    )


def values_of(found: ListedPolicy) -> dict[str, str]:
    """Return the values of the form for a version of a policy."""
    document = found.policy.as_dict() if found.policy else found.document
    definition = {key: value for key, value in document.items() if key not in (*_FIELDS, "version")}
    return {
        "name": found.name,
        "description": found.description,
        "definition": json.dumps(definition, indent=2, ensure_ascii=False),
        "after": found.version,
    }


def checked_policy_of(form: Form, *, name: str = "") -> Policy | None:
    """Return the policy in the form, None if a field is invalid; `name` is that of a stored policy.

    A definition may be a whole document: its name and description count if the fields are empty.
    """
    document = parsed_object(form, "definition", _CODE)
    if document is None:
        return None
    typed = {field: form[field] for field in _FIELDS if form[field]}
    document = {key: value for key, value in document.items() if key != "version"} | typed
    if name:
        document["name"] = name
    try:
        return validate_policy(state(), document)
    except BadRequest as error:
        place(form, error)
        return None


def place(form: Form, error: ApiError | PolicyExists) -> None:
    """Record a refusal at its field."""
    if isinstance(error, PolicyExists):
        form.fail("name", _("A policy with this name already exists."), "policy_exists")
    elif isinstance(error, Conflict):
        text = _("Another user saved this policy in the meantime. Save again to store your version after theirs.")
        form.fail(SUMMARY, text, error.code)
        form.values["after"] = str((error.details or {}).get("version", form["after"]))
    else:
        _place_problems(form, error)


def _place_problems(form: Form, error: ApiError) -> None:
    """Record each problem of a document at the field that its path names."""
    others = []
    for problem in (error.details or {}).get("problems", ()):
        if problem["path"] in _FIELDS:
            form.fail(problem["path"], in_language(problem["reason"]), error.code)
        else:
            others.append(problem)
    if others or form.is_valid:
        details = {"problems": others} if others else None
        form.fail("definition", listed(BadRequest(error.code, error.message, details=details)), error.code)


def compared(before: ListedPolicy, after: ListedPolicy) -> dict[str, Any]:
    """Return the comparison of two versions for a page; `problem` says why this engine cannot read one of them."""
    try:
        loaded(before), loaded(after)
    except BadRequest as error:
        return {"before": before, "after": after, "changes": [], "problem": in_language(error.message)}
    return {"before": before, "after": after, "changes": differences(before, after), "problem": ""}


def source_of(name: str) -> Form:
    """Return the form of a new policy, filled in from another one if there is a name. Raises NotFound."""
    if not name:
        return Form(values={"definition": json.dumps({"profile": {}, "suites": []}, indent=2)})
    copied = read_policy(state(), name)
    return Form(values=values_of(copied) | {"name": f"{copied.name[:59]}-copy"})


def brief(value: Any) -> str:
    """Return a value of a document as text."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
