"""Jobs and the runs of finished jobs as documents of one form, single or in pages."""

from collections.abc import Collection, Iterable, Mapping
from contextlib import nullcontext
from dataclasses import asdict
from typing import Any

from sqlalchemy.orm import Session

from gonemaster_api.queries.searching import name_part
from gonemaster_api.rest.paging import page_document, slice_of
from gonemaster_api.rest.parsing import time_range
from gonemaster_api.state import State
from gonemaster_db.core.filters import JobFilter
from gonemaster_db.models import Job, JobStatus, Priority, Run
from gonemaster_db.queue.attempt_logs import list_attempt_logs
from gonemaster_db.queue.jobs import find_job_or_run
from gonemaster_db.runs.job_list import list_jobs
from gonemaster_tasks.errors import BrokerUnavailable
from gonemaster_tasks.monitoring.estimates import (
    DrainRate,
    Estimate,
    Forecast,
    estimate_jobs,
    measure_pace,
    read_forecast,
    unserved_tiers,
)

_OPTIONAL = (
    "public_id", "worker", "batch_id", "error", "profile_id", "profile_name", "score", "grade", "expires_at",
    "policy", "policy_version", "verdict",
)  # fmt: skip
_PACE_LIFE_S = 1.0


def read_job(state: State, job_id: str) -> dict[str, Any]:
    """Return a waiting, running or finished job. Raises JobNotFound."""
    with state.store.read_only() as session:
        item = find_job_or_run(session, job_id)
        return job_documents(state, [item], session=session)[0]


def read_job_log(state: State, job_id: str) -> dict[str, Any]:
    """Return the log lines of the attempts of a job that failed. Raises JobNotFound."""
    with state.store.read_only() as session:
        find_job_or_run(session, job_id)
        return {"job_id": job_id, "attempts": list_attempt_logs(session, job_id)}


def read_jobs(state: State, query: Mapping[str, Any]) -> dict[str, Any]:
    """Return a page of jobs.

    Raises:
        BadRequest: invalid_cursor, invalid_time_range.
    """
    part, criteria = slice_of(query), job_filter(query)
    with state.store.read_only() as session:
        page = list_jobs(session, criteria, sort=query["sort"], limit=part.limit, offset=part.offset)
    return page_document(job_documents(state, page.items), page.total, part) | {"sort": query["sort"]}


def job_filter(query: Mapping[str, Any]) -> JobFilter:
    """Build the filter of a request.

    Raises:
        BadRequest: invalid_time_range.
    """
    return JobFilter(
        status=query.get("status"),
        batch_id=query.get("batch_id"),
        domain=name_part(query.get("domain")),
        severity=query.get("severity"),
        min_duration_ms=query.get("min_duration_ms"),
        min_attempts=query.get("min_attempts"),
        policy=query.get("policy"),
        verdict=query.get("verdict"),
        **time_range(query, "created_after", "created_before"),
    )


def job_document(state: State, item: Job | Run) -> dict[str, Any]:
    """Return the document of a job or run."""
    return job_documents(state, [item])[0]


def new_job_document(job: Job) -> dict[str, Any]:
    """Return the document of a newly created job; its position is not looked up."""
    return _job(job, {})


def job_documents(state: State, items: Iterable[Job | Run], *, session: Session | None = None) -> list[dict[str, Any]]:
    """Return the documents of jobs and runs in their order; the broker has the progress of running jobs.

    `session` is an open session for reading.
    """
    listed = list(items)
    progress = _progress(state, [item.id for item in listed if is_running(item)])
    estimates = _estimates(state, [item for item in listed if isinstance(item, Job)], session)
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


def _estimates(state: State, jobs: list[Job], session: Session | None) -> Mapping[str, Estimate]:
    if not jobs:
        return {}
    with state.store.read_only() if session is None else nullcontext(session) as reading:
        forecast = current_forecast(state, reading, priorities={job.priority for job in jobs})
        return estimate_jobs(reading, jobs, forecast)


def current_forecast(state: State, session: Session, *, priorities: Collection[int] = tuple(Priority)) -> Forecast:
    """Return the data for estimates of jobs of these priorities.

    Throughput and workers may be a second old, because the action of a caller does not change them directly.
    """
    now = state.queue.clock.now()

    def measure() -> DrainRate:
        return measure_pace(session, now=now, unserved=lambda: unserved_tiers(state.broker))

    pace: DrainRate = state.recent.get("pace", measure, life_s=_PACE_LIFE_S)
    return read_forecast(session, now=now, pace=pace, priorities=priorities)


def is_running(item: Job | Run) -> bool:
    """Return whether a worker is running the job."""
    return isinstance(item, Job) and item.status == JobStatus.RUNNING


def progress_of(state: State, item: Job | Run) -> int:
    """Return the progress of a job in percent; a run has 100."""
    if isinstance(item, Run):
        return 100
    return _progress(state, [item.id] if is_running(item) else []).get(item.id, item.progress)


def _progress(state: State, job_ids: list[str]) -> Mapping[str, int]:
    """Return the progress published by workers; without the broker, return nothing so that the list is still served."""
    try:
        return state.broker.events.progress(job_ids) if job_ids else {}
    except BrokerUnavailable:
        return {}


def _job(job: Job, progress: Mapping[str, int]) -> dict[str, Any]:
    return _without_nulls(
        _common(job)
        | {
            "expires_at": job.expires_at,
            "finished_at": None,
            "progress": progress.get(job.id, job.progress),
            "error": job.error,
        }
        | _policy_of(job)
    )


def _policy_of(job: Job) -> dict[str, Any]:
    """Return the policy of an unfinished job; lists do not read its options, which can be large."""
    reference = job.__dict__.get("config", {}).get("policy") or {}
    return {"policy": reference.get("name"), "policy_version": reference.get("version")}


def _run(run: Run, *, scored: bool) -> dict[str, Any]:
    document = _common(run) | {
        "finished_at": run.finished_at,
        "progress": 100,
        "error": run.error,
        "severity_totals": run.severity_totals,
        "policy": run.policy,
        "policy_version": run.policy_version,
        "verdict": run.verdict,
    }
    if scored:
        document |= {"score": run.score, "grade": run.grade}
    return _without_nulls(document)


def _common(item: Job | Run) -> dict[str, Any]:
    return {
        "id": item.id,
        "public_id": item.public_id,
        "batch_id": item.batch_id,
        "domain": item.domain,
        "status": item.status.value,
        "worker": item.worker,
        "attempt": item.attempt,
        "created_at": item.created_at,
        "started_at": item.started_at,
        "priority": item.priority,
        "profile_id": item.profile_id,
        "profile_name": item.profile_name,
    }


def _without_nulls(document: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name not in _OPTIONAL or value not in (None, "")}
