"""Stored policies: store, change and delete; every change has an audit record."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from sqlalchemy.orm import Session

from gonemaster_api.errors import BadRequest, Conflict, NotFound
from gonemaster_api.queries.policies.documents import ListedPolicy, checked_policy, listed
from gonemaster_api.rest.document_errors import refusal
from gonemaster_api.rest.plain_text import HIDING
from gonemaster_api.state import State
from gonemaster_db.core.clock import utcnow
from gonemaster_db.core.errors import PolicyChanged, PolicyExists, PolicyNotFound
from gonemaster_db.domains import policies as rows
from gonemaster_db.models import StoredPolicy
from gonemaster_db.service.audit import record_action
from gonemaster_engine.errors import ProfileError
from gonemaster_engine.policies.policy import Policy, names
from gonemaster_engine.profile.callers import checked_of_caller
from gonemaster_engine.texts import Text, text_of
from gonemaster_tasks.config.profiles import caller_limits
from gonemaster_tasks.control.policies.stored import document_to_store

T = TypeVar("T")


def validate_policy(state: State, document: Any) -> Policy:
    """Return the policy in a document that may be stored.

    Raises:
        BadRequest: invalid_policy; the details list all problems.
    """
    policy = checked_policy(document)
    for text in (policy.description, *(suite.description for suite in policy.suites)):
        if HIDING.search(text):
            raise BadRequest("invalid_policy", Text("description: must not contain characters that hide text"))
    try:
        checked_of_caller(policy.profile, caller_limits(state.settings))
    except ProfileError as error:
        problems = [(f"profile.{path}" if path else "profile", reason) for path, reason in error.problems]
        (path, reason), *others = problems
        raise refusal("invalid_policy", ProfileError(path, reason, others)) from error
    return policy


def store_policy(state: State, document: Any, *, who: str) -> ListedPolicy:
    """Store the first version of a policy.

    Raises:
        BadRequest: invalid_policy.
        PolicyExists: the name is taken, also by a bundled policy.
    """
    policy, now = validate_policy(state, document), utcnow()
    if policy.name in names():
        raise PolicyExists(policy.name)

    def store(session: Session) -> ListedPolicy:
        row = rows.create_policy(session, policy.name, document_to_store(policy), who=who, now=now)
        _note(session, "policy.create", row, who=who)
        return listed(row)

    return _changed(state, store, policy.name)


def replace_policy(
    state: State, name: str, document: Mapping[str, Any], *, after: str | None = None, who: str
) -> ListedPolicy:
    """Store a new version of a policy; without changes the current version remains.

    Raises:
        BadRequest: invalid_policy; also if the document has another name.
        Conflict: policy_bundled; policy_changed if the current version is not `after`.
        NotFound: no such policy.
    """
    refuse_bundled(name)
    policy, now = validate_policy(state, document), utcnow()
    if policy.name != name:
        raise BadRequest("invalid_policy", Text("name: must be {name}, as in the URL", name=repr(name)))
    number = int(after) if after is not None and after.isascii() and after.isdigit() else None

    def change(session: Session) -> ListedPolicy:
        before = rows.get_policy(session, name)
        row = rows.add_policy_version(
            session, name, document_to_store(policy), after=number if after is not None else None, who=who, now=now
        )
        if row.version != before.version:
            _note(session, "policy.update", row, who=who)
        return listed(row)

    return _changed(state, change, name)


def delete_policy(state: State, name: str, *, who: str) -> None:
    """Remove a policy. Its versions remain readable for the runs that refer to them, and waiting jobs still use it.

    Raises:
        Conflict: policy_bundled.
        NotFound: no such policy.
    """
    refuse_bundled(name)

    def remove(session: Session) -> None:
        _note(session, "policy.delete", rows.remove_policy(session, name, now=utcnow()), who=who)

    _changed(state, remove, name)


def refuse_bundled(name: str) -> None:
    """Raise Conflict, policy_bundled, for the name of a bundled policy."""
    if name in names():
        text = Text("{name} is a bundled policy; store a copy with another name", name=repr(name))
        raise Conflict("policy_bundled", text)


def _changed(state: State, work: Callable[[Session], T], name: str) -> T:
    try:
        return state.store.run_in_transaction(work)
    except PolicyNotFound as error:
        raise NotFound("policy", name) from error
    except PolicyChanged as error:
        raise Conflict("policy_changed", text_of(error), details={"version": str(error.version)}) from error


def _note(session: Session, action: str, row: StoredPolicy, *, who: str) -> None:
    record_action(session, action, who=who, now=utcnow(), target=row.name, details={"version": row.version})
