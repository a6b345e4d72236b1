"""Changes of domain tags that take more than one step."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy.orm import Session

from gonemaster_api.errors import BadRequest
from gonemaster_api.state import State
from gonemaster_api.use_cases.job_submission import read_names
from gonemaster_api.use_cases.tag_names import check_tag_name
from gonemaster_db.clock import utcnow
from gonemaster_db.repositories.audit import record_action
from gonemaster_db.repositories.domains import ensure_domains
from gonemaster_db.repositories.tags import (
    ListedTag,
    count_tag_domains,
    delete_tag,
    get_tag,
    set_default_profile,
    tag_domains,
    untag_domains,
)
from gonemaster_tasks.maintenance.retention import purge_runs_of_tag


def document(listed: ListedTag) -> dict[str, Any]:
    """Give a tag as the API shows it."""
    tag = listed.tag
    shown = {"name": tag.name, "description": tag.description, "created_at": tag.created_at}
    shown["domain_count"] = listed.domain_count
    return shown if tag.default_profile_id is None else shown | {"default_profile_id": tag.default_profile_id}


def add_domains(state: State, name: str, texts: Sequence[Any]) -> None:
    """Put domains into a tag; both are made where they do not exist.

    Raises:
        BadRequest: invalid_name, missing_domains, invalid_domain.
    """
    check_tag_name(name, code="invalid_name")
    names, now = _names(texts), utcnow()

    def add(session: Any) -> None:
        tag_domains(session, [name], ensure_domains(session, names, now=now).values(), now=now)

    state.store.run_in_transaction(add)


def remove_domains(state: State, name: str, texts: Sequence[Any]) -> None:
    """Take domains out of a tag.

    Raises:
        BadRequest: missing_domains, invalid_domain.
        TagNotFound: no such tag.
    """
    names = _names(texts)

    def remove(session: Any) -> None:
        get_tag(session, name)
        untag_domains(session, name, names)

    state.store.run_in_transaction(remove)


def _names(texts: Sequence[Any]) -> list[str]:
    if not texts:
        raise BadRequest("missing_domains", "domains is empty")
    checked = read_names(texts)
    if checked.invalid:
        first = checked.invalid[0]
        details = {"index": first.index, "domain": first.domain, "reason": first.reason}
        raise BadRequest("invalid_domain", f"{first.domain!r}: {first.reason}", details=details)
    return checked.names


def purge(state: State, name: str, *, who: str) -> int:
    """Remove all runs of a tag's domains, in short transactions; gives their number. Raises TagNotFound."""
    with state.store.read_only() as session:
        get_tag(session, name)
    return purge_runs_of_tag(state.store, state.broker, name, who=who)


def delete(state: State, name: str, *, who: str) -> None:
    """Remove a tag and its memberships. Raises TagNotFound."""

    def remove(session: Session) -> None:
        details = {"domains": count_tag_domains(session, name)}
        delete_tag(session, name)
        record_action(session, "tag.delete", who=who, now=utcnow(), target=name, details=details)

    state.store.run_in_transaction(remove)


def set_profile(state: State, name: str, profile_id: int | None, *, who: str) -> None:
    """Set or clear the default profile of a tag. Raises TagNotFound, ProfileNotFound."""

    def change(session: Session) -> None:
        set_default_profile(session, name, profile_id)
        details = {"profile_id": profile_id}
        record_action(session, "tag.profile", who=who, now=utcnow(), target=name, details=details)

    state.store.run_in_transaction(change)
