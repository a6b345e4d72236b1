"""Removal of domains: one domain without runs, or all domains that have neither runs nor jobs."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, delete, func, select
from sqlalchemy.orm import Session

from gonemaster_db.core.errors import DomainInUse, DomainNotFound, StoreConflict
from gonemaster_db.domains.domain_walk import member_condition
from gonemaster_db.models import Domain, DomainRunCount, Job, Run
from gonemaster_db.service.cds_decisions import forget_decisions
from gonemaster_db.service.observed_zones import forget_zones

_NO_SYNC = {"synchronize_session": False}


def check_domain_unused(session: Session, domain_id: int) -> Domain:
    """Return a domain that has no unfinished job.

    Raises: DomainNotFound: The domain does not exist. DomainInUse: The domain has a waiting or running job.
    """
    return _unused(session, select(Domain).where(Domain.id == domain_id), domain_id)


def remove_domain(session: Session, domain_id: int) -> str:
    """Remove a domain without runs, its tag memberships and the decisions about its DS records; return its name.

    Raises: DomainNotFound: The domain does not exist. DomainInUse: The domain has a waiting or running job.
    StoreConflict: A run of the domain has just finished; purge its runs again.
    """
    # The domain is locked before its jobs are read: a job that is graduating waits for the lock of its foreign key, so
    # its row still exists.
    domain = _unused(session, select(Domain).where(Domain.id == domain_id).with_for_update(), domain_id)
    name = domain.name
    if session.scalar(select(Run.id).where(Run.domain_id == domain_id).limit(1)) is not None:
        raise StoreConflict(f"a run of {name} has just finished")
    _remove(session, [domain_id])
    forget_zones(session, [name])
    forget_decisions(session, [name])
    return name


def count_prunable(session: Session, *, tag: str | None) -> int:
    """Count the domains that have neither runs nor unfinished jobs, optionally of one tag."""
    return session.scalar(select(func.count()).select_from(Domain).where(*_prunable(tag))) or 0


def prune_domains(session: Session, *, tag: str | None, limit: int) -> int:
    """Remove up to `limit` domains that have neither runs nor unfinished jobs; return their number.

    Call it until it returns 0, each time in a new transaction; see `purging`.
    """
    some = select(Domain.id).where(*_prunable(tag)).order_by(Domain.id).limit(limit).with_for_update(skip_locked=True)
    ids = session.scalars(some).all()
    _remove(session, ids)
    return len(ids)


def _remove(session: Session, ids: Sequence[int]) -> None:
    session.execute(delete(DomainRunCount).where(DomainRunCount.domain_id.in_(ids)), execution_options=_NO_SYNC)
    session.execute(delete(Domain).where(Domain.id.in_(ids)), execution_options=_NO_SYNC)


def _unused(session: Session, query: Any, domain_id: int) -> Domain:
    domain: Domain | None = session.scalar(query, execution_options={"populate_existing": True})
    if domain is None:
        raise DomainNotFound(domain_id)
    if session.scalar(select(Job.id).where(Job.domain == domain.name).limit(1)) is not None:
        raise DomainInUse(domain.name)
    return domain


def _prunable(tag: str | None) -> list[ColumnElement[bool]]:
    # NOT IN is evaluated with a hash table: jobs have no index on domain.
    has_run = select(Run.id).where(Run.domain_id == Domain.id).exists()
    found = [Domain.run_count == 0, ~has_run, Domain.name.not_in(select(Job.domain))]
    return found if tag is None else [*found, member_condition(tag)]
