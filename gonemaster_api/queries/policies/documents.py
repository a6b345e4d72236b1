"""Policies as documents: bundled and stored ones, their versions, and differences."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from gonemaster_api.errors import BadRequest, NotFound
from gonemaster_api.rest.document_errors import refusal
from gonemaster_api.state import State
from gonemaster_db.core.errors import PolicyNotFound
from gonemaster_db.domains.policies import get_policy, list_policies, list_policy_versions
from gonemaster_db.models import StoredPolicy
from gonemaster_engine.errors import PolicyError
from gonemaster_engine.policies.diff import PolicyDifference, diff_policies
from gonemaster_engine.policies.policy import Policy, load, names
from gonemaster_engine.texts import Text, text_of
from gonemaster_tasks.control.policies.stored import find_policy, policy_of_row, read_policy_version


@dataclass(frozen=True)
class ListedPolicy:
    """A version of a policy; a bundled one has no time. `policy` is None if this engine rejects it, see `error`."""

    name: str
    version: str
    document: Mapping[str, Any]
    policy: Policy | None
    error: str = ""
    is_bundled: bool = False
    created_at: datetime | None = None
    created_by: str = ""

    @property
    def description(self) -> str:
        """The description."""
        return str(self.document.get("description", ""))

    @property
    def suites(self) -> list[str]:
        """The names of the suites."""
        return [str(suite["name"]) for suite in self.document.get("suites", ())]


def bundled_policy(name: str) -> ListedPolicy:
    """Return a bundled policy."""
    policy = load(name)
    return ListedPolicy(name, policy.version, policy.as_dict(), policy, is_bundled=True)


def listed(row: StoredPolicy) -> ListedPolicy:
    """Return a stored version, with the reason if this engine rejects it."""
    policy, error = None, ""
    try:
        policy = policy_of_row(row)
    except PolicyError as problem:
        error = text_of(problem)
    document = {"name": row.name, "version": str(row.version), **row.document}
    return ListedPolicy(
        row.name, str(row.version), document, policy, error, created_at=row.created_at, created_by=row.created_by
    )


def read_policies(state: State) -> list[ListedPolicy]:
    """Return the bundled policies, then the current versions of the stored ones by name."""
    with state.store.read_only() as session:
        return [*map(bundled_policy, names()), *map(listed, list_policies(session))]


def policy_names(state: State) -> list[str]:
    """Return the names of the bundled policies, then those of the stored ones."""
    with state.store.read_only() as session:
        return [*names(), *(row.name for row in list_policies(session))]


def read_policy(state: State, name: str) -> ListedPolicy:
    """Return the current version of a policy. Raises NotFound."""
    if name in names():
        return bundled_policy(name)
    try:
        with state.store.read_only() as session:
            return listed(get_policy(session, name))
    except PolicyNotFound as error:
        raise NotFound("policy", name) from error


def read_versions(state: State, name: str) -> list[ListedPolicy]:
    """Return the versions of a policy, newest first; a bundled one has one. Raises NotFound."""
    if name in names():
        return [bundled_policy(name)]
    try:
        with state.store.read_only() as session:
            return [listed(row) for row in list_policy_versions(session, name)]
    except PolicyNotFound as error:
        raise NotFound("policy", name) from error


def read_version(state: State, name: str, version: str) -> ListedPolicy:
    """Return a version of a policy, also of a removed one. Raises NotFound."""
    if name in names():
        found = bundled_policy(name)
        if found.version == version:
            return found
        raise NotFound("policy", f"{name} version {version}")
    try:
        with state.store.read_only() as session:
            return listed(get_policy(session, name, _number(version)))
    except PolicyNotFound as error:
        raise NotFound("policy", f"{name} version {version}") from error


def _number(version: str) -> int:
    return int(version) if version.isascii() and version.isdigit() and len(version) < 10 else 0


def checked_policy(document: Any) -> Policy:
    """Return the policy in a document.

    Raises:
        BadRequest: invalid_policy; the details list all problems.
    """
    try:
        return load(document if isinstance(document, Mapping) else {"": document})
    except PolicyError as error:
        raise refusal("invalid_policy", error) from error


def chosen_policy(session: Session, name: str) -> Policy:
    """Return the policy that a request names.

    Raises:
        BadRequest: policy_not_found, with the nearest known name; invalid_policy if this engine rejects it.
    """
    try:
        return find_policy(session, name)
    except PolicyError as error:
        if error.path:
            raise refusal("invalid_policy", error) from error
        raise BadRequest("policy_not_found", text_of(error), details={"policy": name[:64]}) from error


def submitted_policy(session: Session, reference: Mapping[str, str]) -> Policy:
    """Return the policy of a job in its version; of a bundled policy of another release, the current version.

    Raises:
        BadRequest: policy_not_found; invalid_policy if this engine rejects it.
    """
    try:
        found = read_policy_version(session, reference["name"], reference["version"])
    except PolicyError as error:
        raise refusal("invalid_policy", error) from error
    return found or chosen_policy(session, reference["name"])


def loaded(found: ListedPolicy) -> Policy:
    """Return a policy that this engine accepts. Raises BadRequest: invalid_policy."""
    if found.policy is None:
        text = Text("this engine rejects version {version}: {error}", version=found.version, error=found.error)
        raise BadRequest("invalid_policy", text)
    return found.policy


def differences(before: ListedPolicy, after: ListedPolicy) -> list[PolicyDifference]:
    """Compare two policies. Raises BadRequest: invalid_policy."""
    return diff_policies(loaded(before), loaded(after))


def policy_document(found: ListedPolicy) -> dict[str, Any]:
    """Return a policy for a response."""
    return {
        "name": found.name,
        "version": found.version,
        "description": found.description,
        "bundled": found.is_bundled,
        "suites": found.suites,
        "notes": list(found.policy.notes) if found.policy else [],
        "error": found.error,
        "document": dict(found.document),
        "created_at": found.created_at,
        "created_by": found.created_by,
    }
