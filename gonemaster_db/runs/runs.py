"""Lookup and lists of runs."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from functools import cache, partial
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Integer, Row, Select, bindparam, func, or_, select, update
from sqlalchemy.orm import Session, defer, joinedload

from gonemaster_db.batches.batch_statistics import mark_stale
from gonemaster_db.batches.batches import find_batch_key, match_batch
from gonemaster_db.core.errors import RunNotFound
from gonemaster_db.core.filters import RunFilter
from gonemaster_db.core.recent_totals import recent_total
from gonemaster_db.core.records import Page
from gonemaster_db.domains.run_domains import (
    DomainCondition,
    count_runs_of_domains,
    few_ids,
    name_condition,
    tag_condition,
)
from gonemaster_db.models import Domain, Run, RunStatus
from gonemaster_db.runs.causes import ensure_cause_set, runs_with
from gonemaster_db.runs.counters import RunGroup, count_runs, count_runs_in
from gonemaster_db.runs.documents.outcomes import count_entries
from gonemaster_db.runs.documents.registry import matching_kinds
from gonemaster_db.runs.job_list import attempted
from gonemaster_db.runs.matching_outcomes import MatchingOutcomes, find_outcomes, has_outcome
from gonemaster_db.runs.run_documents import read_stored_run
from gonemaster_db.runs.sort_keys import RUN_SORT, has_status, select_page, sort_order

_NEWEST_OF_ALL = 5000  # runs among which the last runs of a worker are searched, without an index
MAX_TRIED = (1000, 10_000)  # runs that are examined before the outcomes of all runs

# Built once, because building it takes as long as executing it.
_RUN = select(Run).options(joinedload(Run.effective_profile)).where(Run.id == bindparam("run_id"))


def get_run(session: Session, run_id: str) -> Run:
    """Read a run with its effective profile. Raises RunNotFound."""
    run = session.scalar(_RUN, {"run_id": run_id}, execution_options={"populate_existing": True})
    if run is None:
        raise RunNotFound(run_id)
    return run


def describe_runs(session: Session, run_ids: Collection[str]) -> "Sequence[Row[str, str, int, str | None]]":
    """Return ID, domain, priority and batch ID of the existing runs, by ID."""
    query = select(Run.id, Run.domain, Run.priority, Run.batch_id).where(Run.id.in_(run_ids))
    return session.execute(query.order_by(Run.id)).all()


def list_runs(
    session: Session,
    criteria: RunFilter,
    *,
    sort: str = RUN_SORT,
    limit: int = 100,
    offset: int = 0,
    full: bool = False,
) -> Page[Run]:
    """Return a page of runs; `sort` is a key of sort_keys.SORTS; `full` also reads profiles."""
    domains = _domains(session, criteria, sort, limit + offset)
    conditions = [*_conditions(session, criteria), *(domain.condition for domain in domains)]
    event = (
        None if criteria.event_tag is None else find_outcomes(session, matching_kinds(session, tag=criteria.event_tag))
    )
    every = conditions if event is None else [*conditions, has_outcome(event)]
    ids = _few_ids(session, criteria, every, event, are_few=any(domain.few for domain in domains))
    total = len(ids) if ids is not None else _count(session, criteria, every)
    if not total:
        return Page([], 0, limit, offset)
    skipped = offset
    if ids is None and event is not None and not event.complete:
        ids = _try(session, conditions, event, sort, limit + offset)
        if ids is not None:  # Look up the page only: PostgreSQL takes 100 ms to look up and sort 5,000 IDs.
            ids, skipped = ids[offset:], 0
    if ids is not None:
        every = [Run.id.in_(ids)]
    query = _page(sort, *every, full=full) if every else _page_of_all(sort, full=full)
    return Page(session.scalars(query, {"limit": limit, "offset": skipped}).all(), total, limit, offset)


def _page(sort: str, *conditions: ColumnElement[bool], full: bool) -> "Select[Run]":
    """Select a page of runs; its `limit` and `offset` are parameters."""
    # A deferred join: the IDs of the page come from a covering index, and only its rows are read from the table.
    limit, offset = bindparam("limit", type_=Integer), bindparam("offset", type_=Integer)
    page = select_page(sort, conditions, limit=limit, offset=offset).subquery()
    query = select(Run).join(page, page.c.id == Run.id).order_by(*sort_order(list(page.c), sort))
    return query.options(joinedload(Run.effective_profile) if full else defer(Run.config))


_page_of_all = cache(_page)  # the most frequent page; building the statement takes longer than executing it


def list_public_runs(session: Session, domain_id: int, *, limit: int) -> Sequence[Run]:
    """Return the successful public runs of a domain, newest first."""
    conditions = (Run.domain_id == domain_id, Run.public_id.is_not(None), Run.status == RunStatus.SUCCEEDED)
    query = select(Run).where(*conditions).order_by(Run.finished_at.desc(), Run.key.desc()).limit(limit)
    return session.scalars(query.options(defer(Run.config))).all()


def list_last_runs_of_worker(session: Session, worker: str, *, limit: int) -> Sequence[Run]:
    """Return the runs of a worker among the newest 5,000 runs, newest first."""
    newest = select(func.coalesce(func.max(Run.key), 0) - _NEWEST_OF_ALL).scalar_subquery()
    query = select(Run).where(Run.key > newest, Run.worker == worker).order_by(Run.key.desc()).limit(limit)
    return session.scalars(query.options(defer(Run.config))).all()


def list_public_configs(session: Session, domain: str, *, limit: int) -> Sequence[tuple[str, dict[str, Any]]]:
    """Return ID and config of the successful public runs of a domain (by name), newest first."""
    conditions = (Domain.name == domain, Run.public_id.is_not(None), Run.status == RunStatus.SUCCEEDED)
    query = select(Run.id, Run.config).join(Domain, Domain.id == Run.domain_id).where(*conditions)
    found = session.execute(query.order_by(Run.finished_at.desc(), Run.key.desc()).limit(limit))
    return [(run_id, config) for run_id, config in found]


def _domains(session: Session, criteria: RunFilter, sort: str, page_end: int) -> list[DomainCondition]:
    found = []
    if criteria.domain:
        batch = None if criteria.batch_id is None else find_batch_key(session, criteria.batch_id)
        found.append(name_condition(session, criteria.domain, sort=sort, page_end=page_end, batch_key=batch))
    if criteria.domain_tag is not None:
        found.append(tag_condition(session, criteria.domain_tag, sort=sort, page_end=page_end))
    return found


def _few_ids(
    session: Session,
    criteria: RunFilter,
    conditions: list[ColumnElement[bool]],
    event: MatchingOutcomes | None,
    *,
    are_few: bool,
) -> Sequence[str] | None:
    """Return the IDs of all matches if they are few, otherwise None."""
    if not (criteria.domain or criteria.domain_tag or criteria.event_tag):
        return None
    if event is not None and not event.complete and replace(criteria, event_tag=None) == RunFilter():
        return None
    total = None
    if _is_about_domains(criteria) and not are_few:
        total = partial(count_runs_of_domains, session, part=criteria.domain, tag=criteria.domain_tag)
    return few_ids(session, conditions, total=total)


def _try(
    session: Session, conditions: list[ColumnElement[bool]], event: MatchingOutcomes, sort: str, page_end: int
) -> list[str] | None:
    """Find the first matches among the first runs of the list, which have few outcomes; None if that is not enough."""
    for number in MAX_TRIED:
        if page_end > number:
            continue
        rows = session.execute(select_page(sort, conditions, limit=number, others=[Run.outcome_id.expression])).all()
        matching = count_entries(session, event.kinds, {row.outcome_id for row in rows if row.outcome_id is not None})
        found = [row.id for row in rows if row.outcome_id in matching]
        if len(found) >= page_end or len(rows) < number:
            return found[:page_end]
    return None


def _is_about_domains(criteria: RunFilter) -> bool:
    """Return whether only domains are filtered, so that their run counts give the total."""
    return replace(criteria, domain=None, domain_tag=None) == RunFilter()


def _count(session: Session, criteria: RunFilter, conditions: list[ColumnElement[bool]]) -> int:
    """Count the matches: from counters or sums if possible, otherwise from an index with a cached result."""
    if replace(criteria, batch_id=None, status=None, level=None, grade=None) == RunFilter():
        return _count_from_counters(session, criteria)
    if _is_about_domains(criteria):
        return count_runs_of_domains(session, part=criteria.domain, tag=criteria.domain_tag)
    counted = select(func.count()).select_from(Run).where(*conditions)
    return recent_total(
        session, ("runs", criteria), lambda: session.scalar(counted) or 0, examined=lambda: count_runs(session)
    )


def _count_from_counters(session: Session, criteria: RunFilter) -> int:
    key = None if criteria.batch_id is None else find_batch_key(session, criteria.batch_id)
    if criteria.batch_id is not None and key is None:
        return 0
    levels = None if criteria.level is None else (criteria.level,)
    return count_runs(session, batch_key=key, status=criteria.status, levels=levels, grade=criteria.grade)


class OutdatedScore(NamedTuple):
    """A run whose score follows an older rule."""

    key: int
    id: str
    score: int | None
    grade: str | None


def outdated_scores(session: Session, *, rule: int, after: int, limit: int) -> list[OutdatedScore]:
    """Return the first runs after a key whose scores follow a rule older than `rule`, ordered by key."""
    is_older = or_(Run.score_rule.is_(None), Run.score_rule < rule)
    found = select(Run.key, Run.id, Run.score, Run.grade).where(Run.key > after, Run.score.is_not(None), is_older)
    return [OutdatedScore(*row) for row in session.execute(found.order_by(Run.key).limit(limit))]


def set_score(
    session: Session,
    run_id: str,
    *,
    score: int | None,
    grade: str | None,
    rule: int | None = None,
    causes: Collection[str] | None = None,
) -> None:
    """Store a score and causes that were computed after the run; the domain of a newest run gets the score, too."""
    columns = (Run.batch_key, Run.status, Run.worst_level, Run.grade)
    was = session.execute(select(*columns).where(Run.id == run_id).with_for_update()).one_or_none()
    if was is None:
        return
    session.execute(update(Run).where(Run.id == run_id).values(score=score, grade=grade, score_rule=rule))
    if (cause_set_id := ensure_cause_set(session, causes)) is not None:
        session.execute(update(Run).where(Run.id == run_id).values(cause_set_id=cause_set_id))
    session.execute(update(Domain).where(Domain.latest_run_id == run_id).values(latest_score=score, latest_grade=grade))
    mark_stale(session, [was.batch_key])
    old = RunGroup(*was)
    if old.grade != grade:
        count_runs_in(session, {old: -1, old._replace(grade=grade): 1})


def count_verdicts(session: Session, batch_key: int | None) -> Mapping[str, int]:
    """Count the remaining runs of a batch by verdict; none if its jobs have no policy."""
    counted = select(Run.verdict, func.count()).where(Run.batch_key == batch_key, Run.verdict.is_not(None))
    return {verdict: number for verdict, number in session.execute(counted.group_by(Run.verdict)) if verdict}


def get_dnssec_chain(session: Session, run_id: str) -> Any | None:
    """Read the DNSSEC chain document of a run, or None. Raises RunNotFound, DocumentDamaged."""
    return read_stored_run(session, run_id).full_document.chain


def _conditions(session: Session, criteria: RunFilter) -> list[ColumnElement[bool]]:
    """Return all conditions except those on domains."""
    exact = {
        Run.domain: criteria.domain_exact and criteria.domain_exact.lower(),
        Run.domain_id: criteria.domain_id,
        Run.worst_level: criteria.level,
        Run.grade: criteria.grade,
        Run.verdict: criteria.verdict,
        Run.policy: criteria.policy,
    }
    found: list[ColumnElement[bool]] = [column == value for column, value in exact.items() if value is not None]
    if criteria.status is not None:
        found.append(has_status(criteria.status))
    if criteria.batch_id is not None:
        found.append(match_batch(session, criteria.batch_id))
    if criteria.cause is not None:
        found.append(runs_with(criteria.cause))
    if criteria.finished_after is not None:
        found.append(Run.finished_at > criteria.finished_after)
    if criteria.finished_before is not None:
        found.append(Run.finished_at < criteria.finished_before)
    if criteria.min_duration_ms is not None:
        found.append(Run.duration_ms >= criteria.min_duration_ms)
    if criteria.min_attempts is not None:
        found.append(attempted(Run, criteria.min_attempts))
    return found
