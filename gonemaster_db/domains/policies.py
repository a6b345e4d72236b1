"""Reading, storing and removing policies; a version is never changed."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from gonemaster_db.core.errors import PolicyChanged, PolicyExists, PolicyNotFound
from gonemaster_db.core.upsert import insert
from gonemaster_db.models import StoredPolicy

MAX_POLICIES = 1_000
_CURRENT = (
    select(StoredPolicy.name, func.max(StoredPolicy.version).label("version"))
    .where(StoredPolicy.removed_at.is_(None))
    .group_by(StoredPolicy.name)
    .subquery()
)


def list_policies(session: Session) -> Sequence[StoredPolicy]:
    """List the current versions of all policies by name."""
    is_current = (StoredPolicy.name == _CURRENT.c.name) & (StoredPolicy.version == _CURRENT.c.version)
    query = select(StoredPolicy).join(_CURRENT, is_current).order_by(StoredPolicy.name)
    return session.scalars(query.limit(MAX_POLICIES)).all()


def get_policy(session: Session, name: str, version: int | None = None) -> StoredPolicy:
    """Read the current version of a policy, or one of its versions, which is also found when the policy was removed.

    Raises: PolicyNotFound: there is no such policy or version.
    """
    query = select(StoredPolicy).where(StoredPolicy.name == name)
    if version is None:
        query = query.where(StoredPolicy.removed_at.is_(None)).order_by(StoredPolicy.version.desc()).limit(1)
    else:
        query = query.where(StoredPolicy.version == version)
    found = session.scalar(query)
    if found is None:
        raise PolicyNotFound(name if version is None else f"{name} version {version}")
    return found


def list_policy_versions(session: Session, name: str) -> Sequence[StoredPolicy]:
    """List the versions of a policy, newest first, without those from before a removal. Raises PolicyNotFound."""
    query = select(StoredPolicy).where(StoredPolicy.name == name, StoredPolicy.removed_at.is_(None))
    found = session.scalars(query.order_by(StoredPolicy.version.desc())).all()
    if not found:
        raise PolicyNotFound(name)
    return found


def create_policy(session: Session, name: str, document: Mapping[str, Any], *, who: str, now: datetime) -> StoredPolicy:
    """Store the first version of a policy. Raises PolicyExists."""
    versions = select(func.max(StoredPolicy.version)).where(StoredPolicy.name == name)
    if session.scalar(versions.where(StoredPolicy.removed_at.is_(None))) is not None:
        raise PolicyExists(name)
    return _add(session, name, session.scalar(versions) or 0, document, who=who, now=now)


def add_policy_version(
    session: Session, name: str, document: Mapping[str, Any], *, after: int | None, who: str, now: datetime
) -> StoredPolicy:
    """Store a new version of a policy, unless its document is that of the current version.

    Raises:
      PolicyNotFound: there is no such policy.
      PolicyChanged: the current version is not `after`, if that is given, or another transaction was first.
    """
    current = get_policy(session, name)
    if after not in (None, current.version):
        raise PolicyChanged(name, current.version)
    if current.document == document:
        return current
    return _add(session, name, current.version, document, who=who, now=now)


def remove_policy(session: Session, name: str, *, now: datetime) -> StoredPolicy:
    """Remove a policy; its versions are kept for the runs that refer to them. Raises PolicyNotFound."""
    current = get_policy(session, name)
    is_current = (StoredPolicy.name == name) & StoredPolicy.removed_at.is_(None)
    session.execute(update(StoredPolicy).where(is_current).values(removed_at=now))
    return current


def _add(
    session: Session, name: str, last: int, document: Mapping[str, Any], *, who: str, now: datetime
) -> StoredPolicy:
    row = {
        "name": name,
        "version": last + 1,
        "document": dict(document),
        "created_at": now,
        "created_by": who[:255],
    }
    inserted = insert(session, StoredPolicy).values(row).on_conflict_do_nothing().returning(StoredPolicy.id)
    policy_id = session.scalar(inserted)
    if policy_id is None:
        raise PolicyChanged(name, last + 1)
    return session.scalars(select(StoredPolicy).where(StoredPolicy.id == policy_id)).one()
