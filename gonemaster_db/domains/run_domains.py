"""Filters of runs by domain: a substring of the name, or a tag.

A small number of domains is read first, and their IDs are compared within the index of the sorted list. If there are
many, the domain of each run in the walk is looked up, because the page is full after a few runs. If the walk is long,
the domains are read nevertheless.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, func, literal, or_, select, text
from sqlalchemy.orm import Session

from gonemaster_db.core.recent_totals import recent_total
from gonemaster_db.domains.domains import contains_name, find_named
from gonemaster_db.domains.tags import count_tag_domains
from gonemaster_db.models import Domain, DomainTag, Run
from gonemaster_db.runs.counters import count_runs

FEW_RUNS = 1000
FEW_DOMAINS = 10_000
LONG_WALK = 40_000  # Runs of a walk, above which reading many domains is faster than looking up each run.
SOON_READ = 50_000  # number of domains that are read quickly
_DOMAIN_ID = Run.domain_id.expression
SMALL_BATCH = 50_000  # Runs whose names are compared faster than many domains are read.


@dataclass(frozen=True, slots=True)
class DomainCondition:
    """A condition on the domains of runs; `few` is set if the domains were read and number at most FEW_DOMAINS."""

    condition: ColumnElement[bool]
    few: bool


def name_condition(session: Session, part: str, *, sort: str, page_end: int, batch_key: int | None) -> DomainCondition:
    """Match runs of domains whose name contains `part`; `page_end` is the number of matches that the page needs."""
    if batch_key is not None and _is_small(session, batch_key):
        return DomainCondition(has_part(part), few=False)
    if (few := find_named(session, part, maximum=FEW_DOMAINS)) is not None:
        return DomainCondition(_DOMAIN_ID.in_(few), few=True)
    if sort.startswith(("domain", "batch")):  # The index contains the names.
        return DomainCondition(has_part(part), few=False)
    if _is_long(session, page_end, part=part, tag=None):
        return DomainCondition(_hashed(_DOMAIN_ID, select(Domain.id).where(_has_part(part))), few=False)
    named = select(literal(1)).where(Domain.id == Run.domain_id, _has_part(part)).correlate(Run)
    return DomainCondition(_looked_up(named), few=False)


def has_part(part: str) -> ColumnElement[bool]:
    """Match runs by their own copy of the domain, which some indexes have."""
    return contains_name(Run.domain.expression, part)


def tag_condition(session: Session, tag: str, *, sort: str, page_end: int) -> DomainCondition:
    """Match the runs of a tag's domains; `page_end` is the number of matches that the page needs."""
    if (few := _few_domains(session, _members(tag))) is not None:
        return DomainCondition(_DOMAIN_ID.in_(few), few=True)
    # In order of name the matches may all be late in the index.
    if sort.startswith("domain") or _is_long(session, page_end, part=None, tag=tag):
        return DomainCondition(_hashed(_DOMAIN_ID, _members(tag)), few=False)
    return DomainCondition(_is_member(_DOMAIN_ID, tag), few=False)


@dataclass(frozen=True, slots=True)
class TagMembers:
    """The domains of a tag: their IDs if they are few, otherwise their number."""

    tag: str
    few: Sequence[int] | None
    number: int

    def condition(self, row_count: int, domain_id: ColumnElement[Any]) -> ColumnElement[bool]:
        """Match the domains by a column; the page needs `row_count` rows in an order unrelated to the tag."""
        if self.few is not None:
            return domain_id.in_(self.few)
        if row_count > LONG_WALK // 2 or self.number <= SOON_READ:
            return _hashed(domain_id, _members(self.tag))
        return _is_member(domain_id, self.tag)


def domains_of_tag(session: Session, tag: str) -> TagMembers:
    """Determine the domains of a tag, or their number if they are many."""
    few = _few_domains(session, _members(tag))
    return TagMembers(tag, few, 0 if few is not None else count_tag_domains(session, tag))


def count_runs_of_domains(session: Session, *, part: str | None, tag: str | None) -> int:
    """Count the runs of the domains that match both filters; sums `Domain.run_count` and reads no runs."""
    query = select(func.coalesce(func.sum(Domain.run_count), 0))
    if part:
        query = query.where(_has_part(part))
    if tag is not None:
        query = query.where(Domain.id.in_(_members(tag)))
    key = ("runs of domains", part, tag)
    return recent_total(session, key, lambda: session.scalar(query) or 0, examined=lambda: count_runs(session))


def few_ids(
    session: Session, conditions: Sequence[ColumnElement[bool]], *, total: Callable[[], int] | None = None
) -> Sequence[str] | None:
    """Return the IDs of the matching runs, or None if there are more than FEW_RUNS; `total` may show that beforehand.

    To find rare matches in sort order, the database would read the whole index. With a short list of IDs the page is
    sorted in memory instead, and the length of the list is the total.
    """
    if total is not None and total() > FEW_RUNS:
        return None
    ids = session.scalars(select(Run.id).where(*conditions).limit(FEW_RUNS + 1)).all()
    return ids if len(ids) <= FEW_RUNS else None


def _is_small(session: Session, batch_key: int) -> bool:
    return count_runs(session, batch_key=batch_key) <= SMALL_BATCH


def _is_long(session: Session, page_end: int, *, part: str | None, tag: str | None) -> bool:
    """Return whether a page needs a long walk, if the matches are spread evenly."""
    matching = count_runs_of_domains(session, part=part, tag=tag)
    return page_end * count_runs(session) > LONG_WALK * matching


def _has_part(part: str) -> ColumnElement[bool]:
    return contains_name(Domain.name.expression, part)


def _members(tag: str) -> "Select[int]":
    return select(DomainTag.domain_id).where(DomainTag.tag == tag)


def _is_member(domain_id: ColumnElement[Any], tag: str) -> ColumnElement[bool]:
    return _looked_up(
        select(literal(1)).where(DomainTag.domain_id == domain_id, DomainTag.tag == tag).correlate_except(DomainTag)
    )


def _few_domains(session: Session, ids: "Select[int]") -> Sequence[int] | None:
    """Return the IDs of domains, or None if there are more than FEW_DOMAINS."""
    few = session.scalars(ids.limit(FEW_DOMAINS + 1)).all()
    return few if len(few) <= FEW_DOMAINS else None


def _hashed(domain_id: ColumnElement[Any], ids: "Select[int]") -> ColumnElement[bool]:
    """Match many domains with a hash of their IDs; the OR keeps PostgreSQL from turning the condition into a join."""
    return or_(domain_id.in_(ids), text("1 = 0"))


def _looked_up(found: "Select[Any]") -> ColumnElement[bool]:
    """Match rows for which `found` has a row; a scalar subquery, so that PostgreSQL does not join all rows."""
    return found.limit(1).scalar_subquery().is_not(None)
