"""Stored profiles: checked before they are stored, compared with the defaults, mended; each change in the audit."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, TypeVar

from sqlalchemy.orm import Session

from gonemaster_api.errors import NotFound
from gonemaster_api.rest.document_errors import refusal
from gonemaster_api.state import State
from gonemaster_db.clock import utcnow
from gonemaster_db.errors import ProfileNotFound
from gonemaster_db.models import Profile
from gonemaster_db.repositories import profiles as rows
from gonemaster_db.repositories.audit import record_action
from gonemaster_engine.errors import ProfileError
from gonemaster_engine.profile.diff import ProfileDiff, diff_profile
from gonemaster_engine.profile.profile import Profile as RunProfile
from gonemaster_engine.profile.profile import checked_profile, default_profile
from gonemaster_engine.version import __version__
from gonemaster_tasks.config.profiles import base_profile
from gonemaster_tasks.config.settings import Settings

T = TypeVar("T")
DEFAULT_ID = 0


@dataclass(frozen=True)
class ServerDefault:
    """The profile of jobs that name none, in the form of a stored one."""

    config: Mapping[str, Any]
    id: int = DEFAULT_ID
    name: str = "default"
    description: str = "what counts where a job names no profile"
    public: bool = False
    schema_version: str = __version__
    created_at: datetime | None = None
    updated_at: datetime | None = None


def server_default(state: State) -> ServerDefault:
    """Give the profile that jobs start from."""
    return ServerDefault(_base(state.settings).as_dict())


def defaults() -> dict[str, Any]:
    """Give the lists of the engine's default profile, with which stored profiles are compared."""
    document = default_profile().as_dict()
    return {"test_cases": sorted(document["test_cases"]), "test_levels": document["test_levels"]}


def read_list(state: State) -> Sequence[Profile]:
    """Give all profiles by name."""
    with state.store.read_only() as session:
        return rows.list_profiles(session)


def read(state: State, profile_id: int) -> Profile:
    """Give a profile.

    Raises:
        NotFound: there is none.
    """
    with _missing_is_not_found(), state.store.read_only() as session:
        return rows.get_profile(session, profile_id)


def create(state: State, request: Mapping[str, Any], *, who: str) -> Profile:
    """Store a profile, stamped with the version of this engine.

    Raises:
        BadRequest: invalid_profile.
        ProfileExists: the name is taken.
    """
    fields, now = _fields(request), utcnow()

    def make(session: Session) -> Profile:
        profile = rows.create_profile(session, **fields, schema_version=__version__, now=now)
        _note(session, "profile.create", profile, who=who, now=now)
        return profile

    return state.store.run_in_transaction(make)


def replace(state: State, profile_id: int, request: Mapping[str, Any], *, who: str) -> Profile:
    """Put another profile in the place of a stored one.

    Raises:
        BadRequest: invalid_profile.
        NotFound: there is none.
        ProfileExists: the name is taken.
    """
    fields, now = _fields(request), utcnow()

    def change(session: Session) -> Profile:
        before = rows.lock_profile(session, profile_id)
        changed = [name for name, value in fields.items() if getattr(before, name) != value]
        profile = rows.update_profile(session, profile_id, **fields, schema_version=__version__, now=now)
        _note(session, "profile.update", profile, who=who, now=now, changed=changed)
        return profile

    return _changed(state, change)


def mend(state: State, profile_id: int, operation: str, mended: Callable[[Any], Any], *, who: str) -> Profile:
    """Change the configuration of a profile by a function; its stamp stays as it is.

    Raises:
        BadRequest: invalid_profile, where the result would be none.
        NotFound: there is none.
    """
    now = utcnow()

    def change(session: Session) -> Profile:
        profile = rows.lock_profile(session, profile_id)
        config = _checked(mended, profile.config)
        if config == profile.config:
            return profile
        _note(session, "profile.repair", profile, who=who, now=now, op=operation)
        return rows.update_profile(session, profile_id, config=config, now=now)

    return _changed(state, change)


def review(state: State, profile_id: int, *, reviewed: bool, who: str) -> Profile:
    """Stamp a profile with the version of this engine, or clear its stamp.

    Raises:
        NotFound: there is none.
    """
    version = __version__ if reviewed else ""

    def change(session: Session) -> Profile:
        profile = rows.lock_profile(session, profile_id)
        if profile.schema_version != version:
            _note(session, "profile.review", profile, who=who, now=utcnow(), schema_version=version)
        return rows.set_reviewed(session, profile_id, version)

    return _changed(state, change)


def review_all(state: State, *, who: str) -> int:
    """Stamp all profiles with the version of this engine; gives how many had another stamp."""

    def change(session: Session) -> int:
        count = rows.mark_all_reviewed(session, schema_version=__version__)
        if count:
            details = {"schema_version": __version__}
            record_action(session, "profile.review", who=who, now=utcnow(), count=count, details=details)
        return count

    return state.store.run_in_transaction(change)


def delete(state: State, profile_id: int, *, who: str) -> None:
    """Remove a profile; runs forget it in short transactions, tags and jobs with the profile itself.

    Raises:
        NotFound: there is none.
    """
    read(state, profile_id)
    while state.store.run_in_transaction(lambda session: rows.clear_profile_in_runs(session, profile_id)):
        continue

    def remove(session: Session) -> None:
        _note(session, "profile.delete", rows.delete_profile(session, profile_id), who=who, now=utcnow())

    _changed(state, remove)


def diff(state: State, config: Mapping[str, Any], *, against: int | None) -> ProfileDiff:
    """Compare a configuration with the server's default, or with a stored profile over it.

    Raises:
        BadRequest: invalid_profile.
        ProfileNotFound: there is no profile `against`.
    """
    base = _base(state.settings)
    if against is not None:
        with state.store.read_only() as session:
            stored = rows.get_profile(session, against)
        base = _checked(base.merge, stored.config)
    return _checked(lambda document: diff_profile(document, base), config)


@lru_cache(maxsize=4)
def _base(settings: Settings) -> RunProfile:
    """Make the base profile; its file is read once, as workers do."""
    return base_profile(settings)


def _fields(request: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": request["name"],
        "description": request["description"],
        "config": _checked(checked_profile, request["config"] or {}),
        "public": request["public"],
    }


def _checked(check: Callable[[Any], T], document: Any) -> T:
    try:
        return check(document)
    except ProfileError as error:
        raise refusal("invalid_profile", error) from error


def _changed(state: State, work: Callable[[Session], T]) -> T:
    with _missing_is_not_found():
        return state.store.run_in_transaction(work)


@contextmanager
def _missing_is_not_found() -> Iterator[None]:
    """Answer for a profile that the address names: elsewhere the code is profile_not_found."""
    try:
        yield
    except ProfileNotFound as error:
        raise NotFound("profile", error.key) from error


def _note(session: Session, action: str, profile: Profile, *, who: str, now: datetime, **details: Any) -> None:
    about = {"name": profile.name} | details
    record_action(session, action, who=who, now=now, target=str(profile.id), details=about)
