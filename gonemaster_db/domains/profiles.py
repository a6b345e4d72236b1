"""Reading, storing and removing profiles."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from gonemaster_db.core.errors import ProfileExists, ProfileNotFound
from gonemaster_db.core.upsert import insert
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
    """Read the profile with this name, or None."""
    return session.scalar(select(Profile).where(Profile.name == name))


def lock_profile(session: Session, profile_id: int) -> Profile:
    """Read a profile and lock its row for an update. Raises ProfileNotFound."""
    found = session.scalar(select(Profile).where(Profile.id == profile_id).with_for_update())
    if found is None:
        raise ProfileNotFound(profile_id)
    return found


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
    row = {
        "name": name,
        "description": description,
        "config": dict(config),
        "public": public,
        "schema_version": schema_version,
        "created_at": now,
        "updated_at": now,
    }
    inserted = insert(session, Profile).values(row).on_conflict_do_nothing().returning(Profile.id)
    profile_id = session.scalar(inserted)
    if profile_id is None:
        raise ProfileExists(name)
    return get_profile(session, profile_id)


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
    """Change the given fields. Raises ProfileNotFound, ProfileExists."""
    profile = lock_profile(session, profile_id)
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
    try:
        session.flush()
    except IntegrityError as error:  # Another transaction took the name.
        raise ProfileExists(name) from error
    return profile


def set_reviewed(session: Session, profile_id: int, schema_version: str) -> Profile:
    """Set or clear the schema version with which a profile was reviewed; `updated_at` does not change.

    Raises: ProfileNotFound: The profile does not exist.
    """
    profile = lock_profile(session, profile_id)
    profile.schema_version = schema_version
    session.flush()
    return profile


def count_runs_with_profile(session: Session, profile_id: int) -> int:
    """Count the runs that refer to a profile."""
    return session.scalar(select(func.count()).select_from(Run).where(Run.profile_id == profile_id)) or 0


def clear_profile_in_runs(session: Session, profile_id: int, *, limit: int = 1000) -> int:
    """Clear the profile ID in up to `limit` runs, which keep the profile name; return their number.

    Call it before the profile is deleted, each time in a new transaction: ON DELETE SET NULL alone would lock all of
    its runs in one long statement.
    """
    some = select(Run.id).where(Run.profile_id == profile_id).limit(limit)
    cleared = update(Run).where(Run.id.in_(some)).values(profile_id=None).returning(Run.id)
    return len(session.scalars(cleared, execution_options={"synchronize_session": False}).all())


def delete_profile(session: Session, profile_id: int) -> Profile:
    """Remove a profile; its ID is cleared in tags, jobs and runs, and runs keep its name. Raises ProfileNotFound."""
    profile = lock_profile(session, profile_id)
    session.delete(profile)
    session.flush()
    return profile


def mark_all_reviewed(session: Session, *, schema_version: str) -> int:
    """Mark all profiles as reviewed with this version; return the number of changed profiles."""
    stamped = update(Profile).where(Profile.schema_version != schema_version).values(schema_version=schema_version)
    return len(session.scalars(stamped.returning(Profile.id)).all())


def purge_effective_profiles(session: Session, *, older_than: datetime) -> int:
    """Remove effective profiles that no run refers to; return their number."""
    unused = ~select(Run.id).where(Run.effective_profile_id == EffectiveProfile.id).exists()
    deleted = delete(EffectiveProfile).where(EffectiveProfile.created_at < older_than, unused)
    options = {"synchronize_session": False}
    return len(session.scalars(deleted.returning(EffectiveProfile.digest), execution_options=options).all())


def _refuse_taken_name(session: Session, name: str, *, own_id: int | None) -> None:
    found = find_profile(session, name)
    if found is not None and found.id != own_id:
        raise ProfileExists(name)
