"""Actions on a cohort: switches, new snapshot, rebuild, clear, delete."""

from typing import Any

from flask import Blueprint, Response, request, url_for

from gonemaster_api.errors import ApiError, BadRequest
from gonemaster_api.queries.cohorts import read_cohort, read_snapshots
from gonemaster_api.queries.tags import read_tag
from gonemaster_api.state import state
from gonemaster_api.ui.admin.cohorts.views import detail_with
from gonemaster_api.ui.shell.forms.confirmations import Confirmation
from gonemaster_api.ui.shell.forms.forms import SUMMARY, Form
from gonemaster_api.ui.shell.texts.formats import number
from gonemaster_api.ui.shell.texts.languages import gettext as _
from gonemaster_api.ui.shell.texts.languages import mark, ngettext
from gonemaster_api.ui.shell.texts.notes import Note, register_notes, see_other
from gonemaster_api.ui.shell.texts.refusals import in_language
from gonemaster_api.ui.shell.urls import local_path
from gonemaster_api.use_cases.cohorts import patch_cohort
from gonemaster_api.use_cases.snapshots import clear_cohort, rebuild_cohort, rematerialise_snapshots, remove_cohort
from gonemaster_api.use_cases.submission.batches import submit_many_jobs
from gonemaster_api.web.actor import who

blueprint = Blueprint("ui_cohort_changes", __name__)
runs_blueprint = Blueprint("ui_cohort_runs", __name__)
_MAX_NAMED = 10
_SWITCHES = ("analysis_enabled", "public_enabled", "is_default")

register_notes(
    {
        "cohort_switched": Note(mark("Cohort updated.")),
        "snapshot_begun": Note(
            mark("%(num)s test is queued. A snapshot will be created when it finishes."),
            mark("%(num)s tests are queued. A snapshot will be created when all have finished."),
        ),
        "cohort_rebuilding": Note(
            mark("The cohort is being rebuilt from %(num)s run."),
            mark("The cohort is being rebuilt from %(num)s runs."),
        ),
        "cohort_rebuilding_already": Note(mark("The cohort is already being rebuilt."), level="notice"),
        "cohort_cleared": Note(mark("%(num)s snapshot was deleted."), mark("%(num)s snapshots were deleted.")),
        "cohort_deleted": Note(mark("Cohort deleted.")),
        "snapshots_rebuilding": Note(
            mark("The views of %(num)s snapshot are being rebuilt."),
            mark("The views of %(num)s snapshots are being rebuilt."),
        ),
    }
)


@blueprint.post("/cohorts/<int(max=2147483647):cohort_id>/switch")
def switch(cohort_id: int) -> Response:
    """Set one of the three switches; disabling analysis deletes the snapshots, so it needs a confirmation."""
    name, is_on = request.form.get("name", ""), request.form.get("value") == "yes"
    if name not in _SWITCHES:
        raise BadRequest("unknown_field", f"name: must be one of {', '.join(_SWITCHES)}")
    if (
        name == "analysis_enabled"
        and not is_on
        and (confirmation := _disable_confirmation(cohort_id).unless_confirmed())
    ):
        return confirmation
    try:
        patch_cohort(state(), cohort_id, {name: is_on}, who=who())
    except ApiError as error:
        sent = Form()
        sent.fail(SUMMARY, error.message, error.code)
        return detail_with(cohort_id, sent)
    back = url_for("ui_cohorts.detail", cohort_id=cohort_id)
    return see_other(local_path(request.form.get("next") or back), "cohort_switched")


def _disable_confirmation(cohort_id: int) -> Confirmation:
    return Confirmation(
        title=_("Disable analysis of %(cohort)s?", cohort=_title(cohort_id)),
        text=_("Its facts and snapshots are deleted. Enabling analysis again rebuilds them from the remaining runs."),
        facts=_facts(cohort_id),
        kept=_("the tag, its domains, batches and runs."),
        button=_("Disable analysis"),
        keep=_("Keep analysis enabled"),
        back=url_for("ui_cohorts.detail", cohort_id=cohort_id),
        fields={"name": "analysis_enabled", "value": "no"},
    )


@runs_blueprint.route("/cohorts/<int(max=2147483647):cohort_id>/run", methods=["GET", "POST"])
def run(cohort_id: int) -> Response:
    """Test the domains of the tag and create a snapshot; with `default`, make it the default."""
    cohort = read_cohort(state(), cohort_id)
    is_default = request.values.get("default") == "yes"
    count = read_tag(state(), cohort["source_tag"])["domain_count"]
    back = url_for("ui_cohorts.detail", cohort_id=cohort_id)
    text = _("Its batch will become a snapshot when all tests have finished.")
    if is_default:
        text = _("Its batch will become a snapshot and the cohort's default when all tests have finished.")
    question = Confirmation(
        title=_("Create a new snapshot of %(cohort)s?", cohort=_title(cohort_id)),
        text=text,
        facts=[(_("Domains to test"), number(count))],
        notes=[]
        if cohort["analysis_enabled"]
        else [_("Analysis of the cohort is off, so no snapshot will be created.")],
        button=ngettext("Test %(num)s domain", "Test %(num)s domains", count, num=number(count)),
        is_creation=True,
        keep=_("Not now"),
        back=back,
        fields={"default": "yes"} if is_default else {},
    )
    if confirmation := question.unless_confirmed():
        return confirmation
    request_body = {"from_tag": cohort["source_tag"], "snapshot_intent": True, "promote_snapshot_default": is_default}
    try:
        created = submit_many_jobs(state(), request_body, keep=lambda *_: None)
    except ApiError as error:
        return question.ask(f"{in_language(error.message)} ({error.code})")
    return see_other(
        url_for("ui_batches.detail", batch_id=created["batch_id"]), "snapshot_begun", n=created["job_count"]
    )


@blueprint.route("/cohorts/<int(max=2147483647):cohort_id>/rebuild", methods=["GET", "POST"])
def rebuild(cohort_id: int) -> Response:
    """Rebuild facts and snapshots from the runs; snapshots that lack runs are kept, unless `force` removes them."""
    back = url_for("ui_cohorts.detail", cohort_id=cohort_id)
    is_forced = request.values.get("force") == "yes"
    lacking = [snapshot["slug"] for snapshot in read_snapshots(state(), cohort_id) if snapshot["missing_runs"]]
    names = ", ".join(lacking[:_MAX_NAMED]) + (" …" if len(lacking) > _MAX_NAMED else "")
    remark = _("Kept unchanged, because runs were purged: %(slugs)s.", slugs=names)
    removed = _("Deleted permanently, because runs were purged: %(slugs)s.", slugs=names)
    question = Confirmation(
        title=_("Rebuild %(cohort)s?", cohort=_title(cohort_id)),
        text=_(
            "Facts and snapshots are rebuilt from the remaining runs. Slugs, labels and the pinned default are lost."
        ),
        facts=_facts(cohort_id),
        notes=[removed if is_forced else remark] if lacking else [],
        kept=_("the tag, its domains, batches and runs."),
        weight="tick",
        tick=_("Yes, also delete the snapshots without runs")
        if is_forced
        else _("Yes, discard slugs, labels and the pinned default"),
        button=_("Rebuild and delete") if is_forced else _("Rebuild cohort"),
        keep=_("Keep the cohort unchanged"),
        back=back,
        fields={"force": "yes"} if is_forced else {},
    )
    if confirmation := question.unless_confirmed():
        return confirmation
    try:
        begun = rebuild_cohort(state(), cohort_id, who=who(), force=is_forced)
    except ApiError as error:
        return question.ask(f"{in_language(error.message)} ({error.code})")
    if begun is None:
        return see_other(back, "cohort_rebuilding_already")
    return see_other(back, "cohort_rebuilding", n=begun.runs)


@blueprint.route("/cohorts/<int(max=2147483647):cohort_id>/clear", methods=["GET", "POST"])
def clear(cohort_id: int) -> Response:
    """Delete facts and snapshots."""
    back = url_for("ui_cohorts.detail", cohort_id=cohort_id)
    count = len(read_snapshots(state(), cohort_id))
    question = Confirmation(
        title=_("Delete the snapshots of %(cohort)s?", cohort=_title(cohort_id)),
        text=_(
            "Its facts and snapshots are deleted. Existing batches are not added again until the cohort is rebuilt."
        ),
        facts=_facts(cohort_id),
        kept=_("the cohort, the tag, its domains, batches and runs."),
        weight="tick",
        tick=ngettext("Yes, this %(num)s snapshot", "Yes, all %(num)s snapshots", count, num=number(count)),
        button=ngettext("Delete %(num)s snapshot", "Delete %(num)s snapshots", count, num=number(count)),
        keep=_("Keep snapshots"),
        back=back,
    )
    if confirmation := question.unless_confirmed():
        return confirmation
    return see_other(back, "cohort_cleared", n=clear_cohort(state(), cohort_id, who=who()))


@blueprint.route("/cohorts/<int(max=2147483647):cohort_id>/delete", methods=["GET", "POST"])
def delete(cohort_id: int) -> Response:
    """Delete a cohort; the tag must be typed to confirm."""
    tag = read_cohort(state(), cohort_id)["source_tag"]
    question = Confirmation(
        title=_("Delete the cohort %(cohort)s?", cohort=_title(cohort_id)),
        text=_("This cannot be undone. Its facts, snapshots and schedule are deleted."),
        facts=_facts(cohort_id),
        kept=_("the tag, its domains, batches and runs."),
        weight="type",
        typed=tag,
        button=_("Delete cohort"),
        keep=_("Keep cohort"),
        back=url_for("ui_cohorts.detail", cohort_id=cohort_id),
    )
    if confirmation := question.unless_confirmed():
        return confirmation
    remove_cohort(state(), cohort_id, who=who())
    return see_other(url_for("ui_cohorts.show"), "cohort_deleted")


@blueprint.post("/cohorts/<int(max=2147483647):cohort_id>/rematerialize")
def rematerialize(cohort_id: int) -> Response:
    """Rebuild the views of all snapshots that still have runs."""
    back = url_for("ui_cohorts.detail", cohort_id=cohort_id)
    return see_other(back, "snapshots_rebuilding", n=rematerialise_snapshots(state(), cohort_id, who=who()))


def _title(cohort_id: int) -> str:
    cohort = read_cohort(state(), cohort_id)
    title: str = cohort["label"] or cohort["source_tag"]
    return title


def _facts(cohort_id: int) -> list[tuple[str, str]]:
    snapshots: list[dict[str, Any]] = read_snapshots(state(), cohort_id)
    without = sum(not snapshot["source_runs_available"] for snapshot in snapshots)
    return [(_("Snapshots"), number(len(snapshots))), (_("Snapshots without remaining runs"), number(without))]
