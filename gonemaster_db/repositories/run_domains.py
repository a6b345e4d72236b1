"""Filters of runs by their domains: a substring of the name, a tag."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import Session

from gonemaster_db.models import Domain, DomainTag, Run
from gonemaster_db.repositories.domains import contains_name

_MAX_FEW = 1000


def name_condition(part: str, *, sort: str, batch_id: str | None) -> ColumnElement[bool]:
    """Match runs of domains whose name contains the part.

    A scan of domains reads each name once, not once per run. The indexes by domain and by batch hold the name of each
    run, so there a condition on the run itself saves the join.
    """
    if batch_id is not None or sort.startswith("domain"):
        return contains_name(Run.domain.expression, part)
    return Run.domain_id.in_(select(Domain.id).where(contains_name(Domain.name.expression, part)))


def tag_condition(tag: str) -> ColumnElement[bool]:
    """Match the runs of a tag's domains."""
    return Run.domain_id.in_(_members(tag))


def count_runs_of_domains(session: Session, *, part: str | None, tag: str | None) -> int:
    """Count the runs of the domains that match both; sums Domain.run_count and reads no run."""
    query = select(func.coalesce(func.sum(Domain.run_count), 0))
    if part:
        query = query.where(contains_name(Domain.name.expression, part))
    if tag is not None:
        query = query.where(Domain.id.in_(_members(tag)))
    return session.scalar(query) or 0


def few_ids(session: Session, conditions: Sequence[ColumnElement[bool]]) -> Sequence[str] | None:
    """Return the ids of the matching runs; None if there are more than 1,000.

    A rare match in an index walked in sort order costs the whole index. With a short list of ids the page is sorted in
    memory instead, and the list gives the count as well.
    """
    ids = session.scalars(select(Run.id).where(*conditions).limit(_MAX_FEW + 1)).all()
    return ids if len(ids) <= _MAX_FEW else None


def _members(tag: str) -> "Select[int]":
    return select(DomainTag.domain_id).where(DomainTag.tag == tag)
