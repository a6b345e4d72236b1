"""Create, edit, enable, disable, test and delete watches."""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, request, url_for

from gonemaster_api.errors import ApiError
from gonemaster_api.queries.watches import read_watch
from gonemaster_api.state import state
from gonemaster_api.ui.admin.lists import policy_options, tag_names
from gonemaster_api.ui.admin.numbers import whole
from gonemaster_api.ui.admin.watches.words import event_names, kind_names, subject
from gonemaster_api.ui.shell.forms.confirmations import Confirmation
from gonemaster_api.ui.shell.forms.forms import SUMMARY, Form
from gonemaster_api.ui.shell.pages import page
from gonemaster_api.ui.shell.texts.languages import gettext as _
from gonemaster_api.ui.shell.texts.languages import mark
from gonemaster_api.ui.shell.texts.notes import Note, register_notes, see_other
from gonemaster_api.ui.shell.texts.words import word
from gonemaster_api.ui.shell.urls import local_path
from gonemaster_api.use_cases.watches import (
    EVENTS_OF_KIND,
    TIMES_OF_KIND,
    change_watch,
    make_watch,
    queue_test_message,
    remove_watch,
)
from gonemaster_api.v1.watches.schemas import NewWatchSchema, WatchChangeSchema
from gonemaster_api.web.actor import who
from gonemaster_db.core.errors import TagNotFound, TooManyWatches
from gonemaster_db.core.levels import SEVERITIES
from gonemaster_db.models import WatchEvent, WatchKind

blueprint = Blueprint("ui_watch_changes", __name__)
_PLACES = {
    "missing_subject": "tag", "ambiguous_subject": "domain", "invalid_domain": "domain", "missing_domain": "domain",
    "missing_receiver": "url", "ambiguous_receiver": "email", "invalid_url": "url", "invalid_email": "email",
    "email_not_configured": "email", "invalid_secret": "secret",
    "policy_not_found": "policy", "invalid_policy": "policy",
}  # fmt: skip
_CHOSEN = {
    WatchKind.CHANGES: [WatchEvent.DOMAIN_REGRESSED.value, WatchEvent.DOMAIN_RECOVERED.value],
    WatchKind.CDS: [WatchEvent.CDS_DECIDED.value],
    WatchKind.ROLLOVER: [event.value for event in WatchEvent if event in EVENTS_OF_KIND[WatchKind.ROLLOVER]],
}

register_notes(
    {
        "watch_made": Note(mark("Watch created. It reports events from now on.")),
        "watch_saved": Note(mark("Watch saved.")),
        "watch_on": Note(mark("Watch enabled.")),
        "watch_off": Note(mark("Watch disabled.")),
        "watch_tested": Note(mark("Test message queued. The list below shows its delivery.")),
        "watch_deleted": Note(mark("Watch deleted.")),
    }
)


@blueprint.route("/watches/new", methods=["GET", "POST"])
def new() -> Response:
    """Create a watch of a tag, a domain or the queue."""
    if request.method == "GET":
        kind = _kind(request.args.get("kind", ""))
        given = {name: request.args.get(name, "") for name in ("tag", "domain")}
        times = {name: str(value) for name, value in TIMES_OF_KIND[kind].items()}
        shown = Form({**given, **times, "min_level": "ERROR", "grade_drop": "1"}, {"events": _CHOSEN[kind]})
        return _page(shown, kind)
    sent = Form.sent()
    kind = _kind(sent["kind"])
    names = ("tag", "domain", "url", "email", "secret")
    given = {"kind": kind.value, **_common(sent, kind), **{name: sent[name] for name in names if sent[name]}}
    document = sent.check(NewWatchSchema, given)
    if sent.is_valid:
        try:
            created = make_watch(state(), document, who=who())
            return see_other(url_for("ui_watches.detail", watch_id=created.id), "watch_made")
        except TagNotFound:
            sent.fail("tag", _("This tag does not exist."), "not_found")
        except TooManyWatches as error:
            sent.fail(
                SUMMARY,
                _("The limit of %(num)s watches is reached. Delete a watch to create another one.", num=error.limit),
                "too_many_watches",
            )
        except ApiError as error:
            place = (
                "domain" if kind is WatchKind.ROLLOVER and error.code == "missing_subject" else _PLACES.get(error.code)
            )
            sent.fail(place or SUMMARY, error.message, error.code)
    return _page(sent, kind)


def _kind(text: str) -> WatchKind:
    """Return the kind of a watch to create; the form shows the fields of one kind."""
    return WatchKind(text) if text in set(WatchKind) else WatchKind.CHANGES


@blueprint.route("/watches/<int(max=9223372036854775807):watch_id>/edit", methods=["GET", "POST"])
def edit(watch_id: int) -> Response:
    """Edit a watch; its subject and the type of its recipient cannot change."""
    watch = read_watch(state(), watch_id)
    kind, receiver = WatchKind(watch["kind"]), "email" if watch["email"] else "url"
    if request.method == "GET":
        names = ("url", "email", "min_level", "grade_drop", "policy", "interval_minutes", "hold_down_days")
        shown = {name: "" if watch[name] is None else str(watch[name]) for name in names}
        shown["transfer"] = "1" if watch["transfer"] else ""
        return _page(Form(shown, {"events": list(watch["events"])}), kind, watch)
    sent = Form.sent()
    changes = _common(sent, kind) | ({receiver: sent[receiver]} if watch[receiver] else {})
    if sent["drop_secret"]:
        changes["secret"] = None
    elif sent["secret"]:
        changes["secret"] = sent["secret"]
    document = sent.check(WatchChangeSchema, changes)
    if sent.is_valid:
        try:
            change_watch(state(), watch_id, document, who=who())
            return see_other(url_for("ui_watches.detail", watch_id=watch_id), "watch_saved")
        except ApiError as error:
            sent.fail(_PLACES.get(error.code, SUMMARY), error.message, error.code)
    return _page(sent, kind, watch)


def _common(sent: Form, kind: WatchKind) -> dict[str, Any]:
    """Return the fields of a kind; an empty time is the default of a new watch, and no change of another one."""
    chosen: dict[str, Any] = {"events": sent.all("events")}
    if kind is WatchKind.CHANGES:
        if "policy" in sent.values:
            chosen["policy"] = sent["policy"] or None
        return chosen | {"min_level": sent["min_level"], "grade_drop": whole(sent["grade_drop"])}
    if kind is WatchKind.ROLLOVER:
        chosen["transfer"] = bool(sent["transfer"])
    return chosen | {name: whole(sent[name]) for name in TIMES_OF_KIND[kind] if sent[name]}


def _page(shown: Form, kind: WatchKind, watch: Mapping[str, Any] | None = None) -> Response:
    names = event_names()
    return page(
        "admin/watches/form.html",
        tags=tag_names(state()),
        status=shown.status,
        form=shown,
        watch=watch,
        kind=kind.value,
        kinds=kind_names(),
        policies=lambda: policy_options(state(), shown["policy"]),
        title=subject(watch) if watch else "",
        events=[(event.value, names[event.value]) for event in WatchEvent if event in EVENTS_OF_KIND[kind]],
        levels_of=lambda: [(level, word(level)) for level in SEVERITIES],
        has_mail=bool(state().settings.smtp_url),
    )


@blueprint.post("/watches/<int(max=9223372036854775807):watch_id>/switch")
def switch(watch_id: int) -> Response:
    """Enable or disable a watch."""
    is_on = request.form.get("value") == "yes"
    change_watch(state(), watch_id, {"enabled": is_on}, who=who())
    back = local_path(request.form.get("next") or url_for("ui_watches.detail", watch_id=watch_id))
    return see_other(back, "watch_on" if is_on else "watch_off")


@blueprint.post("/watches/<int(max=9223372036854775807):watch_id>/test")
def test(watch_id: int) -> Response:
    """Send a test message."""
    queue_test_message(state(), watch_id, who=who())
    return see_other(url_for("ui_watches.detail", watch_id=watch_id), "watch_tested")


@blueprint.route("/watches/<int(max=9223372036854775807):watch_id>/delete", methods=["GET", "POST"])
def delete(watch_id: int) -> Response:
    """Delete a watch with its deliveries."""
    question = Confirmation(
        title=_("Delete the watch of %(subject)s?", subject=subject(read_watch(state(), watch_id))),
        text=_("Its deliveries are deleted. Pending notifications are discarded."),
        button=_("Delete watch"),
        keep=_("Keep watch"),
        back=url_for("ui_watches.detail", watch_id=watch_id),
    )
    if confirmation := question.unless_confirmed():
        return confirmation
    remove_watch(state(), watch_id, who=who())
    return see_other(url_for("ui_watches.show"), "watch_deleted")
