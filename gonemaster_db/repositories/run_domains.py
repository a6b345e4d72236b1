"""Filters of runs by their domains: a substring of the name, a tag.

Few domains are read first, and their numbers are compared within the index that a list is walked in. Of many, each run
that the walk comes to is looked up, and the page is full after a few of them; for a long walk they are read as well.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, func, literal, or_, select, text
from sqlalchemy.orm import Session

from gonemaster_db.models import Domain, DomainTag, Run
from gonemaster_db.repositories.domains import contains_name

_FEW_RUNS = 1000
_FEW_DOMAINS = 10_000
DEEP = 5000  # items before the end of a page, from which on each is too dear to be looked up


def name_condition(session: Session, part: str, *, sort: str, deep: bool = False) -> ColumnElement[bool]:
    """Match runs of domains whose name contains the part; `deep`: the list is walked a long way."""
    ids = select(Domain.id).where(_has_part(part))
    if (few := _few_domains(session, ids)) is not None:
        return few
    if sort.startswith(("domain", "batch")):  # the index has the names
        return contains_name(Run.domain.expression, part)
    return _hashed(ids) if deep else _looked_up(select(literal(1)).where(Domain.id == Run.domain_id, _has_part(part)))


def tag_condition(session: Session, tag: str, *, sort: str, deep: bool = False) -> ColumnElement[bool]:
    """Match the runs of a tag's domains; `deep`: the list is walked a long way."""
    if (few := _few_domains(session, _members(tag))) is not None:
        return few
    if deep or sort.startswith("domain"):  # the first names need not be in the tag
        return _hashed(_members(tag))
    return _looked_up(select(literal(1)).where(DomainTag.domain_id == Run.domain_id, DomainTag.tag == tag))


def count_runs_of_domains(session: Session, *, part: str | None, tag: str | None) -> int:
    """Count the runs of the domains that match both; sums Domain.run_count and reads no run."""
    query = select(func.coalesce(func.sum(Domain.run_count), 0))
    if part:
        query = query.where(_has_part(part))
    if tag is not None:
        query = query.where(Domain.id.in_(_members(tag)))
    return session.scalar(query) or 0


def few_ids(session: Session, conditions: Sequence[ColumnElement[bool]]) -> Sequence[str] | None:
    """Return the ids of the matching runs; None if there are more than 1,000.

    A rare match in an index walked in sort order costs the whole index. With a short list of ids the page is sorted in
    memory instead, and the list gives the count as well.
    """
    ids = session.scalars(select(Run.id).where(*conditions).limit(_FEW_RUNS + 1)).all()
    return ids if len(ids) <= _FEW_RUNS else None


def _has_part(part: str) -> ColumnElement[bool]:
    return contains_name(Domain.name.expression, part)


def _members(tag: str) -> "Select[int]":
    return select(DomainTag.domain_id).where(DomainTag.tag == tag)


def _few_domains(session: Session, ids: "Select[int]") -> ColumnElement[bool] | None:
    """Match the runs of these domains by number; None if there are more than 10,000."""
    few = session.scalars(ids.limit(_FEW_DOMAINS + 1)).all()
    return Run.domain_id.in_(few) if len(few) <= _FEW_DOMAINS else None


def _hashed(ids: "Select[int]") -> ColumnElement[bool]:
    """Match the runs of many domains by a hash of their numbers: PostgreSQL would join, but cannot see through OR."""
    return or_(Run.domain_id.in_(ids), text("1 = 0"))


def _looked_up(found: "Select[Any]") -> ColumnElement[bool]:
    """Match runs for which a row is found; as a scalar, so that PostgreSQL does not turn it into a join of all."""
    return found.correlate(Run).limit(1).scalar_subquery().is_not(None)
