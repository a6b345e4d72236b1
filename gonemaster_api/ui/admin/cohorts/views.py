"""The list of cohorts, and the page of one cohort with its drift, snapshots and schedule."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from flask import Blueprint, Response, request

from gonemaster_api.queries.cohorts import read_analysis_status, read_cohort, read_cohorts, read_snapshots
from gonemaster_api.queries.schedules import read_schedules
from gonemaster_api.queries.tags import read_tag
from gonemaster_api.state import state
from gonemaster_api.ui.admin.schedules.stored import next_times, rule_in_words, schedule_of
from gonemaster_api.ui.shell.forms.forms import Form
from gonemaster_api.ui.shell.pages import page
from gonemaster_db.analysis.snapshots import RUNNING
from gonemaster_db.models import MaterializationStatus, SnapshotStatus
from gonemaster_db.service.schedules import ScheduleTarget

blueprint = Blueprint("ui_cohorts", __name__)
_DRIFT_LIFE_S = 10.0
_Key = Callable[[Mapping[str, Any]], Any]
SORTS: Mapping[str, _Key] = {
    "slug": lambda snapshot: snapshot["slug"],
    "label": lambda snapshot: snapshot["label"].casefold(),
    "domains": lambda snapshot: snapshot["domain_count"],
    "runs": lambda snapshot: snapshot["run_count"],
    "status": lambda snapshot: snapshot["status"],
    "captured": lambda snapshot: (snapshot["captured_at"] is not None, snapshot["captured_at"]),
}


@blueprint.get("/cohorts")
def show() -> Response:
    """List cohorts with their schedules and, if they have a reference list, their drift."""
    shared = state()
    schedules = {schedule["cohort_id"]: schedule for schedule in read_schedules(shared) if schedule["cohort_id"]}
    cohorts = read_cohorts(shared)
    drifts = {cohort["id"]: _drift(cohort["id"]) for cohort in cohorts if cohort["reference_list"]}
    return page(
        "admin/cohorts/list.html",
        cohorts=cohorts,
        schedules=schedules,
        rules={key: rule_in_words(schedule) for key, schedule in schedules.items()},
        drifts=drifts,
        works=read_analysis_status(shared)["backend_supported"],
        runs=any(is_being_built(cohort) for cohort in cohorts),
    )


@blueprint.get("/cohorts/<int(max=2147483647):cohort_id>")
def detail(cohort_id: int) -> Response:
    """Show a cohort."""
    return detail_with(cohort_id, Form())


def detail_with(cohort_id: int, form: Form) -> Response:
    """Show a cohort with a submitted form."""
    shared = state()
    cohort = read_cohort(shared, cohort_id)
    snapshots, sort = _sorted(read_snapshots(shared, cohort_id))
    schedule = schedule_of(ScheduleTarget(cohort_id=cohort_id))
    return page(
        "admin/cohorts/detail.html",
        status=form.status,
        cohort=cohort,
        title=cohort["label"] or cohort["source_tag"],
        form=form,
        members=read_tag(shared, cohort["source_tag"])["domain_count"],
        snapshots=snapshots,
        sort=sort,
        schedule=schedule,
        rule=rule_in_words(schedule) if schedule else "",
        times=next_times(schedule) if schedule else (),
        mixed=[snapshot for snapshot in snapshots if snapshot["status"] == SnapshotStatus.FAILED_MIXED_PROFILES],
        works=read_analysis_status(shared)["backend_supported"],
        runs=is_being_built(cohort) or any(snapshot["materialization_status"] == RUNNING for snapshot in snapshots),
    )


def _drift(cohort_id: int) -> dict[str, Any] | None:
    """Return the difference between a cohort and its reference list, cached because all members must be read."""
    read = partial(read_cohort, state(), cohort_id)
    found: dict[str, Any] | None = state().recent.get(
        ("ui-drift", cohort_id), lambda: read().get("source_drift"), life_s=_DRIFT_LIFE_S
    )
    return found


def is_being_built(cohort: Mapping[str, Any]) -> bool:
    """Return whether the facts of a cohort are being built from its runs."""
    return bool(cohort["analysis_enabled"]) and cohort["materialization_status"] == MaterializationStatus.PENDING


def _sorted(snapshots: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], str]:
    """Sort as the query asks; by default keep the order of the API, newest batch first."""
    sort = request.args.get("sort", "")
    name, _, direction = sort.rpartition("_")
    if name not in SORTS or direction not in {"asc", "desc"}:
        return snapshots, ""
    return sorted(snapshots, key=SORTS[name], reverse=direction == "desc"), sort
