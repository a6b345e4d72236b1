"""The base profile, which applies to jobs without a profile."""

import logging
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from gonemaster_engine.errors import ProfileError
from gonemaster_engine.profile.documents import read_document
from gonemaster_engine.profile.profile import Profile, default_profile, load_profile
from gonemaster_engine.profile.repair import find_unknown_tags
from gonemaster_engine.profile.tag_sets import find_replaced_tags
from gonemaster_tasks.config.settings import Settings

log = logging.getLogger(__name__)


def base_profile(settings: Settings) -> Profile:
    """Return the default profile, overridden by the file of `profile_path`, overridden by the resolver settings.

    Raises:
        ProfileError: the file is not a valid profile.
    """
    profile = load_profile(settings.profile_path) if settings.profile_path else default_profile()
    for sentence in find_unknown_tags(profile.as_dict()) if settings.profile_path else ():
        log.warning("unknown tags in the profile, ignored", extra={"file": settings.profile_path, "tags": sentence})
    document = read_document(settings.profile_path, ProfileError) if settings.profile_path else {}
    for sentence in find_replaced_tags(document):
        log.info("replaced tags in the profile", extra={"file": settings.profile_path, "tags": sentence})
    overrides: dict[str, Any] = {"resolver": _resolver(settings)}
    if settings.allow_non_global:
        overrides["net"] = {"allow_non_global_targets": True}
    return profile.merge(overrides)


@lru_cache(maxsize=4)
def cached_base_profile(settings: Settings) -> Profile:
    """Return the base profile; its file is read once per process. Raises ProfileError."""
    return base_profile(settings)


@lru_cache(maxsize=4)
def caller_limits(settings: Settings) -> Profile:
    """Return the limits for callers: the base profile, without non-global targets unless the settings allow them.

    Raises ProfileError.
    """
    return cached_base_profile(settings).merge({"net": {"allow_non_global_targets": not settings.guard_forced}})


def is_guarded(settings: Settings, documents: Iterable[Mapping[str, Any] | None]) -> bool:
    """Return whether a job with these profiles (highest precedence last) queries only global addresses.

    Raises ProfileError.
    """
    if settings.guard_forced:
        return True
    allowed = cached_base_profile(settings).allow_non_global_targets
    for document in documents:
        allowed = ((document or {}).get("net") or {}).get("allow_non_global_targets", allowed)
    return not allowed


def _resolver(settings: Settings) -> dict[str, Any]:
    """Return the resolver section of the overrides; unset settings do not change the profile."""
    defaults = {
        "positive_cache_ttl": settings.positive_cache_ttl,
        "negative_cache_ttl": settings.negative_cache_ttl,
        "timeout": settings.timeout,
        "retry": settings.retry,
        "retrans": settings.retrans,
        "fallback": settings.fallback,
    }
    sources = {"source4": settings.source_addr4, "source6": settings.source_addr6}
    result: dict[str, Any] = {name: address for name, address in sources.items() if address}
    return result | {"defaults": {name: value for name, value in defaults.items() if value is not None}}
