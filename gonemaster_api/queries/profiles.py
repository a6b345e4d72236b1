"""Profiles as documents: stored profiles, defaults, and differences from the defaults."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from gonemaster_api.errors import NotFound
from gonemaster_api.rest.document_errors import refusal
from gonemaster_api.state import State
from gonemaster_db.core.errors import ProfileNotFound
from gonemaster_db.domains.profiles import get_profile, list_profiles
from gonemaster_db.models import Profile
from gonemaster_engine.errors import ProfileError
from gonemaster_engine.profile.diff import ProfileDiff, diff_profile
from gonemaster_engine.profile.profile import default_profile
from gonemaster_engine.version import __version__
from gonemaster_tasks.config.profiles import cached_base_profile

T = TypeVar("T")
DEFAULT_ID = 0


@dataclass(frozen=True)
class ServerDefault:
    """The profile of jobs that do not specify a profile, in the form of a stored profile."""

    config: Mapping[str, Any]
    id: int = DEFAULT_ID
    name: str = "default"
    description: str = "used by jobs that specify no profile"
    public: bool = False
    schema_version: str = __version__
    created_at: datetime | None = None
    updated_at: datetime | None = None


def server_default_profile(state: State) -> ServerDefault:
    """Return the profile of jobs that do not specify a profile."""
    return ServerDefault(cached_base_profile(state.settings).as_dict())


def default_lists() -> dict[str, Any]:
    """Return the lists of the engine's default profile, with which stored profiles are compared."""
    document = default_profile().as_dict()
    return {"test_cases": sorted(document["test_cases"]), "test_levels": document["test_levels"]}


def read_profiles(state: State) -> Sequence[Profile]:
    """Return all profiles by name."""
    with state.store.read_only() as session:
        return list_profiles(session)


def read_profile(state: State, profile_id: int) -> Profile:
    """Return a profile.

    Raises:
        NotFound: no such profile.
    """
    with missing_is_not_found(), state.store.read_only() as session:
        return get_profile(session, profile_id)


def diff_config(state: State, config: Mapping[str, Any], *, against: int | None) -> ProfileDiff:
    """Compare a configuration with the server's default, or with a stored profile on top of it.

    Raises:
        BadRequest: invalid_profile.
        ProfileNotFound: the profile `against` does not exist.
    """
    base = cached_base_profile(state.settings)
    if against is not None:
        with state.store.read_only() as session:
            stored = get_profile(session, against)
        base = checked(base.merge, stored.config)
    return checked(lambda document: diff_profile(document, base), config)


def checked(check: Callable[[Any], T], document: Any) -> T:
    """Apply a check of the engine.

    Raises:
        BadRequest: invalid_profile; the details list all errors.
    """
    try:
        return check(document)
    except ProfileError as error:
        raise refusal("invalid_profile", error) from error


@contextmanager
def missing_is_not_found() -> Iterator[None]:
    """Report an unknown profile in the path as `not_found` instead of `profile_not_found`, which refers to the body."""
    try:
        yield
    except ProfileNotFound as error:
        raise NotFound("profile", error.key) from error
