"""The list of domains."""

from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from gonemaster_db.filters import DomainFilter
from gonemaster_db.levels import SEVERITIES
from gonemaster_db.models import Domain, DomainTag
from gonemaster_db.recent_totals import recent_total
from gonemaster_db.records import Page
from gonemaster_db.repositories.tags import count_tag_domains

DOMAIN_SORT = "name_asc"
_NAME = Domain.name.asc()
SORTS: dict[str, tuple[ColumnElement[Any], ...]] = {
    "name_asc": (_NAME,),
    "name_desc": (Domain.name.desc(),),
    "latest_level_desc": (Domain.latest_rank.desc(), _NAME),
    "latest_level_asc": (Domain.latest_rank.asc(), _NAME),
    "latest_score_desc": (Domain.latest_score.desc().nulls_last(), _NAME),
    "latest_score_asc": (Domain.latest_score.asc().nulls_last(), _NAME),
    "latest_run_at_desc": (Domain.latest_run_at.desc().nulls_last(), _NAME),
    "latest_run_at_asc": (Domain.latest_run_at.asc().nulls_first(), _NAME),
    "run_count_desc": (Domain.run_count.desc(), _NAME),
    "run_count_asc": (Domain.run_count.asc(), _NAME),
}


def list_domains(
    session: Session, wanted: DomainFilter, *, sort: str = DOMAIN_SORT, limit: int = 100, offset: int = 0
) -> Page[Domain]:
    """Page through domains; a domain that was never tested sorts as tested before all others."""
    conditions = _conditions(wanted)
    if wanted.untagged:
        return _materialized(session, conditions, sort, limit, offset)
    total = _count(session, wanted, conditions)
    query = select(Domain).where(*conditions).order_by(*SORTS[sort]).limit(limit).offset(offset)
    return Page(session.scalars(query).all(), total, limit, offset)


def _count(session: Session, wanted: DomainFilter, conditions: list[ColumnElement[bool]]) -> int:
    if (tag := wanted.domain_tag) is not None and replace(wanted, domain_tag=None) == DomainFilter():
        return recent_total(session, ("domains", wanted), lambda: count_tag_domains(session, tag))
    counted = select(func.count()).select_from(Domain).where(*conditions)
    return recent_total(session, ("domains", wanted), lambda: session.scalar(counted) or 0)


def _materialized(
    session: Session, conditions: list[ColumnElement[bool]], sort: str, limit: int, offset: int
) -> Page[Domain]:
    """Find the matches once, for both count and page.

    Left to themselves, planners walk the index of the sort order and probe domain_tags for each domain, twice.
    """
    found = select(Domain.id).where(*conditions).cte("found").prefix_with("MATERIALIZED")
    total = select(func.count()).select_from(found).scalar_subquery()
    query = select(Domain, total).where(Domain.id.in_(select(found.c.id))).order_by(*SORTS[sort])
    rows = session.execute(query.limit(limit).offset(offset)).all()
    number = rows[0][1] if rows else session.scalar(select(total))
    return Page([domain for domain, _ in rows], number or 0, limit, offset)


def _conditions(wanted: DomainFilter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wanted.domain_tag is not None:
        found.append(Domain.id.in_(select(DomainTag.domain_id).where(DomainTag.tag == wanted.domain_tag)))
    if wanted.untagged:
        found.append(~select(DomainTag.tag).where(DomainTag.domain_id == Domain.id).exists())
    if wanted.name:
        found.append(Domain.name.contains(wanted.name.lower(), autoescape=True))
    if wanted.level is not None:
        found.append(Domain.latest_level == wanted.level)
    if wanted.min_level is not None:
        found.append(Domain.latest_rank >= SEVERITIES.index(wanted.min_level) + 1)
    return found
