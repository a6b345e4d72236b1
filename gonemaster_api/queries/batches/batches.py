"""Batches as documents."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from gonemaster_api.batch_counts import percent, progress_of
from gonemaster_api.errors import Conflict
from gonemaster_api.queries.jobs.jobs import current_forecast, estimate_document, read_jobs
from gonemaster_api.rest.paging import page_document, slice_of
from gonemaster_api.state import State
from gonemaster_db.batches.batches import (
    ListedBatch,
    count_unfinished,
    get_batch,
    list_batches,
    summarise_batch,
)
from gonemaster_db.batches.deletion import BatchImpact, preview_batch_deletion
from gonemaster_db.batches.tag_values import list_tag_values
from gonemaster_db.queue.queue_ranks import BatchSpan, batch_spans
from gonemaster_db.runs.runs import count_verdicts
from gonemaster_engine.profile.zonemaster_tags import engine_tag
from gonemaster_engine.texts import Text
from gonemaster_tasks.monitoring.estimates import estimate_batches

MAX_LISTED = 100


def read_batches(state: State, query: Mapping[str, Any], *, tag: str | None = None) -> dict[str, Any]:
    """Return a page of batches, optionally of one tag."""
    part = slice_of({**query, "limit": min(MAX_LISTED, query["limit"])})
    with state.store.read_only() as session:
        chosen = {name: query[name] for name in ("label", "search", "verdict", "sort") if name in query}
        page = list_batches(session, **chosen, tag=tag, limit=part.limit, offset=part.offset)
        left = {item.batch.id: item for item in page.items if item.span}
        begun = {batch_id: item.started_at for batch_id, item in left.items()}
        spans = {batch_id: item.span for batch_id, item in left.items() if item.span}
        estimates = _estimates(state, session, spans, begun=begun)
    items = [_summary(item) | estimates.get(item.batch.id, {}) for item in page.items]
    return page_document(items, page.total, part)


def _estimates(
    state: State, session: Session, spans: Mapping[str, BatchSpan], *, begun: Mapping[str, datetime | None]
) -> dict[str, dict[str, Any]]:
    """Return the estimates of unfinished batches by batch id."""
    if not spans:
        return {}
    found = estimate_batches(session, spans, current_forecast(state, session), started=begun)
    return {batch_id: estimate_document(estimate) for batch_id, estimate in found.items()}


def _summary(item: ListedBatch) -> dict[str, Any]:
    return {
        "batch_id": item.batch.id,
        "name": item.batch.name,
        "tag": item.batch.tag,
        "tags": item.batch.tag_names,
        "description": item.batch.description,
        "status": "done" if item.is_done else "running",
        "total": item.total,
        "completed": item.completed,
        "purged_runs": item.purged,
        "completion": percent(item.completed, item.total),
        "created_at": item.batch.created_at,
        "finished_at": item.finished_at,
        "origin": item.batch.origin.value,
    }


def read_batch(state: State, batch_id: str, query: Mapping[str, Any]) -> dict[str, Any]:
    """Return a batch with a page of its jobs. Raises BatchNotFound."""
    progress = read_batch_progress(state, batch_id)
    return read_jobs(state, {**query, "batch_id": batch_id}) | progress


def read_batch_progress(state: State, batch_id: str) -> dict[str, Any]:
    """Return a batch with its counts and its estimate, without jobs; `kept` has the counts that lists of its jobs use.

    Raises:
        BatchNotFound: no such batch.
    """
    with state.store.read_only() as session:
        batch = get_batch(session, batch_id)
        summary = summarise_batch(session, batch_id)
        verdicts = count_verdicts(session, batch.key)
        estimates = _estimates(state, session, batch_spans(session, [batch_id]), begun={batch_id: summary.started_at})
    return (
        estimates.get(batch_id, {})
        | progress_of(summary.status_counts)
        | {
            "batch_id": batch.id,
            "name": batch.name,
            "tag": batch.tag,
            "tags": batch.tag_names,
            "description": batch.description,
            "domain_count": batch.domain_count,
            "snapshot_intent": batch.snapshot_intent,
            "keep": batch.keep.value,
            "reduced_runs": batch.reduced_runs,
            "purged_runs": summary.purged_runs,
            "grades": dict(summary.grades) if state.settings.show_score_admin else {},
            "worst_levels": dict(summary.worst_levels),
            "verdicts": dict(verdicts),
            "created_at": batch.created_at,
            "started_at": summary.started_at,
            "finished_at": summary.finished_at,
            "origin": batch.origin.value,
            "kept": summary.kept,
        }
    )


def read_rate_per_minute(state: State) -> float | None:
    """Return the current number of tests finished per minute, or None if there are too few to measure."""
    with state.store.read_only() as session:
        rate = current_forecast(state, session).rate
    return None if rate is None else 60 * rate.per_second


def read_deletion_preview(state: State, batch_id: str) -> dict[str, Any]:
    """Count the rows that a deletion of the batch would remove. Raises BatchNotFound."""
    with state.store.read_only() as session:
        impact = preview_batch_deletion(session, batch_id)
    return {
        "batch_id": impact.batch.id,
        "tag": impact.batch.tag,
        "created_at": impact.batch.created_at,
        "snapshot_intent": impact.batch.snapshot_intent,
        "exists": True,
        "snapshots": list(impact.snapshots),
    } | impact_counts(impact)


def impact_counts(impact: BatchImpact) -> dict[str, int]:
    """Return the number of rows of each kind that a deletion removes."""
    names = ("queued_jobs", "running_jobs", "completed_runs", "entries", "fact_rows")
    return {name: getattr(impact, name) for name in names}


def read_tag_values(state: State, batch_id: str, query: Mapping[str, Any]) -> dict[str, Any]:
    """Group the values of one argument across a batch.

    Raises:
        BatchNotFound: no such batch.
        Conflict: batch_not_complete.
        StatisticsPending: the batch is large and has just finished.
    """
    with state.store.read_only() as session:
        get_batch(session, batch_id)
        if count_unfinished(session, batch_id):
            raise Conflict("batch_not_complete", Text("the batch has unfinished jobs"))
        values = list_tag_values(
            session,
            batch_id,
            message_tag=engine_tag(query["tag"]),
            argument=query["arg"],
            min_count=query["min_count"],
            limit=query["limit"],
            weight_by_score=query["weight_by_score"],
        )
    if not state.settings.show_score_admin:
        values = [replace(value, avg_score=None) for value in values]
    asked = {name: query[name] for name in ("tag", "arg", "min_count", "weight_by_score")}
    return {"batch_id": batch_id, **asked, "tag_values": values}
