"""The deletion of a batch: what is deleted, confirmed by typing the batch ID."""

from typing import Any

from flask import Blueprint, Response, url_for

from gonemaster_api.queries.batches.batches import read_batch_progress, read_deletion_preview
from gonemaster_api.state import state
from gonemaster_api.ui.admin.batches.names import title_of
from gonemaster_api.ui.shell.forms.confirmations import Confirmation
from gonemaster_api.ui.shell.texts.formats import number
from gonemaster_api.ui.shell.texts.languages import gettext as _
from gonemaster_api.ui.shell.texts.languages import mark, ngettext
from gonemaster_api.ui.shell.texts.notes import Note, register_notes, see_other
from gonemaster_api.use_cases.batch_deletion import cancel_and_delete_batch
from gonemaster_api.web.actor import who
from gonemaster_db.core.errors import JobsNotTerminal

blueprint = Blueprint("ui_batch_deletion", __name__)

register_notes(
    {
        "batch_deleted": Note(
            mark("The batch and %(num)s run are deleted."), mark("The batch and %(num)s runs are deleted.")
        )
    }
)


@blueprint.route("/batches/<batch_id>/delete", methods=["GET", "POST"])
def delete(batch_id: str) -> Response:
    """Delete a batch with its jobs, runs, facts and snapshots."""
    preview = read_deletion_preview(state(), batch_id)
    question = _question(batch_id, preview)
    if confirmation := question.unless_confirmed():
        return confirmation
    try:
        cancel_and_delete_batch(state(), batch_id, who=who())
    except JobsNotTerminal as error:
        return question.ask(
            ngettext(
                "%(num)s job did not stop within 5 s (jobs_not_terminal). Nothing was deleted; try again.",
                "%(num)s jobs did not stop within 5 s (jobs_not_terminal). Nothing was deleted; try again.",
                error.unfinished,
            )
        )
    return see_other(url_for("ui_batches.show"), "batch_deleted", n=preview["completed_runs"])


def _question(batch_id: str, preview: dict[str, Any]) -> Confirmation:
    runs = preview["completed_runs"]
    facts = [
        (_("Waiting jobs"), preview["queued_jobs"]),
        (_("Running jobs"), preview["running_jobs"]),
        (_("Finished runs"), runs),
        (_("Entries"), preview["entries"]),
        (_("Fact rows"), preview["fact_rows"]),
        (_("Snapshots"), len(preview["snapshots"])),
    ]
    return Confirmation(
        title=_("Delete the batch “%(name)s”?", name=title_of(read_batch_progress(state(), batch_id))),
        text=_("This cannot be undone. Running jobs are canceled first."),
        facts=[(label, number(count)) for label, count in facts],
        notes=[_describe_snapshot(snapshot) for snapshot in preview["snapshots"]],
        kept=_("domains, tags, profiles, runs of other batches."),
        weight="type",
        typed=batch_id,
        button=ngettext("Delete batch and %(num)s run", "Delete batch and %(num)s runs", runs, num=number(runs)),
        keep=_("Keep batch"),
        back=url_for("ui_batches.detail", batch_id=batch_id),
    )


def _describe_snapshot(snapshot: dict[str, Any]) -> str:
    names = {"snapshot": snapshot["snapshot_slug"], "cohort": snapshot["cohort_label"]}
    if snapshot["is_default"]:
        return _(
            "Its snapshot %(snapshot)s is the default of the cohort %(cohort)s. The pages will show the newest "
            "remaining snapshot.",
            **names,
        )
    return _("Its snapshot %(snapshot)s of the cohort %(cohort)s is also deleted.", **names)
