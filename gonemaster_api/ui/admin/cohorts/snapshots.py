"""Actions on one snapshot."""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, request, url_for

from gonemaster_api.errors import ApiError, BadRequest, NotFound
from gonemaster_api.queries.cohorts import read_cohort, read_snapshot
from gonemaster_api.state import state
from gonemaster_api.ui.admin.cohorts.views import detail_with
from gonemaster_api.ui.admin.numbers import whole
from gonemaster_api.ui.shell.forms.confirmations import Confirmation
from gonemaster_api.ui.shell.forms.forms import SUMMARY, Form
from gonemaster_api.ui.shell.pages import page
from gonemaster_api.ui.shell.texts.formats import number
from gonemaster_api.ui.shell.texts.languages import gettext as _
from gonemaster_api.ui.shell.texts.languages import mark
from gonemaster_api.ui.shell.texts.notes import Note, register_notes, see_other
from gonemaster_api.use_cases.snapshots import (
    patch_snapshot,
    rematerialise_snapshot,
    remove_snapshot,
    repair_snapshot,
)
from gonemaster_api.v1.analysis.schemas import SnapshotChangeSchema
from gonemaster_api.web.actor import who
from gonemaster_db.core.errors import SlugExists

blueprint = Blueprint("ui_snapshots", __name__)

_CHANGES: Mapping[str, Mapping[str, Any]] = {
    "default": {"is_default": True},
    "newest": {"is_default": False},
    "retire": {"status": "retired"},
    "restore": {"status": "captured"},
    "show": {"is_public": True},
    "hide": {"is_public": False},
}
register_notes(
    {
        "snapshot_default": Note(mark("The snapshot is now the default of the cohort.")),
        "snapshot_newest": Note(mark("The newest public snapshot is now the default of the cohort.")),
        "snapshot_retire": Note(mark("Snapshot retired. It is no longer visible."), undo="ui_snapshots.undo_retire"),
        "snapshot_restore": Note(mark("Snapshot restored.")),
        "snapshot_show": Note(mark("Snapshot published.")),
        "snapshot_hide": Note(mark("Snapshot hidden from the public.")),
        "snapshot_rebuild": Note(mark("The views of the snapshot are being rebuilt.")),
        "snapshot_repair": Note(
            mark("%(num)s missing test is queued. The snapshot is captured again when it finishes."),
            mark("%(num)s missing tests are queued. The snapshot is captured again when all have finished."),
        ),
        "snapshot_saved": Note(mark("Snapshot saved.")),
        "snapshot_purged": Note(mark("Snapshot deleted.")),
    }
)


@blueprint.post("/cohorts/<int(max=2147483647):cohort_id>/snapshots/<slug>/change")
def change(cohort_id: int, slug: str) -> Response:
    """Apply `action`: a key of the table above, `rebuild` or `repair`."""
    action, queued = request.form.get("action", ""), None
    try:
        if action == "repair":
            queued = repair_snapshot(state(), cohort_id, slug, who=who()).job_count
        elif action == "rebuild":
            rematerialise_snapshot(state(), cohort_id, slug, who=who())
        elif action in _CHANGES:
            patch_snapshot(state(), cohort_id, slug, _CHANGES[action], who=who())
        else:
            raise BadRequest("invalid_status", f"action: must be one of rebuild, repair, {', '.join(_CHANGES)}")
    except ApiError as error:
        sent = Form()
        sent.fail(SUMMARY, error.message, error.code)
        return detail_with(cohort_id, sent)
    of = f"{cohort_id}:{slug}" if action == "retire" else ""
    return see_other(url_for("ui_cohorts.detail", cohort_id=cohort_id), f"snapshot_{action}", n=queued, of=of)


@blueprint.post("/cohorts/snapshots/undo")
def undo_retire() -> Response:
    """Restore the snapshot that was just retired; `of` names its cohort and its slug."""
    number_of, _colon, slug = request.form.get("of", "").partition(":")
    cohort_id = whole(number_of)
    if not isinstance(cohort_id, int):
        raise NotFound("snapshot", slug)
    patch_snapshot(state(), cohort_id, slug, _CHANGES["restore"], who=who())
    return see_other(url_for("ui_cohorts.detail", cohort_id=cohort_id), "snapshot_restore")


@blueprint.route("/cohorts/<int(max=2147483647):cohort_id>/snapshots/<slug>", methods=["GET", "POST"])
def edit(cohort_id: int, slug: str) -> Response:
    """Edit slug, label and description."""
    snapshot = read_snapshot(state(), cohort_id, slug)
    names = ("slug", "label", "description")
    sent = Form({name: snapshot[name] for name in names}) if request.method == "GET" else Form.sent()
    if request.method == "POST":
        document = sent.check(SnapshotChangeSchema, {name: sent[name] for name in names})
        if sent.is_valid and _saved(sent, cohort_id, slug, document):
            return see_other(url_for("ui_cohorts.detail", cohort_id=cohort_id), "snapshot_saved")
    cohort = read_cohort(state(), cohort_id)
    return page("admin/cohorts/snapshot.html", status=sent.status, form=sent, snapshot=snapshot, cohort=cohort)


def _saved(sent: Form, cohort_id: int, slug: str, document: Mapping[str, Any]) -> bool:
    try:
        patch_snapshot(state(), cohort_id, slug, document, who=who())
    except SlugExists:
        sent.fail("slug", _("Another snapshot of the cohort already uses this slug."), "slug_exists")
    except ApiError as error:
        sent.fail("slug" if error.code == "invalid_slug" else SUMMARY, error.message, error.code)
    return sent.is_valid


@blueprint.route("/cohorts/<int(max=2147483647):cohort_id>/snapshots/<slug>/purge", methods=["GET", "POST"])
def purge(cohort_id: int, slug: str) -> Response:
    """Delete a snapshot with its views and facts."""
    snapshot = read_snapshot(state(), cohort_id, slug)
    back = url_for("ui_cohorts.detail", cohort_id=cohort_id)
    notes = (
        [_("This is the default snapshot. The pages will show the newest remaining snapshot.")]
        if snapshot["is_default"]
        else []
    )
    question = Confirmation(
        title=_("Delete the snapshot %(slug)s?", slug=slug),
        text=_(
            "Its views and facts are deleted. Its batch will not become a snapshot again until the cohort is rebuilt."
        ),
        facts=[(_("Domains"), number(snapshot["domain_count"])), (_("Runs"), number(snapshot["run_count"]))],
        notes=notes,
        kept=_("its batch and runs."),
        weight="type",
        typed=slug,
        button=_("Delete snapshot"),
        keep=_("Keep snapshot"),
        back=back,
    )
    if confirmation := question.unless_confirmed():
        return confirmation
    remove_snapshot(state(), cohort_id, slug, purge=True, who=who())
    return see_other(back, "snapshot_purged")
