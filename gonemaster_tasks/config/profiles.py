"""The base profile: what a job is tested with unless it brings a profile of its own."""

from typing import Any

from gonemaster_engine.profile.profile import Profile, default_profile, load_profile
from gonemaster_tasks.config.settings import Settings


def base_profile(settings: Settings) -> Profile:
    """Return the default profile, overridden by the file of `profile_path`, overridden by the resolver settings.

    Raises:
        ProfileError: the file is not a valid profile.
    """
    profile = load_profile(settings.profile_path) if settings.profile_path else default_profile()
    defaults = {
        name: getattr(settings, name)
        for name in ("positive_cache_ttl", "negative_cache_ttl", "timeout", "retry", "retrans", "fallback")
        if getattr(settings, name) is not None
    }
    sources = {f"source{family}": getattr(settings, f"source_addr{family}") for family in (4, 6)}
    resolver: dict[str, Any] = {name: value for name, value in sources.items() if value}
    overrides: dict[str, Any] = {"resolver": resolver | {"defaults": defaults}}
    if settings.allow_non_global:
        overrides["net"] = {"allow_non_global_targets": True}
    return profile.merge(overrides)
