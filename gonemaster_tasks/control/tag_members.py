"""Removal of all domains of a tag that match a filter, in short transactions."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy.orm import Session

from gonemaster_db.core.clock import utcnow
from gonemaster_db.core.filters import DomainFilter
from gonemaster_db.core.purging import Step, purge_in_steps
from gonemaster_db.core.session import Store
from gonemaster_db.domains.domain_list import remove_from_tag
from gonemaster_db.service.audit import LongAction

ACTION = "tag.untag"


def parameters_of(criteria: DomainFilter) -> dict[str, Any]:
    """Return the filter within a tag as JSON, for operations and the audit log."""
    chosen = {"name": criteria.name, "level": criteria.level, "min_level": criteria.min_level}
    return {name: value for name, value in chosen.items() if value is not None}


def filter_of(tag: str, parameters: Mapping[str, Any]) -> DomainFilter:
    """Return the filter from the parameters of an operation."""
    return replace(DomainFilter(domain_tag=tag), **parameters)


def removal(criteria: DomainFilter, action: LongAction) -> Step:
    """Return the step that removes some of the domains from their tag and counts them in the audit log."""

    def step(session: Session, size: int) -> int:
        removed = remove_from_tag(session, criteria, limit=size)
        if removed:
            action.add(session, removed, now=utcnow())
        return removed

    return step


def remove_members(store: Store, criteria: DomainFilter, *, who: str) -> int:
    """Remove all matching domains from their tag; return their number."""
    action = LongAction(ACTION, who=who, target=criteria.domain_tag or "", details=parameters_of(criteria))
    return sum(purge_in_steps(store, removal(criteria, action)))
