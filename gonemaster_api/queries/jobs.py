"""Jobs, and the runs that jobs become, as one kind of document: single ones and pages of them."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from sqlalchemy.orm import Session

from gonemaster_api.rest.paging import page_document, slice_of
from gonemaster_api.rest.parsing import time_range
from gonemaster_api.state import State
from gonemaster_db.filters import JobFilter
from gonemaster_db.models import Job, JobStatus, Run
from gonemaster_db.repositories.job_list import list_jobs
from gonemaster_db.repositories.jobs import find_job_or_run
from gonemaster_tasks.errors import BrokerUnavailable
from gonemaster_tasks.monitoring.estimates import Estimate, Forecast, estimate_jobs, read_forecast, unserved_tiers

_OPTIONAL = ("public_id", "batch_id", "error", "profile_id", "profile_name", "score", "grade")


def read_job(state: State, job_id: str) -> dict[str, Any]:
    """Return a job, or the run it has become. Raises JobNotFound."""
    with state.store.read_only() as session:
        item = find_job_or_run(session, job_id)
    return job_document(state, item)


def read_jobs(state: State, query: Mapping[str, Any]) -> dict[str, Any]:
    """Return a page of jobs.

    Raises:
        BadRequest: invalid_cursor, invalid_time_range.
    """
    part = slice_of(query)
    wanted = JobFilter(
        status=query.get("status"),
        batch_id=query.get("batch_id"),
        domain=query.get("domain"),
        severity=query.get("severity"),
        **time_range(query, "created_after", "created_before"),
    )
    with state.store.read_only() as session:
        page = list_jobs(session, wanted, sort=query["sort"], limit=part.limit, offset=part.offset)
    return page_document(job_documents(state, page.items), page.total, part) | {"sort": query["sort"]}


def job_document(state: State, item: Job | Run) -> dict[str, Any]:
    """Return the document of one job or run."""
    return job_documents(state, [item])[0]


def new_job_document(job: Job) -> dict[str, Any]:
    """Return the document of a job that was just created; its position is not looked up."""
    return _job(job, {})


def job_documents(state: State, items: Iterable[Job | Run]) -> list[dict[str, Any]]:
    """Return the documents of jobs and runs in their order; progress of running ones comes from the broker."""
    listed = list(items)
    progress = _progress(state, [item.id for item in listed if is_running(item)])
    estimates = _estimates(state, [item for item in listed if isinstance(item, Job)])
    scored = state.settings.show_score_admin
    return [
        _run(item, scored=scored)
        if isinstance(item, Run)
        else _job(item, progress) | estimate_document(estimates[item.id])
        for item in listed
    ]


def estimate_document(estimate: Estimate) -> dict[str, Any]:
    """Return the fields of an estimate."""
    return asdict(estimate)


def _estimates(state: State, jobs: list[Job]) -> Mapping[str, Estimate]:
    if not jobs:
        return {}
    with state.store.read_only() as session:
        return estimate_jobs(session, jobs, current_forecast(state, session))


def current_forecast(state: State, session: Session) -> Forecast:
    """Read the throughput and the workers, on which estimates are based."""
    return read_forecast(session, now=state.queue.clock.now(), unserved=lambda: unserved_tiers(state.broker))


def is_running(item: Job | Run) -> bool:
    """Say whether a worker is running it."""
    return isinstance(item, Job) and item.status == JobStatus.RUNNING


def _progress(state: State, job_ids: list[str]) -> Mapping[str, int]:
    """Read the progress that workers published; without broker it is unknown, and the list is served without it."""
    try:
        return state.broker.events.progress(job_ids) if job_ids else {}
    except BrokerUnavailable:
        return {}


def _job(job: Job, progress: Mapping[str, int]) -> dict[str, Any]:
    return _without_nothing(
        _common(job) | {"finished_at": None, "progress": progress.get(job.id, job.progress), "error": job.error}
    )


def _run(run: Run, *, scored: bool) -> dict[str, Any]:
    document = _common(run) | {
        "finished_at": run.finished_at,
        "progress": 100,
        "error": run.error,
        "severity_totals": run.severity_totals,
    }
    if scored:
        document |= {"score": run.score, "grade": run.grade}
    return _without_nothing(document)


def _common(item: Job | Run) -> dict[str, Any]:
    return {
        "id": item.id,
        "public_id": item.public_id,
        "batch_id": item.batch_id,
        "domain": item.domain,
        "status": item.status.value,
        "created_at": item.created_at,
        "started_at": item.started_at,
        "priority": item.priority,
        "profile_id": item.profile_id,
        "profile_name": item.profile_name,
    }


def _without_nothing(document: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name not in _OPTIONAL or value not in (None, "")}
