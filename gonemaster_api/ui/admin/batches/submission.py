"""The form of a new batch, from pasted names or a tag, with a check before submission."""

from typing import Any

from flask import Blueprint, Response, request, url_for

from gonemaster_api.errors import ApiError
from gonemaster_api.queries.profiles import read_profiles
from gonemaster_api.state import state
from gonemaster_api.ui.admin.batches.names import PastedNames, read_pasted
from gonemaster_api.ui.admin.lists import keep_options, policy_options
from gonemaster_api.ui.admin.numbers import whole
from gonemaster_api.ui.shell.forms.forms import SUMMARY, Form
from gonemaster_api.ui.shell.forms.typed_names import invalid_name_reason
from gonemaster_api.ui.shell.pages import page
from gonemaster_api.ui.shell.texts.formats import u_label
from gonemaster_api.ui.shell.texts.languages import gettext as _
from gonemaster_api.ui.shell.texts.languages import mark
from gonemaster_api.ui.shell.texts.notes import Note, register_notes, see_other
from gonemaster_api.use_cases.submission.batch_check import BatchCheck, check_batch
from gonemaster_api.use_cases.submission.batches import submit_many_jobs
from gonemaster_api.v1.batches.schemas import NewBatchSchema
from gonemaster_db.core.clock import utcnow
from gonemaster_db.core.errors import AmbiguousProfile
from gonemaster_engine.texts import text_of
from gonemaster_tasks.errors import OptionsTooLarge

blueprint = Blueprint("ui_new_batch", __name__)
_FIELDS = {"domains": "names", "domain": "names"}

register_notes(
    {"batch_made": Note(mark("Batch submitted with %(num)s job."), mark("Batch submitted with %(num)s jobs."))}
)


@blueprint.get("/batches/new")
def form() -> Response:
    """Show the form; the query parameter `tag` preselects a tag."""
    chosen = request.args.get("tag", "")
    values = {"source": "tag" if chosen else "names", "from_tag": chosen, "snapshot": ""}
    return _page(Form(values), PastedNames())


@blueprint.post("/batches/new")
def submit() -> Response:
    """Queue the batch; with `check`, show what would be queued."""
    # The size limit of the body also bounds the number of form parts.
    request.max_form_memory_size = state().settings.max_body_size
    sent = Form.sent()
    pasted = read_pasted(request.form.get("names", ""))
    if "check" in sent.values:
        return _page(sent, pasted, _check(sent, pasted))
    created = _submitted(sent, pasted)
    if created is None:
        return _page(sent, pasted, _check(sent, pasted))
    return see_other(url_for("ui_batches.detail", batch_id=created["batch_id"]), "batch_made", n=created["job_count"])


def _submitted(sent: Form, pasted: PastedNames) -> dict[str, Any] | None:
    document = sent.check(NewBatchSchema, _document(sent, pasted))
    if not sent.is_valid:
        return None
    try:
        return submit_many_jobs(state(), document, keep=lambda *_: None)
    except ApiError as error:
        sent.fail(_error_field(error.code, sent), error.message, error.code)
    except AmbiguousProfile as error:
        text = _("The tags of the domains have different default profiles. Choose a profile.")
        text += f" ({u_label(error.domain)})" if error.domain else ""
        sent.fail("profile_id", text, "ambiguous_profile")
    except OptionsTooLarge as error:
        sent.fail(SUMMARY, text_of(error), "options_too_large")
    return None


def _error_field(code: str, sent: Form) -> str:
    named = "from_tag" if sent["source"] == "tag" else "names"
    fields = {"missing_domain": named, "invalid_domain": named, "batch_too_large": named, "invalid_tags": "tags"}
    fields |= {"profile_not_found": "profile_id", "policy_not_found": "policy", "invalid_policy": "policy"}
    return fields.get(code, SUMMARY)


def _document(sent: Form, pasted: PastedNames) -> dict[str, Any]:
    """Return the request body for the API."""
    document: dict[str, Any] = {
        "name": sent["name"],
        "description": sent["description"],
        "tags": tags_of(sent["tags"]),
        "snapshot_intent": bool(sent["snapshot"]),
        "promote_snapshot_default": bool(sent["snapshot"] and sent["promote"]),
        "skip_invalid": bool(sent["skip_invalid"]),
    }
    if sent["source"] == "tag":
        document["from_tag"] = sent["from_tag"]
        if not sent["from_tag"]:
            document.pop("from_tag")
            sent.fail("from_tag", _("Enter the tag of the domains to test."), "missing_domain")
    else:
        document["domains"] = pasted.names
    if sent["profile_id"]:
        document["profile_id"] = whole(sent["profile_id"])
    for name in ("policy", "keep"):
        if sent[name]:
            document[name] = sent[name]
    return document


def tags_of(text: str) -> list[str]:
    """Split a comma-separated list of tags."""
    return [name for part in text.split(",") if (name := part.strip())]


def _check(sent: Form, pasted: PastedNames) -> BatchCheck:
    from_tag = sent["from_tag"] if sent["source"] == "tag" else ""
    names = [] if from_tag else pasted.names[: state().settings.max_batch_size]
    return check_batch(state(), names=names, from_tag=from_tag, tags=tags_of(sent["tags"]))


def _page(shown: Form, pasted: PastedNames, check: BatchCheck | None = None) -> Response:
    return page(
        "admin/batches/new.html",
        status=shown.status,
        form=shown,
        check=check,
        line_of=pasted.line_of,
        invalid_name_reason=invalid_name_reason,
        policies=policy_options(state(), shown["policy"]),
        keeps=keep_options(_("as for the cohort, or the server default")),
        profiles=[(str(profile.id), profile.name) for profile in read_profiles(state())],
        today=utcnow(),
    )
