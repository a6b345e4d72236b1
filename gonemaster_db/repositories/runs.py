"""Runs: lookup and lists."""

from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.orm import Session, defer, joinedload

from gonemaster_db.errors import RunNotFound
from gonemaster_db.filters import RunFilter
from gonemaster_db.models import DnssecChain, Domain, Entry, Run
from gonemaster_db.records import Page
from gonemaster_db.repositories.run_domains import count_runs_of_domains, few_ids, name_condition, tag_condition
from gonemaster_db.repositories.sort_keys import RUN_KEYS, RUN_SORT, sort_columns, sort_order


def get_run(session: Session, run_id: str) -> Run:
    """Read a run with its effective profile. Raises RunNotFound."""
    query = select(Run).options(joinedload(Run.effective_profile)).where(Run.id == run_id)
    run = session.scalar(query, execution_options={"populate_existing": True})
    if run is None:
        raise RunNotFound(run_id)
    return run


def list_runs(
    session: Session, wanted: RunFilter, *, sort: str = RUN_SORT, limit: int = 100, offset: int = 0, full: bool = False
) -> Page[Run]:
    """Page through runs. `sort` is a key of sort_keys.SORTS; `full` also reads profiles and timings."""
    conditions = _conditions(wanted, sort)
    ids = few_ids(session, conditions) if wanted.domain and wanted.batch_id else None
    if ids is not None:
        conditions = [Run.id.in_(ids)]
    total = len(ids) if ids is not None else _count(session, wanted, conditions)
    if not total:
        return Page([], 0, limit, offset)
    keys = sort_columns(RUN_KEYS, sort)
    # A deferred join: the ids of the page come from a covering index alone, and only its rows are read from the table.
    page = select(*keys).where(*conditions).order_by(*sort_order(keys, sort)).limit(limit).offset(offset).subquery()
    query = select(Run).join(page, page.c.id == Run.id).order_by(*sort_order(list(page.c), sort))
    loading = joinedload(Run.effective_profile) if full else defer(Run.nameserver_timings)
    return Page(session.scalars(query.options(loading)).all(), total, limit, offset)


def _count(session: Session, wanted: RunFilter, conditions: list[ColumnElement[bool]]) -> int:
    """Count the matches; for a single filter on domains or tags without reading runs."""
    if (wanted.domain or wanted.domain_tag) and replace(wanted, domain=None, domain_tag=None) == RunFilter():
        return count_runs_of_domains(session, part=wanted.domain, tag=wanted.domain_tag)
    if wanted.event_tag is not None and replace(wanted, event_tag=None) == RunFilter():
        tagged = select(Entry.run_id).where(Entry.tag == wanted.event_tag).distinct().subquery()
        return session.scalar(select(func.count()).select_from(tagged)) or 0
    return session.scalar(select(func.count()).select_from(Run).where(*conditions)) or 0


def set_score(session: Session, run_id: str, *, score: int, grade: str) -> None:
    """Store a score that was computed after the run, also in the domain if this is its newest run."""
    session.execute(update(Run).where(Run.id == run_id).values(score=score, grade=grade))
    session.execute(update(Domain).where(Domain.latest_run_id == run_id).values(latest_score=score, latest_grade=grade))


def get_dnssec_chain(session: Session, run_id: str) -> Any | None:
    """Read the DNSSEC chain document of a run, if it has one."""
    return session.scalar(select(DnssecChain.chain).where(DnssecChain.run_id == run_id))


def has_dnssec_chain(session: Session, run_id: str) -> bool:
    """Return whether a run has a DNSSEC chain document."""
    return session.scalar(select(DnssecChain.run_id).where(DnssecChain.run_id == run_id)) is not None


def _conditions(wanted: RunFilter, sort: str) -> list[ColumnElement[bool]]:
    exact = {
        Run.domain: wanted.domain_exact and wanted.domain_exact.lower(),
        Run.domain_id: wanted.domain_id,
        Run.batch_id: wanted.batch_id,
        Run.status: wanted.status,
        Run.worst_level: wanted.level,
        Run.grade: wanted.grade,
    }
    found: list[ColumnElement[bool]] = [column == value for column, value in exact.items() if value is not None]
    if wanted.domain:
        found.append(name_condition(wanted.domain, sort=sort, batch_id=wanted.batch_id))
    if wanted.finished_after is not None:
        found.append(Run.finished_at > wanted.finished_after)
    if wanted.finished_before is not None:
        found.append(Run.finished_at < wanted.finished_before)
    if wanted.domain_tag is not None:
        found.append(tag_condition(wanted.domain_tag))
    if wanted.event_tag is not None:
        found.append(Run.id.in_(select(Entry.run_id).where(Entry.tag == wanted.event_tag)))
    return found
