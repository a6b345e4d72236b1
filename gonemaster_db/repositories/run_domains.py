"""Lists of runs that are filtered by what their domains are: by a part of the name, by a tag."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import Session

from gonemaster_db.models import Domain, DomainTag, Run
from gonemaster_db.repositories.domains import has_part

_FEW = 1000


def name_condition(part: str, *, sort: str, batch_id: str | None) -> ColumnElement[bool]:
    """Choose the runs of domains whose name contains the part.

    Names of domains are fewer than those of runs; the indexes by domain and by batch hold the names of runs as well.
    """
    if batch_id is not None or sort.startswith("domain"):
        return has_part(Run.domain.expression, part)
    return Run.domain_id.in_(select(Domain.id).where(has_part(Domain.name.expression, part)))


def tag_condition(tag: str) -> ColumnElement[bool]:
    """Choose the runs of a tag's domains."""
    return Run.domain_id.in_(_members(tag))


def count_runs_of_domains(session: Session, *, part: str | None, tag: str | None) -> int:
    """Count the runs of the domains that match both, by the number that each domain has of its own."""
    query = select(func.coalesce(func.sum(Domain.run_count), 0))
    if part:
        query = query.where(has_part(Domain.name.expression, part))
    if tag is not None:
        query = query.where(Domain.id.in_(_members(tag)))
    return session.scalar(query) or 0


def few_ids(session: Session, conditions: Sequence[ColumnElement[bool]]) -> Sequence[str] | None:
    """List the ids of the runs that match; None if they are many.

    With few, one pass gives number and page, and no order is walked in vain.
    """
    ids = session.scalars(select(Run.id).where(*conditions).limit(_FEW + 1)).all()
    return ids if len(ids) <= _FEW else None


def _members(tag: str) -> "Select[int]":
    return select(DomainTag.domain_id).where(DomainTag.tag == tag)
