"""The list of all jobs: unfinished jobs and finished runs in one order."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, Subquery, and_, func, literal, literal_column, select, union_all
from sqlalchemy.orm import Session, defer

from gonemaster_db.batches.batches import find_batch_key, match_batch
from gonemaster_db.core.filters import JobFilter
from gonemaster_db.core.levels import at_least
from gonemaster_db.core.recent_totals import recent_total
from gonemaster_db.core.records import Page
from gonemaster_db.domains.domains import contains_name
from gonemaster_db.domains.run_domains import count_runs_of_domains, few_ids, has_part, name_condition
from gonemaster_db.models import Batch, Job, JobStatus, Run
from gonemaster_db.runs.counters import count_runs
from gonemaster_db.runs.sort_keys import JOB_KEYS, JOB_SORT, has_status, select_page, sort_columns, sort_order

_LEVELS = {"warnings_plus": at_least("WARNING"), "errors_only": at_least("ERROR")}
_IS_RUN = {Job: 0, Run: 1}
_OF_RUNS = ("severity", "min_duration_ms", "policy", "verdict")  # filters that unfinished jobs never match


@dataclass(frozen=True, slots=True)
class _Arm:
    """One side of the union: the matching jobs or runs, and their count."""

    model: Any
    conditions: list[ColumnElement[bool]]
    count: int


def list_jobs(
    session: Session, criteria: JobFilter, *, sort: str = JOB_SORT, limit: int = 100, offset: int = 0
) -> Page[Job | Run]:
    """Return a page of jobs and runs in one order; `sort` is a key of sort_keys.SORTS."""
    end = limit + offset
    arms = [_arm(session, model, criteria, sort, page_end=end) for model in (Job, Run) if can_match(model, criteria)]
    rows = _page_keys(session, [arm for arm in arms if arm.count], sort, limit, offset)
    return Page(load_listed(session, rows), sum(arm.count for arm in arms), limit, offset)


def load_listed(session: Session, rows: Sequence[tuple[int, str]]) -> list[Job | Run]:
    """Read jobs (0) and runs (1) by ID in the given order, without their options, which lists do not show."""
    job_ids, run_ids = ([key for is_run, key in rows if is_run == kind] for kind in (0, 1))
    found: dict[str, Job | Run] = {}
    if job_ids:
        found |= {
            job.id: job for job in session.scalars(select(Job).where(Job.id.in_(job_ids)).options(defer(Job.config)))
        }
    if run_ids:
        query = select(Run).where(Run.id.in_(run_ids)).options(defer(Run.config))
        found |= {run.id: run for run in session.scalars(query)}
    return [found[key] for _, key in rows if key in found]


def _arm(session: Session, model: Any, criteria: JobFilter, sort: str, *, page_end: int) -> _Arm:
    conditions = job_conditions(session, model, criteria)
    if model is Job:
        return _Arm(model, conditions, _count_rows(session, model, conditions))
    if not criteria.domain:
        return _Arm(model, conditions, _count_runs(session, criteria, conditions))
    batch = None if criteria.batch_id is None else find_batch_key(session, criteria.batch_id)
    names = name_condition(session, criteria.domain, sort=sort, page_end=page_end, batch_key=batch)
    named = [*conditions, names.condition]
    total = _total_of_names(session, criteria)
    if (ids := few_ids(session, named, total=None if names.few else total)) is not None:
        return _Arm(model, [Run.id.in_(ids)], len(ids))
    # The names of a batch are in an index; in another order its runs are looked up.
    counted = named if names.few or batch is None else [*conditions, has_part(criteria.domain)]
    return _Arm(model, named, _count_runs(session, criteria, counted) if total is None else total())


def _total_of_names(session: Session, criteria: JobFilter) -> Callable[[], int] | None:
    """If only names are filtered, return a function that counts the runs from the run counts of domains."""
    if replace(criteria, domain=None) != JobFilter():
        return None
    return partial(count_runs_of_domains, session, part=criteria.domain, tag=None)


def _count_runs(session: Session, criteria: JobFilter, conditions: list[ColumnElement[bool]]) -> int:
    """Count the matches: from counters if possible, otherwise from an index with a cached result."""
    if replace(criteria, status=None, batch_id=None, severity=None) == JobFilter():
        return _count_from_counters(session, criteria)
    examined = partial(count_runs, session)
    return recent_total(session, ("jobs", criteria), lambda: _count_rows(session, Run, conditions), examined=examined)


def _count_from_counters(session: Session, criteria: JobFilter) -> int:
    key = None if criteria.batch_id is None else find_batch_key(session, criteria.batch_id)
    if criteria.batch_id is not None and key is None:
        return 0
    levels = None if criteria.severity is None else _LEVELS[criteria.severity]
    return count_runs(session, batch_key=key, status=criteria.status, levels=levels)


def _count_rows(session: Session, model: Any, conditions: list[ColumnElement[bool]]) -> int:
    return session.scalar(select(func.count()).select_from(model).where(*conditions)) or 0


def _page_keys(session: Session, arms: list[_Arm], sort: str, limit: int, offset: int) -> list[tuple[int, str]]:
    """Sort and limit each table separately, then merge: ORDER BY over a plain union could not use an index."""
    if not arms:
        return []
    parts = [_first_rows(arm, sort, limit + offset) for arm in arms]
    merged = union_all(*(select(part) for part in parts)).subquery()
    columns = list(merged.c)
    query = select(merged.c.is_run, merged.c.id).order_by(*sort_order(columns[1:], sort))
    return [(row.is_run, row.id) for row in session.execute(query.limit(limit).offset(offset))]


def _first_rows(arm: _Arm, sort: str, count: int) -> Any:
    is_run = literal(_IS_RUN[arm.model]).label("is_run")
    if arm.model is Run:
        return select(is_run, select_page(sort, arm.conditions, limit=count).subquery()).subquery()
    columns = sort_columns(JOB_KEYS, sort)
    first = select(is_run, *columns).where(*arm.conditions).order_by(*sort_order(columns, sort)).limit(count).subquery()
    return _with_batch_keys(first) if sort.startswith("batch_id") else first


def _with_batch_keys(first: Subquery) -> Subquery:
    """Replace batch IDs with batch keys, as in runs; both sort in the same order."""
    key = select(Batch.key).where(Batch.id == first.c.k0).scalar_subquery().label("k0")
    return select(*(key if column.key == "k0" else column for column in first.c)).subquery()


def can_match(model: Any, criteria: JobFilter) -> bool:
    """Return whether any job, or any run, can match."""
    if model is Job and any(getattr(criteria, name) is not None for name in _OF_RUNS):
        return False
    return criteria.status is None or (criteria.status in list(JobStatus)) == (model is Job)


def job_conditions(session: Session, model: Any, criteria: JobFilter) -> list[ColumnElement[bool]]:
    """Return all conditions except the one on the domain of a run."""
    known: dict[str, Callable[[Any], ColumnElement[bool]]] = {
        "status": lambda status: has_status(status) if model is Run else Job.status == status,
        "batch_id": lambda batch_id: match_batch(session, batch_id) if model is Run else Job.batch_id == batch_id,
        "severity": lambda severity: model.worst_level.in_(_LEVELS[severity]),
        "created_after": lambda time: model.created_at > time,
        "created_before": lambda time: model.created_at < time,
        "min_duration_ms": lambda duration_ms: model.duration_ms >= duration_ms,
        "verdict": lambda verdict: model.verdict == verdict,
        "policy": lambda policy: model.policy == policy,
        "min_attempts": lambda least: attempted(model, least),
    }
    given = ((name, getattr(criteria, name)) for name in known)
    found = [known[name](value) for name, value in given if value is not None]
    if criteria.domain and model is Job:  # A job has no row in `domains` before it graduates, but there are few jobs.
        found.append(contains_name(Job.domain.expression, criteria.domain))
    return found


def attempted(model: Any, least: int) -> ColumnElement[bool]:
    """Return the condition that a job or run had at least so many attempts."""
    # The constant matches the partial index of runs, which SQLite does not use for a parameter.
    repeated = model.attempt > literal_column("1")
    return and_(repeated, model.attempt >= least) if least > 1 else model.attempt >= least
