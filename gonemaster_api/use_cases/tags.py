"""Changes of domain tags that take more than one step."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy.orm import Session

from gonemaster_api.errors import BadRequest
from gonemaster_api.rest.tag_names import check_tag_name
from gonemaster_api.state import State
from gonemaster_api.use_cases.submission.jobs import read_names
from gonemaster_db.core.clock import utcnow
from gonemaster_db.core.filters import DomainFilter
from gonemaster_db.domains.domain_list import count_listed
from gonemaster_db.domains.domains import ensure_domains
from gonemaster_db.domains.run_domains import count_runs_of_domains
from gonemaster_db.domains.tags import (
    count_tag_domains,
    create_tag,
    delete_tag,
    describe_tag,
    get_tag,
    require_tag,
    set_default_profile,
    tag_domains,
    untag_domains,
)
from gonemaster_db.models import Operation, OperationKind
from gonemaster_db.service.audit import record_action
from gonemaster_engine.texts import Text, joined
from gonemaster_tasks.control import operations, tag_members
from gonemaster_tasks.maintenance.retention import purge_runs_of_tag


def make_tag(state: State, name: str, description: str) -> None:
    """Create a tag.

    Raises:
        BadRequest: missing_name, invalid_name.
        TagExists: a tag of this name exists.
    """
    now = utcnow()
    if not name:
        raise BadRequest("missing_name", Text("name is empty"))
    check_tag_name(name, code="invalid_name")
    state.store.run_in_transaction(lambda session: create_tag(session, name, description=description, now=now))


def change_description(state: State, name: str, description: str) -> None:
    """Set the description of a tag. Raises TagNotFound."""
    state.store.run_in_transaction(lambda session: describe_tag(session, name, description))


def add_domains_to_tag(state: State, name: str, texts: Sequence[Any]) -> None:
    """Add domains to a tag; create the domains and the tag if they do not exist.

    Raises:
        BadRequest: invalid_name, missing_domains, invalid_domain.
    """
    check_tag_name(name, code="invalid_name")
    names, now = _names(texts), utcnow()

    def add(session: Any) -> None:
        tag_domains(session, [name], ensure_domains(session, names, now=now).values(), now=now)

    state.store.run_in_transaction(add)


def remove_domains_from_tag(state: State, name: str, texts: Sequence[Any]) -> None:
    """Remove domains from a tag.

    Raises:
        BadRequest: missing_domains, invalid_domain.
        TagNotFound: no such tag.
    """
    names = _names(texts)

    def remove(session: Any) -> None:
        get_tag(session, name)
        untag_domains(session, name, names)

    state.store.run_in_transaction(remove)


def count_members(state: State, criteria: DomainFilter) -> int:
    """Count the matching domains of a tag. Raises TagNotFound."""
    with state.store.read_only() as session:
        require_tag(session, criteria.domain_tag or "")
        return count_listed(session, criteria)


def remove_members(state: State, criteria: DomainFilter, *, who: str) -> int | Operation:
    """Remove matching domains from their tag; return their number.

    Return an operation if there are more domains than one request may change. Raises TagNotFound.
    """
    total = count_members(state, criteria)
    if total > operations.MAX_ROWS_IN_REQUEST:
        kind, target, chosen = (
            OperationKind.UNTAG_DOMAINS,
            criteria.domain_tag or "",
            tag_members.parameters_of(criteria),
        )
        return operations.start_operation(
            state.queue, kind, target=target, total=total, who=who, parameters=chosen, details=chosen
        )
    return tag_members.remove_members(state.store, criteria, who=who)


def _names(texts: Sequence[Any]) -> list[str]:
    if not texts:
        raise BadRequest("missing_domains", Text("domains is empty"))
    checked = read_names(texts)
    if checked.invalid:
        first = checked.invalid[0]
        details = {"index": first.index, "domain": first.domain, "reason": first.reason}
        raise BadRequest(
            "invalid_domain",
            joined(": ", (repr(first.domain), first.reason)),
            details=details,
        )
    return list(checked.names)


def purge_tag(state: State, name: str, *, who: str) -> int | Operation:
    """Delete all runs of a tag's domains in short transactions; return their number. Raises TagNotFound.

    Return an operation if there are more runs than one request may delete.
    """
    with state.store.read_only() as session:
        get_tag(session, name)
        total = count_runs_of_domains(session, part=None, tag=name)
    if total > operations.MAX_ROWS_IN_REQUEST:
        return operations.start_operation(state.queue, OperationKind.PURGE_TAG, target=name, total=total, who=who)
    return purge_runs_of_tag(state.store, name, who=who)


def remove_tag(state: State, name: str, *, who: str) -> None:
    """Remove a tag and its memberships. Raises TagNotFound."""

    def remove(session: Session) -> None:
        details = {"domains": count_tag_domains(session, name)}
        delete_tag(session, name)
        record_action(session, "tag.delete", who=who, now=utcnow(), target=name, details=details)

    state.store.run_in_transaction(remove)


def set_tag_profile(state: State, name: str, profile_id: int | None, *, who: str) -> None:
    """Set or clear the default profile of a tag. Raises TagNotFound, ProfileNotFound."""

    def change(session: Session) -> None:
        set_default_profile(session, name, profile_id)
        details = {"profile_id": profile_id}
        record_action(session, "tag.profile", who=who, now=utcnow(), target=name, details=details)

    state.store.run_in_transaction(change)
