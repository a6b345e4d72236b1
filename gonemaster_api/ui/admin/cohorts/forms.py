"""The forms that create and edit a cohort."""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, request, url_for

from gonemaster_api.errors import ApiError
from gonemaster_api.queries.cohorts import read_cohort
from gonemaster_api.state import state
from gonemaster_api.ui.admin.lists import keep_options
from gonemaster_api.ui.admin.numbers import whole
from gonemaster_api.ui.shell.forms.forms import SUMMARY, Form
from gonemaster_api.ui.shell.pages import page
from gonemaster_api.ui.shell.texts.languages import gettext as _
from gonemaster_api.ui.shell.texts.languages import mark
from gonemaster_api.ui.shell.texts.notes import Note, register_notes, see_other
from gonemaster_api.ui.shell.texts.words import word
from gonemaster_api.use_cases.cohorts import make_cohort, patch_cohort, promote_earlier_batches
from gonemaster_api.v1.analysis.schemas import FLOORS, CohortChangeSchema, NewCohortSchema
from gonemaster_api.web.actor import who
from gonemaster_db.core.errors import CohortExists
from gonemaster_tasks.reference_data.tlds import IANA_TLDS

blueprint = Blueprint("ui_cohort_forms", __name__)
_SWITCHES = ("analysis_enabled", "public_enabled", "is_default")
_TEXTS = ("label", "description", "reference_list", "tag_view_min_level")

register_notes(
    {
        "cohort_made": Note(mark("Cohort created.")),
        "cohort_saved": Note(mark("Cohort saved.")),
    }
)


@blueprint.route("/cohorts/new", methods=["GET", "POST"])
def new() -> Response:
    """Create the cohort of a tag."""
    if request.method == "GET":
        return _page(Form({"source_tag": request.args.get("tag", ""), "analysis_enabled": "yes", "sort_order": "0"}))
    sent = Form.sent()
    document = sent.check(NewCohortSchema, _document(sent, ("source_tag", *_TEXTS), _SWITCHES))
    if sent.is_valid:
        try:
            if sent["promote"]:
                promote_earlier_batches(state(), document["source_tag"].strip())
            created = make_cohort(state(), document, who=who())
            return see_other(url_for("ui_cohorts.detail", cohort_id=created.id), "cohort_made")
        except CohortExists:
            sent.fail("source_tag", _("This tag already has a cohort."), "cohort_exists")
        except ApiError as error:
            sent.fail("source_tag" if error.code.endswith("source_tag") else SUMMARY, error.message, error.code)
    return _page(sent)


@blueprint.route("/cohorts/<int(max=2147483647):cohort_id>/edit", methods=["GET", "POST"])
def edit(cohort_id: int) -> Response:
    """Edit label, description, reference list, minimum level and order."""
    cohort = read_cohort(state(), cohort_id)
    if request.method == "GET":
        names = (*_TEXTS, "sort_order")
        shown = {name: str(cohort[name]) for name in names}
        shown |= {name: "" if cohort[name] is None else str(cohort[name]) for name in ("coverage", "keep")}
        return _page(Form(shown), cohort)
    sent = Form.sent()
    sent.values.setdefault("keep", cohort["keep"] or "")  # a form without the field does not clear it
    document = sent.check(CohortChangeSchema, _document(sent, _TEXTS))
    if sent.is_valid:
        patch_cohort(state(), cohort_id, document, who=who())
        return see_other(url_for("ui_cohorts.detail", cohort_id=cohort_id), "cohort_saved")
    return _page(sent, cohort)


def _document(sent: Form, texts: tuple[str, ...], switches: tuple[str, ...] = ()) -> dict[str, Any]:
    document: dict[str, Any] = {name: sent[name] for name in texts} | {name: bool(sent[name]) for name in switches}
    coverage = whole(sent["coverage"]) if sent["coverage"] else None
    document |= {"sort_order": whole(sent["sort_order"] or "0"), "coverage": coverage}
    return document | {"keep": sent["keep"] or None}


def _page(shown: Form, cohort: Mapping[str, Any] | None = None) -> Response:
    return page(
        "admin/cohorts/form.html",
        status=shown.status,
        form=shown,
        cohort=cohort,
        floors_of=_minimum_levels,
        list_name=IANA_TLDS,
        keeps=keep_options(_("server default")),
    )


def _minimum_levels() -> list[tuple[str, str]]:
    """Return the choices for the minimum level of findings; the empty choice is the server default."""
    return [(level, word(level) if level not in {"", "INFO"} else level or _("server default")) for level in FLOORS]
