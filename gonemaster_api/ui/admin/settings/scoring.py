"""The scoring configuration as tables: penalties, weights, bands, criteria."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from flask import Blueprint, Response, request, url_for

from gonemaster_api.errors import BadRequest
from gonemaster_api.queries.scoring import default_scoring, read_scoring
from gonemaster_api.state import state
from gonemaster_api.ui.admin.settings.parts import listed, tabs
from gonemaster_api.ui.shell.forms.confirmations import Confirmation
from gonemaster_api.ui.shell.forms.forms import SUMMARY, Form
from gonemaster_api.ui.shell.pages import page
from gonemaster_api.ui.shell.texts.languages import gettext as _
from gonemaster_api.ui.shell.texts.languages import mark
from gonemaster_api.ui.shell.texts.notes import Note, register_notes, see_other
from gonemaster_api.use_cases.scoring_config import replace_scoring
from gonemaster_api.web.actor import who
from gonemaster_engine.scoring.config import CAPPED_HARMS, CRITERION_NAMES

TABLES = ("severity_penalties", "category_weights", "module_categories", "tag_penalties", "harm_caps")
_TEXTS = frozenset({"module_categories", "harm_caps"})
_SPARE_ROWS = 3
_MAX_FILE = 256 * 1024

blueprint = Blueprint("ui_scoring", __name__)

register_notes(
    {
        "scoring_saved": Note(mark("Scoring configuration saved. Stored scores do not change.")),
        "scoring_reset": Note(mark("The built-in configuration is active again.")),
    }
)


@blueprint.get("/settings/scoring")
def show() -> Response:
    """Show the configuration in effect."""
    return _page(Form(), read_scoring(state()))


@blueprint.post("/settings/scoring")
def save() -> Response:
    """Save the tables, add missing defaults, or import a document."""
    form = Form.sent()
    document = _imported(form) if form["do"] == "import" else _document(form)
    if form["do"] == "fill":
        return _page(form, _filled(document))
    if form.is_valid:
        try:
            replace_scoring(state(), document, who=who())
        except BadRequest as error:
            form.fail(SUMMARY, listed(error), error.code)
    if not form.is_valid:
        return _page(form, read_scoring(state()) if form["do"] == "import" else document)
    return see_other(url_for("ui_scoring.show"), "scoring_saved")


@blueprint.route("/settings/scoring/reset", methods=["GET", "POST"])
def reset() -> Response:
    """Restore the built-in configuration after a confirmation."""
    confirmation = Confirmation(
        title=_("Reset to the built-in scoring?"),
        button=_("Reset scoring"),
        back=url_for("ui_scoring.show"),
        text=_("The saved configuration is deleted. Export it first if you may need it."),
        kept=_("Scores and grades of stored runs do not change."),
    ).unless_confirmed()
    if confirmation:
        return confirmation
    replace_scoring(state(), {}, who=who())
    return see_other(url_for("ui_scoring.show"), "scoring_reset")


def _page(form: Form, document: Mapping[str, Any]) -> Response:
    default = default_scoring()
    return page(
        "admin/settings/scoring.html",
        status=form.status,
        form=form,
        scoring=_with_all_harms(document),
        missing={name: sorted(set(default[name]) - set(document.get(name, {}))) for name in TABLES},
        criteria=CRITERION_NAMES,
        categories=sorted({*default["category_weights"], *document.get("category_weights", {})}),
        spare=range(_SPARE_ROWS),
        tabs=tabs(),
        file=state().settings.scoring_config_path,
    )


def _with_all_harms(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the document with a row for each harm; one without a cap has no grade."""
    caps = document.get("harm_caps", {})
    return {**document, "harm_caps": {str(harm): caps.get(harm, "") for harm in CAPPED_HARMS}}


def _document(form: Form) -> dict[str, Any]:
    """Build the document from the tables, without rows that have no name.

    Text that is not a number stays, so that the engine refuses it.
    """
    document: dict[str, Any] = {name: dict(_rows(form, name)) for name in TABLES}
    if not form.all("harm_caps.key"):  # sent from a page of an older version
        del document["harm_caps"]
    document["grade_bands"] = [
        {"grade": grade, "min_score": _number(score)}
        for grade, score in zip(form.all("grade_bands.key"), form.all("grade_bands.value"), strict=False)
        if grade
    ]
    document["bonus_criteria"] = form.all("bonus_criteria")
    return document


def _rows(form: Form, name: str) -> Iterable[tuple[str, Any]]:
    for key, text in zip(form.all(f"{name}.key"), form.all(f"{name}.value"), strict=False):
        if key and text:
            yield key, text if name in _TEXTS else _number(text)


def _number(text: str) -> Any:
    try:
        value = float(text.replace(",", "."))
    except ValueError:
        return text
    return int(value) if value.is_integer() else value


def _filled(document: Mapping[str, Any]) -> dict[str, Any]:
    """Add the default entries that a document lacks."""
    default = default_scoring()
    return {**document, **{name: {**default[name], **document.get(name, {})} for name in TABLES}}


def _imported(form: Form) -> dict[str, Any]:
    """Read the uploaded file, or the text field."""
    file = request.files.get("file")
    content = file.read(_MAX_FILE + 1) if file and file.filename else form["document"].encode()
    if len(content) > _MAX_FILE:
        form.fail(SUMMARY, _("The file is larger than 256 KiB."), "invalid_scoring_config")
        return {}
    try:
        document = json.loads(content)
    except (ValueError, RecursionError) as error:
        form.fail(SUMMARY, _("Invalid JSON: %(what)s", what=str(error)), "invalid_scoring_config")
        return {}
    if not isinstance(document, dict):
        form.fail(SUMMARY, _("The document must be a JSON object: {…}"), "invalid_scoring_config")
        return {}
    return document
