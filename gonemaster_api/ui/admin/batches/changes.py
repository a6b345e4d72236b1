"""Actions on a batch: rerun, cancel, snapshot on or off."""

from flask import Blueprint, Response, request, url_for

from gonemaster_api.errors import BadRequest
from gonemaster_api.queries.batches.batches import read_batch_progress
from gonemaster_api.state import state
from gonemaster_api.ui.admin.batches.names import title_of
from gonemaster_api.ui.shell.forms.confirmations import Confirmation
from gonemaster_api.ui.shell.forms.forms import Form
from gonemaster_api.ui.shell.texts.formats import number
from gonemaster_api.ui.shell.texts.languages import gettext as _
from gonemaster_api.ui.shell.texts.languages import mark, ngettext
from gonemaster_api.ui.shell.texts.notes import Note, register_notes, see_other
from gonemaster_api.ui.shell.urls import local_path
from gonemaster_api.use_cases.batch_cancellation import cancel_whole_batch
from gonemaster_api.v1.batches.schemas import RerunSchema
from gonemaster_api.web.actor import who
from gonemaster_db.batches.batches import change_batch
from gonemaster_db.models import Operation
from gonemaster_tasks.control import jobs as control
from gonemaster_tasks.control.batches import rerun_batch

blueprint = Blueprint("ui_batch_changes", __name__)

register_notes(
    {
        "batch_rerun": Note(
            mark("%(num)s test is queued again in this batch."), mark("%(num)s tests are queued again in this batch.")
        ),
        "batch_canceled": Note(mark("%(num)s job was canceled."), mark("%(num)s jobs were canceled.")),
        "batch_intent_set": Note(mark("The batch will become a snapshot of the cohorts of its domains.")),
        "batch_intent_cleared": Note(mark("The batch will not become a snapshot.")),
    }
)


@blueprint.post("/batches/<batch_id>/rerun")
def rerun(batch_id: str) -> Response:
    """Queue a new batch with the domains of the failed, canceled or all runs of this batch."""
    sent = Form.sent()
    chosen = sent.check(RerunSchema, {"only": sent["only"] or "failed"})
    if not sent.is_valid:
        raise BadRequest(sent.codes["only"], f"only: {sent.errors['only']}")
    again = rerun_batch(state().queue, batch_id, only=chosen["which"], who=who())
    target = url_for("ui_batches.detail", batch_id=again.batch.id)
    return see_other(target, "batch_rerun", n=again.job_count)


@blueprint.route("/batches/<batch_id>/cancel", methods=["GET", "POST"])
def cancel(batch_id: str) -> Response:
    """Cancel the waiting and running jobs of the batch after a confirmation."""
    back = url_for("ui_batches.detail", batch_id=batch_id)
    if confirmation := _cancellation(batch_id, back).unless_confirmed():
        return confirmation
    done = cancel_whole_batch(state(), batch_id, who=who())
    if isinstance(done, Operation):
        return see_other(url_for("ui_operations.detail", operation_id=done.id), "operation")
    return see_other(back, "batch_canceled", n=done.canceled + done.stopping)


@blueprint.post("/batches/<batch_id>/jobs/<job_id>/cancel")
def cancel_job(batch_id: str, job_id: str) -> Response:
    """Cancel one job of the batch."""
    control.cancel_job(state().queue, job_id, who=who())
    back = local_path(request.form.get("next") or url_for("ui_batches.detail", batch_id=batch_id))
    return see_other(back, "batch_canceled", n=1)


def _cancellation(batch_id: str, back: str) -> Confirmation:
    batch = read_batch_progress(state(), batch_id)
    counts = batch["status_counts"]
    waiting, running = counts["queued"] + counts["paused"], counts["running"]
    left = waiting + running
    return Confirmation(
        title=_("Cancel the remaining jobs of “%(name)s”?", name=title_of(batch)),
        text=_("Waiting jobs are canceled. Running jobs stop within a second."),
        facts=[(_("Waiting jobs"), number(waiting)), (_("Running jobs"), number(running))],
        kept=_("finished results, grades and facts."),
        button=ngettext("Cancel %(num)s job", "Cancel %(num)s jobs", left, num=number(left)),
        keep=_("Continue testing"),
        back=back,
    )


@blueprint.post("/batches/<batch_id>/snapshot")
def snapshot(batch_id: str) -> Response:
    """Set whether the batch becomes a snapshot."""
    intent = request.form.get("intent") == "yes"
    state().store.run_in_transaction(lambda session: change_batch(session, batch_id, {"snapshot_intent": intent}))
    back = local_path(request.form.get("next") or url_for("ui_batches.detail", batch_id=batch_id))
    return see_other(back, "batch_intent_set" if intent else "batch_intent_cleared")
