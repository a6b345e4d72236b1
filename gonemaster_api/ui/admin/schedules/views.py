"""The editor of the schedule of a cohort or tag."""

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Any
from zoneinfo import available_timezones

from flask import Blueprint, Response, request, url_for

from gonemaster_api.errors import ApiError
from gonemaster_api.queries.cohorts import read_cohort
from gonemaster_api.queries.profiles import read_profiles
from gonemaster_api.queries.schedules import preview_schedule
from gonemaster_api.queries.tags import check_tag_exists
from gonemaster_api.state import state
from gonemaster_api.ui.admin.lists import keep_options, policy_options
from gonemaster_api.ui.admin.numbers import whole
from gonemaster_api.ui.admin.schedules.stored import schedule_of
from gonemaster_api.ui.admin.schedules.words import sentence, weekday_names
from gonemaster_api.ui.shell.forms.forms import SUMMARY, Form
from gonemaster_api.ui.shell.pages import page
from gonemaster_api.ui.shell.texts.languages import gettext as _
from gonemaster_api.ui.shell.texts.languages import mark
from gonemaster_api.ui.shell.texts.notes import Note, register_notes, see_other
from gonemaster_api.use_cases.schedules import put_schedule, remove_schedule
from gonemaster_api.v1.schedules.schemas import ScheduleBodySchema
from gonemaster_api.web.actor import who
from gonemaster_db.service.schedules import ScheduleTarget
from gonemaster_tasks.recurrence.rules import LAST_COMMON_DAY, RuleKind

blueprint = Blueprint("ui_schedules", __name__)
_PLACES = {"profile_not_found": "profile_id", "policy_not_found": "policy", "invalid_policy": "policy"}
_SWITCHES = ("enabled", "catch_up", "promote_default")

register_notes(
    {
        "schedule_saved": Note(mark("Schedule saved.")),
        "schedule_removed": Note(mark("Schedule removed.")),
    }
)


@blueprint.route("/tags/<name>/schedule", methods=["GET", "POST"])
def of_tag(name: str) -> Response:
    """Edit the schedule of a tag."""
    check_tag_exists(state(), name)
    return _edit(ScheduleTarget(tag=name), name, url_for("ui_tags.detail", name=name))


@blueprint.route("/cohorts/<int(max=2147483647):cohort_id>/schedule", methods=["GET", "POST"])
def of_cohort(cohort_id: int) -> Response:
    """Edit the schedule of a cohort."""
    cohort = read_cohort(state(), cohort_id)
    title = cohort["label"] or cohort["source_tag"]
    return _edit(ScheduleTarget(cohort_id=cohort_id), title, url_for("ui_cohorts.detail", cohort_id=cohort_id))


def _edit(target: ScheduleTarget, title: str, back: str) -> Response:
    """Show the form; `remove` removes the schedule, `check` shows a preview, other submissions save."""
    stored = schedule_of(target)
    if request.method == "GET":
        sent = _form_of(stored) if stored else _new_form(state().queue.clock.now())
    else:
        sent = Form.sent()
        if "remove" in sent.values:
            remove_schedule(state(), target, who=who())
            return see_other(back, "schedule_removed")
        if stored:
            for name in ("policy", "keep"):  # a form without the field does not clear it
                sent.values.setdefault(name, stored[name] or "")
    body = sent.check(ScheduleBodySchema, _body_of(sent))
    preview = _preview(sent, body)
    if request.method == "POST" and "check" not in sent.values and sent.is_valid and _saved(sent, target, body):
        return see_other(back, "schedule_saved")
    return page(
        "admin/schedules/form.html",
        status=sent.status,
        form=sent,
        preview=preview,
        is_stored=stored is not None,
        of_cohort=target.cohort_id is not None,
        title=title,
        back=back,
        weekdays=list(weekday_names().items()),
        days=[(str(day), str(day)) for day in range(1, LAST_COMMON_DAY + 1)],
        zones=zones(),
        policies=policy_options(state(), sent["policy"]),
        keeps=keep_options(_("as for the cohort, or the server default")),
        profiles=[(str(profile.id), profile.name) for profile in read_profiles(state())],
    )


def _preview(sent: Form, body: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the rule as a sentence with its next run times; None if it is invalid, with errors in the form."""
    if not sent.is_valid:
        return None
    try:
        found = preview_schedule(state(), body)
    except ApiError as error:
        sent.fail_as(error)
        return None
    return {"words": sentence(body), "next": found["next"]}


def _saved(sent: Form, target: ScheduleTarget, body: Mapping[str, Any]) -> bool:
    try:
        put_schedule(state(), target, body, who=who())
    except ApiError as error:
        sent.fail(_PLACES.get(error.code, SUMMARY), error.message, error.code)
    return sent.is_valid


@cache
def zones() -> tuple[str, ...]:
    """Return the sorted names of time zones."""
    return ("UTC", *sorted(name for name in available_timezones() if "/" in name and not name.startswith("Etc/")))


def _new_form(now: datetime) -> Form:
    values = {
        "enabled": "yes",
        "catch_up": "yes",
        "kind": RuleKind.WEEKLY.value,
        "weekdays": "mon",
        "time_of_day": "06:00",
        "timezone": "UTC",
        "interval_days": "7",
        "anchor_date": now.date().isoformat(),
        "days_of_month": "1",
    }
    return Form(values, {name: [text] for name, text in values.items()})


def _form_of(stored: Mapping[str, Any]) -> Form:
    lists = {
        "weekdays": list(stored["weekdays"]),
        "days_of_month": [str(day) for day in stored["days_of_month"]],
        "last_day": ["yes"] if stored["last_day"] else [],
        **{name: ["yes"] if stored[name] else [] for name in _SWITCHES},
        **{name: [stored[name]] for name in ("kind", "time_of_day", "timezone")},
        **{
            name: [str(stored[name])] if stored[name] is not None else []
            for name in ("interval_days", "anchor_date", "profile_id", "policy", "keep")
        },
    }
    return Form({name: texts[0] for name, texts in lists.items() if texts}, lists)


def _body_of(sent: Form) -> dict[str, Any]:
    """Return the request body for the API, without fields that the selected kind does not use."""
    body: dict[str, Any] = {name: bool(sent[name]) for name in _SWITCHES}
    body |= {name: sent[name] for name in ("kind", "time_of_day", "timezone")}
    body["profile_id"] = whole(sent["profile_id"]) if sent["profile_id"] else None
    body |= {name: sent[name] or None for name in ("policy", "keep")}
    if sent["kind"] == RuleKind.INTERVAL:
        body |= {"interval_days": whole(sent["interval_days"]), "anchor_date": sent["anchor_date"]}
    elif sent["kind"] == RuleKind.WEEKLY:
        body["weekdays"] = sent.all("weekdays")
    elif sent["kind"] == RuleKind.MONTHLY:
        body |= {
            "days_of_month": [whole(day) for day in sent.all("days_of_month")],
            "last_day": bool(sent["last_day"]),
        }
    return body
