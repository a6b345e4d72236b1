"""Stored profiles: store, replace, repair, review and delete; every change has an audit record."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy.orm import Session

from gonemaster_api.queries.profiles import checked, missing_is_not_found, read_profile
from gonemaster_api.state import State
from gonemaster_db.core.clock import utcnow
from gonemaster_db.domains import profiles as rows
from gonemaster_db.models import Operation, OperationKind, Profile
from gonemaster_db.service.audit import record_action
from gonemaster_engine.profile.callers import checked_of_caller
from gonemaster_engine.profile.profile import Profile as RunProfile
from gonemaster_engine.version import __version__
from gonemaster_tasks.config.profiles import caller_limits
from gonemaster_tasks.control import operations

T = TypeVar("T")


def store_profile(state: State, request: Mapping[str, Any], *, who: str) -> Profile:
    """Check and store a profile, stamped with the version of this engine.

    Raises:
        BadRequest: invalid_profile.
        ProfileExists: the name is taken.
    """
    fields, now = _fields(request, caller_limits(state.settings)), utcnow()

    def make(session: Session) -> Profile:
        profile = rows.create_profile(session, **fields, schema_version=__version__, now=now)
        _note(session, "profile.create", profile, who=who, now=now)
        return profile

    return state.store.run_in_transaction(make)


def replace_profile(state: State, profile_id: int, request: Mapping[str, Any], *, who: str) -> Profile:
    """Replace a stored profile.

    Raises:
        BadRequest: invalid_profile.
        NotFound: no such profile.
        ProfileExists: the name is taken.
    """
    fields, now = _fields(request, caller_limits(state.settings)), utcnow()

    def change(session: Session) -> Profile:
        before = rows.lock_profile(session, profile_id)
        changed = [name for name, value in fields.items() if getattr(before, name) != value]
        profile = rows.update_profile(session, profile_id, **fields, schema_version=__version__, now=now)
        _note(session, "profile.update", profile, who=who, now=now, changed=changed)
        return profile

    return _changed(state, change)


def repair_profile(state: State, profile_id: int, operation: str, repair: Callable[[Any], Any], *, who: str) -> Profile:
    """Change the configuration of a profile with a function; its engine version stamp is unchanged.

    Raises:
        BadRequest: invalid_profile, if the result is not a valid profile.
        NotFound: no such profile.
    """
    now = utcnow()

    def change(session: Session) -> Profile:
        profile = rows.lock_profile(session, profile_id)
        config = checked(repair, profile.config)
        if config == profile.config:
            return profile
        _note(session, "profile.repair", profile, who=who, now=now, op=operation)
        return rows.update_profile(session, profile_id, config=config, now=now)

    return _changed(state, change)


def review_profile(state: State, profile_id: int, *, reviewed: bool, who: str) -> Profile:
    """Stamp a profile with the version of this engine, or clear its stamp.

    Raises:
        NotFound: no such profile.
    """
    version = __version__ if reviewed else ""

    def change(session: Session) -> Profile:
        profile = rows.lock_profile(session, profile_id)
        if profile.schema_version != version:
            _note(session, "profile.review", profile, who=who, now=utcnow(), schema_version=version)
        return rows.set_reviewed(session, profile_id, version)

    return _changed(state, change)


def review_all_profiles(state: State, *, who: str) -> int:
    """Stamp all profiles with the version of this engine; return how many had another stamp."""

    def change(session: Session) -> int:
        count = rows.mark_all_reviewed(session, schema_version=__version__)
        if count:
            details = {"schema_version": __version__}
            record_action(session, "profile.review", who=who, now=utcnow(), count=count, details=details)
        return count

    return state.store.run_in_transaction(change)


def remove_profile(state: State, profile_id: int, *, who: str) -> Operation | None:
    """Delete a profile: clear its id in runs in short transactions, then in tags and jobs together with the profile.

    Return an operation if more runs refer to the profile than one request may change.

    Raises:
        NotFound: no such profile.
    """
    profile = read_profile(state, profile_id)
    with state.store.read_only() as session:
        total = rows.count_runs_with_profile(session, profile_id)
    if total > operations.MAX_ROWS_IN_REQUEST:
        kind, target, details = OperationKind.DELETE_PROFILE, str(profile_id), {"name": profile.name}
        return operations.start_operation(state.queue, kind, target=target, total=total, who=who, details=details)
    # Clear the runs in steps first: ON DELETE SET NULL would lock all runs of the profile in one statement.
    while state.store.run_in_transaction(lambda session: rows.clear_profile_in_runs(session, profile_id)):
        continue

    def remove(session: Session) -> None:
        _note(session, "profile.delete", rows.delete_profile(session, profile_id), who=who, now=utcnow())

    _changed(state, remove)
    return None


def _fields(request: Mapping[str, Any], limits: RunProfile) -> dict[str, Any]:
    return {
        "name": request["name"],
        "description": request["description"],
        "config": checked(lambda config: checked_of_caller(config, limits), request["config"] or {}),
        "public": request["public"],
    }


def _changed(state: State, work: Callable[[Session], T]) -> T:
    with missing_is_not_found():
        return state.store.run_in_transaction(work)


def _note(session: Session, action: str, profile: Profile, *, who: str, now: datetime, **details: Any) -> None:
    about = {"name": profile.name} | details
    record_action(session, action, who=who, now=now, target=str(profile.id), details=about)
