"""Runs: reading and listing them."""

from typing import Any

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.orm import Session, defer, joinedload

from gonemaster_db.errors import RunNotFound
from gonemaster_db.filters import RunFilter
from gonemaster_db.models import DnssecChain, Domain, DomainTag, Entry, Run
from gonemaster_db.records import Page
from gonemaster_db.repositories.domains import ids_of_names_with
from gonemaster_db.repositories.ordering import RUN_KEYS, RUN_SORT, sort_columns, sort_order


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
    """Page through runs. `sort` is a key of ordering.SORTS; `full` also reads profiles and timings."""
    conditions = _conditions(wanted)
    total = session.scalar(select(func.count()).select_from(Run).where(*conditions)) or 0
    query = select(Run).where(*conditions).order_by(*sort_order(sort_columns(RUN_KEYS, sort), sort))
    loading = joinedload(Run.effective_profile) if full else defer(Run.nameserver_timings)
    items = session.scalars(query.options(loading).limit(limit).offset(offset)).all()
    return Page(items, total, limit, offset)


def set_score(session: Session, run_id: str, *, score: int, grade: str) -> None:
    """Store a score that was computed after the run, and show it with the domain if this is its newest run."""
    session.execute(update(Run).where(Run.id == run_id).values(score=score, grade=grade))
    session.execute(update(Domain).where(Domain.latest_run_id == run_id).values(latest_score=score, latest_grade=grade))


def get_dnssec_chain(session: Session, run_id: str) -> Any | None:
    """Read the chain document that was stored with a run, if there is one."""
    return session.scalar(select(DnssecChain.chain).where(DnssecChain.run_id == run_id))


def has_dnssec_chain(session: Session, run_id: str) -> bool:
    """Say whether a chain document was stored with a run."""
    return session.scalar(select(DnssecChain.run_id).where(DnssecChain.run_id == run_id)) is not None


def _conditions(wanted: RunFilter) -> list[ColumnElement[bool]]:
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
        found.append(Run.domain_id.in_(ids_of_names_with(wanted.domain)))
    if wanted.finished_after is not None:
        found.append(Run.finished_at > wanted.finished_after)
    if wanted.finished_before is not None:
        found.append(Run.finished_at < wanted.finished_before)
    if wanted.domain_tag is not None:
        found.append(Run.domain_id.in_(select(DomainTag.domain_id).where(DomainTag.tag == wanted.domain_tag)))
    if wanted.event_tag is not None:
        found.append(Run.id.in_(select(Entry.run_id).where(Entry.tag == wanted.event_tag)))
    return found
