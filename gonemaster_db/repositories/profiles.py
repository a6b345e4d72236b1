"""Stored profiles."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from gonemaster_db.errors import ProfileExists, ProfileNotFound
from gonemaster_db.models import EffectiveProfile, Profile, Run


def list_profiles(session: Session, *, public_only: bool = False) -> Sequence[Profile]:
    """List profiles by name."""
    query = select(Profile).order_by(Profile.name)
    return session.scalars(query.where(Profile.public) if public_only else query).all()


def get_profile(session: Session, profile_id: int) -> Profile:
    """Read a profile. Raises ProfileNotFound."""
    found = session.scalar(select(Profile).where(Profile.id == profile_id))
    if found is None:
        raise ProfileNotFound(profile_id)
    return found


def find_profile(session: Session, name: str) -> Profile | None:
    """Read the profile with this name."""
    return session.scalar(select(Profile).where(Profile.name == name))


def create_profile(
    session: Session,
    name: str,
    *,
    config: Mapping[str, Any],
    schema_version: str,
    now: datetime,
    description: str = "",
    public: bool = False,
) -> Profile:
    """Store a profile. Raises ProfileExists."""
    _refuse_taken_name(session, name, own_id=None)
    profile = Profile(
        name=name,
        description=description,
        config=dict(config),
        public=public,
        schema_version=schema_version,
        created_at=now,
        updated_at=now,
    )
    session.add(profile)
    session.flush()
    return profile


def update_profile(
    session: Session,
    profile_id: int,
    *,
    now: datetime,
    name: str | None = None,
    description: str | None = None,
    config: Mapping[str, Any] | None = None,
    public: bool | None = None,
    schema_version: str | None = None,
) -> Profile:
    """Change what is given. Raises ProfileNotFound, ProfileExists."""
    profile = get_profile(session, profile_id)
    if name is not None:
        _refuse_taken_name(session, name, own_id=profile_id)
    changes = {
        "name": name,
        "description": description,
        "config": None if config is None else dict(config),
        "public": public,
        "schema_version": schema_version,
    }
    for field, value in changes.items():
        if value is not None:
            setattr(profile, field, value)
    profile.updated_at = now
    session.flush()
    return profile


def delete_profile(session: Session, profile_id: int) -> None:
    """Remove a profile; tags, jobs and runs forget its id, runs keep its name. Raises ProfileNotFound."""
    session.delete(get_profile(session, profile_id))
    session.flush()


def mark_all_reviewed(session: Session, *, schema_version: str) -> int:
    """Stamp all profiles of other versions with this one; returns their number."""
    stamped = update(Profile).where(Profile.schema_version != schema_version).values(schema_version=schema_version)
    return len(session.scalars(stamped.returning(Profile.id)).all())


def purge_effective_profiles(session: Session, *, older_than: datetime) -> int:
    """Remove complete profiles that no run has any more; returns their number."""
    unused = ~select(Run.id).where(Run.effective_profile_digest == EffectiveProfile.digest).exists()
    deleted = delete(EffectiveProfile).where(EffectiveProfile.created_at < older_than, unused)
    options = {"synchronize_session": False}
    return len(session.scalars(deleted.returning(EffectiveProfile.digest), execution_options=options).all())


def _refuse_taken_name(session: Session, name: str, *, own_id: int | None) -> None:
    found = find_profile(session, name)
    if found is not None and found.id != own_id:
        raise ProfileExists(name)
