"""The list of domains."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from sqlalchemy import ColumnElement, delete, func, select
from sqlalchemy.orm import Session

from gonemaster_db.core.filters import DomainFilter
from gonemaster_db.core.recent_totals import recent_total
from gonemaster_db.core.records import Page
from gonemaster_db.domains.domain_walk import index_conditions, member_condition, sort_order, walk_domains
from gonemaster_db.domains.domains import find_named
from gonemaster_db.domains.tags import count_tag_domains
from gonemaster_db.models import Domain, DomainTag
from gonemaster_db.runs.causes import domains_with

DOMAIN_SORT = "name_asc"
SORTS = (
    "name_asc",
    "name_desc",
    "latest_level_desc",
    "latest_level_asc",
    "latest_score_desc",
    "latest_score_asc",
    "latest_run_at_desc",
    "latest_run_at_asc",
    "run_count_desc",
    "run_count_asc",
)
FEW = 1000
FEW_MEMBERS = 10_000


def list_domains(
    session: Session, criteria: DomainFilter, *, sort: str = DOMAIN_SORT, limit: int = 100, offset: int = 0
) -> Page[Domain]:
    """Return a page of domains; a domain that was never tested sorts before all tested domains by time."""
    # For a rare substring, walking a sorted index would read the whole index.
    if criteria.name and (named := find_named(session, criteria.name, maximum=FEW)) is not None:
        return _sorted(session, [Domain.id.in_(named), *_conditions(replace(criteria, name=None))], sort, limit, offset)
    total = _count(session, criteria)
    if offset >= total:
        return Page([], total, limit, offset)
    members = None if criteria.domain_tag is None else count_tag_domains(session, criteria.domain_tag)
    ids = None
    if criteria.cause is None and total > FEW and (members is None or members > FEW_MEMBERS):
        candidates = 0.0 if not members else (limit + offset) * _count(session, DomainFilter()) / members
        ids = walk_domains(
            session, criteria, sort, limit=limit, offset=offset, candidates=candidates, members=members or 0
        )
    if ids is None:
        found = select(Domain.id).where(*_conditions(criteria)).cte("found").prefix_with("MATERIALIZED")
        return _sorted(session, [Domain.id.in_(select(found.c.id))], sort, limit, offset, total=total)
    by_id = {domain.id: domain for domain in session.scalars(select(Domain).where(Domain.id.in_(ids)))}
    return Page([by_id[number] for number in ids if number in by_id], total, limit, offset)


def count_listed(session: Session, criteria: DomainFilter) -> int:
    """Count the domains that match a filter; a large count may be a few seconds old."""
    return _count(session, criteria)


def remove_from_tag(session: Session, criteria: DomainFilter, *, limit: int) -> int:
    """Remove up to `limit` matching domains from the tag of the filter; return their number.

    Call it until it returns 0, each time in a new transaction; see `purging`. The domains and their runs are not
    deleted.
    """
    some = select(Domain.id).where(*_conditions(criteria)).order_by(Domain.id).limit(limit)
    deletion = delete(DomainTag).where(
        DomainTag.tag == criteria.domain_tag, DomainTag.domain_id.in_(session.scalars(some).all())
    )
    options = {"synchronize_session": False}
    return len(session.scalars(deletion.returning(DomainTag.domain_id), execution_options=options).all())


def _sorted(
    session: Session,
    conditions: Sequence[ColumnElement[bool]],
    sort: str,
    limit: int,
    offset: int,
    *,
    total: int | None = None,
) -> Page[Domain]:
    """Sort a small number of domains in memory."""
    if total is None:
        total = session.scalar(select(func.count()).select_from(Domain).where(*conditions)) or 0
    query = select(Domain).where(*conditions).order_by(*sort_order(sort)).limit(limit).offset(offset)
    return Page(session.scalars(query).all(), total, limit, offset)


def _count(session: Session, criteria: DomainFilter) -> int:
    tag = criteria.domain_tag
    if tag is not None and replace(criteria, domain_tag=None) == DomainFilter():
        return count_tag_domains(session, tag)
    counted = select(func.count()).select_from(Domain).where(*_conditions(criteria))
    examined = partial(_examined, session, criteria)
    return recent_total(session, ("domains", criteria), lambda: session.scalar(counted) or 0, examined=examined)


def _examined(session: Session, criteria: DomainFilter) -> int:
    return 0 if criteria == DomainFilter() else _count(session, DomainFilter(domain_tag=criteria.domain_tag))


def _conditions(criteria: DomainFilter) -> list[ColumnElement[bool]]:
    found = index_conditions(criteria)
    if criteria.domain_tag is not None:
        found.append(member_condition(criteria.domain_tag))
    if criteria.cause is not None:
        found.append(domains_with(criteria.cause))
    if criteria.untagged:
        found.append(~select(DomainTag.tag).where(DomainTag.domain_id == Domain.id).exists())
    return found
