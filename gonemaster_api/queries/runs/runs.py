"""Runs as documents."""

from collections.abc import Mapping
from typing import Any

from gonemaster_api.errors import BadRequest
from gonemaster_api.queries.searching import message_tag, name_part, stored_form
from gonemaster_api.rest.paging import page_document, slice_of
from gonemaster_api.rest.parsing import time_range
from gonemaster_api.state import State
from gonemaster_db.core.filters import RunFilter
from gonemaster_db.models import Run
from gonemaster_db.runs.run_documents import kept_of, read_stored_run
from gonemaster_db.runs.runs import get_run, list_runs
from gonemaster_engine.texts import Text

_COLUMNS = (
    "id", "domain_id", "domain", "batch_id", "public_id", "created_at", "started_at", "finished_at", "duration_ms",
    "sev_notice", "sev_warning", "sev_error", "sev_critical", "severity_totals", "worst_level", "entry_count",
    "priority", "profile", "profile_id", "profile_name", "error", "worker", "attempt", "policy", "policy_version",
    "verdict",
)  # fmt: skip


def read_run(state: State, run_id: str) -> dict[str, Any]:
    """Return a run with its profile and timings. Raises RunNotFound."""
    with state.store.read_only() as session:
        run = get_run(session, run_id)
        document = _document(state, run)
        document["effective_profile"] = run.effective_profile.document if run.effective_profile else None
        document["kept"] = kept_of(session, run).value
        if state.settings.show_nameserver_timings_admin:
            document["nameserver_timings"] = read_stored_run(session, run_id).full_document.nameserver_timings
    return document


def read_runs(state: State, query: Mapping[str, Any], *, domain_id: int | None = None) -> dict[str, Any]:
    """Return a page of runs.

    Raises:
        BadRequest: invalid_time_range.
    """
    part = slice_of(query)
    criteria = RunFilter(
        domain_id=domain_id,
        domain_tag=query.get("tag"),
        event_tag=message_tag(query.get("event_tag")),
        domain=name_part(query.get("domain")),
        domain_exact=stored_form(query.get("domain_exact")),
        batch_id=query.get("batch"),
        status=query.get("status"),
        level=query.get("level"),
        grade=_grade_of(state, query),
        cause=query.get("cause"),
        policy=query.get("policy"),
        verdict=query.get("verdict"),
        min_duration_ms=query.get("min_duration_ms"),
        min_attempts=query.get("min_attempts"),
        **time_range(query, "finished_after", "finished_before"),
    )
    with state.store.read_only() as session:
        page = list_runs(session, criteria, sort=query["sort"], limit=part.limit, offset=part.offset)
        items = [_document(state, run) for run in page.items]
    return page_document(items, page.total, part) | {"sort": query["sort"]}


def _grade_of(state: State, query: Mapping[str, Any]) -> str | None:
    """Return the grade filter. Raises BadRequest: invalid_grade if scores are hidden, because a filter reveals them."""
    grade: str | None = query.get("grade")
    if grade is not None and not state.settings.show_score_admin:
        raise BadRequest("invalid_grade", Text("grades are hidden: show_score_admin is false"))
    return grade


def _document(state: State, run: Run) -> dict[str, Any]:
    document = {name: getattr(run, name) for name in _COLUMNS}
    document |= {"status": run.status.value, "effective_profile": None}
    if state.settings.show_score_admin:
        document |= {"score": run.score, "grade": run.grade}
    return document
