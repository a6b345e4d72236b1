"""The base profile: what a job is tested with unless it brings a profile of its own."""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from gonemaster_engine.profile.profile import Profile, default_profile, load_profile
from gonemaster_tasks.config.settings import Settings


def base_profile(settings: Settings) -> Profile:
    """Return the default profile, overridden by the file of `profile_path`, overridden by the resolver settings.

    Raises:
        ProfileError: the file is not a valid profile.
    """
    profile = load_profile(settings.profile_path) if settings.profile_path else default_profile()
    overrides: dict[str, Any] = {"resolver": _resolver(settings)}
    if settings.allow_non_global:
        overrides["net"] = {"allow_non_global_targets": True}
    return profile.merge(overrides)


@lru_cache(maxsize=4)
def cached_base_profile(settings: Settings) -> Profile:
    """Return the base profile; its file is read once, as workers do. Raises ProfileError."""
    return base_profile(settings)


@lru_cache(maxsize=4)
def caller_limits(settings: Settings) -> Profile:
    """Return the profile within which callers may choose: the base profile with the guard as the settings have it.

    Raises ProfileError.
    """
    return cached_base_profile(settings).merge({"net": {"allow_non_global_targets": not settings.guard_forced}})


def is_guarded(settings: Settings, documents: Iterable[Mapping[str, Any] | None]) -> bool:
    """Say whether a job with these profiles, the most important last, queries global addresses only.

    Raises ProfileError.
    """
    if settings.guard_forced:
        return True
    allowed = cached_base_profile(settings).allow_non_global_targets
    for document in documents:
        allowed = ((document or {}).get("net") or {}).get("allow_non_global_targets", allowed)
    return not allowed


def _resolver(settings: Settings) -> dict[str, Any]:
    """Return the resolver section of the overrides; an unset setting leaves the profile as it is."""
    defaults = {
        "positive_cache_ttl": settings.positive_cache_ttl,
        "negative_cache_ttl": settings.negative_cache_ttl,
        "timeout": settings.timeout,
        "retry": settings.retry,
        "retrans": settings.retrans,
        "fallback": settings.fallback,
    }
    sources = {"source4": settings.source_addr4, "source6": settings.source_addr6}
    given: dict[str, Any] = {name: address for name, address in sources.items() if address}
    return given | {"defaults": {name: value for name, value in defaults.items() if value is not None}}
