"""Rules for profiles from callers: the operator may set any value, a caller only values that cost and reveal no more.

A caller's document may repeat or restrict the operator's profile. It never sets paths, which would make the engine read
files of the host, nor source addresses, hosts of AS databases, or non-global targets. Timeouts, retries and cache
lifetimes are limited by the operator's values.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from gonemaster_engine.errors import ProfileError
from gonemaster_engine.profile.documents import Problems, brief
from gonemaster_engine.profile.profile import Profile, checked_profile
from gonemaster_engine.profile.schema import Document
from gonemaster_engine.texts import Text


class Allowed(enum.Enum):
    """The values that a caller may set a key to, apart from the server's own value."""

    ANYTHING = "any valid value"
    LESS = "at most the server's value"
    LESS_OR_LIMITED = "at most the server's value, where 0 means no limit"
    FALSE = "false"
    TRUE = "true"
    NOTHING = "only the server's value"


# Keys that are missing here are refused to callers, see `_allowed_at`.
CALLERS: Mapping[str, Allowed] = {
    "resolver.defaults.timeout": Allowed.LESS,
    "resolver.defaults.retry": Allowed.LESS,
    "resolver.defaults.retrans": Allowed.LESS,
    "resolver.defaults.fallback": Allowed.ANYTHING,
    "resolver.defaults.parallel": Allowed.LESS,
    "resolver.defaults.unordered": Allowed.ANYTHING,
    "resolver.defaults.positive_cache_ttl": Allowed.LESS,
    "resolver.defaults.negative_cache_ttl": Allowed.LESS,
    "resolver.defaults.error_cache_ttl": Allowed.LESS,
    "resolver.defaults.fast_fail_timeout_count": Allowed.LESS_OR_LIMITED,
    "resolver.defaults.nameserver_concurrency": Allowed.LESS_OR_LIMITED,
    "resolver.defaults.nameserver_max_total_ms": Allowed.LESS_OR_LIMITED,
    "resolver.source4": Allowed.NOTHING,
    "resolver.source6": Allowed.NOTHING,
    "net.ipv4": Allowed.FALSE,
    "net.ipv6": Allowed.FALSE,
    "net.allow_non_global_targets": Allowed.FALSE,
    "no_network": Allowed.TRUE,
    "asn_db.style": Allowed.ANYTHING,
    "asn_db.sources": Allowed.NOTHING,
    "badkeys.path": Allowed.NOTHING,
    "zonemaster.tags": Allowed.ANYTHING,
    "test_cases": Allowed.ANYTHING,
    "test_levels": Allowed.ANYTHING,
    "test_cases_vars": Allowed.ANYTHING,
}

_VARIABLES = "test_cases_vars"
PROPERTIES: Mapping[str, Allowed] = {
    "test_cases_vars.delegation08.notify": Allowed.FALSE,  # it sends messages to addresses that others choose
}
"""The properties of test cases that callers cannot set as they like."""

_MEETS: Mapping[Allowed, Callable[[Any, Any], bool]] = {
    Allowed.ANYTHING: lambda value, limit: True,
    Allowed.LESS: lambda value, limit: bool(value <= limit),
    Allowed.LESS_OR_LIMITED: lambda value, limit: limit == 0 or 0 < value <= limit,
    Allowed.FALSE: lambda value, limit: value is False,
    Allowed.TRUE: lambda value, limit: value is True,
    Allowed.NOTHING: lambda value, limit: False,
}


def checked_of_caller(document: Any, server: Profile) -> Document:
    """Return a caller's sparse profile in its normal form.

    Raises:
      ProfileError: a key or value is invalid or not allowed for callers; the error has the path of each.
    """
    checked = checked_profile(document)
    problems = Problems(ProfileError)
    for path, value, limit in _excesses(checked, server.as_dict()):
        problems.add(path, _reason(_allowed_at(path), value, limit))
    problems.raise_if_any()
    return checked


def restricted_to_caller(document: Any, server: Profile) -> Document:
    """Return a caller's sparse profile, with the server's own value in place of each value that callers may not set.

    A stored profile may be older than the rules or the server's profile; its runs must not fail for this reason.

    Raises:
      ProfileError: a key or value is invalid; the error has the path of each.
    """
    checked = checked_profile(document)
    for path, _, limit in list(_excesses(checked, server.as_dict())):
        *sections, key = path.split(".")
        section = checked
        for name in sections:
            section = section[name]
        section[key] = limit
    return checked


def _excesses(checked: Document, limit: Document, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Yield path, value and the server's value of each value that a caller may not set."""
    for key, value in checked.items():
        below = f"{path}.{key}" if path else key
        if isinstance(value, dict) and (below not in CALLERS or below == _VARIABLES):
            yield from _excesses(value, limit.get(key, {}), below)
        elif not _is_own(value, limit.get(key)) and not _MEETS[_allowed_at(below)](value, limit.get(key)):
            yield below, value, limit.get(key)


def _allowed_at(path: str) -> Allowed:
    if path.startswith(f"{_VARIABLES}."):
        return PROPERTIES.get(path, CALLERS[_VARIABLES])
    return CALLERS.get(path, Allowed.NOTHING)


def _is_own(value: Any, limit: Any) -> bool:
    if isinstance(value, dict) and isinstance(limit, dict):
        return all(key in limit and limit[key] == item for key, item in value.items())
    return bool(value == limit)


def _reason(allowed: Allowed, value: Any, limit: Any) -> str:
    if allowed is Allowed.NOTHING:
        return Text("can only be set by the operator of the server")
    if allowed in (Allowed.FALSE, Allowed.TRUE):
        return Text("must be {allowed}, as in the profile of the server", allowed=allowed.value)
    less, limited = Text("at most {own}", own=brief(limit)), Text("1 to {own}", own=brief(limit))
    bounds = limited if allowed is Allowed.LESS_OR_LIMITED else less
    return Text("must be {bounds} (the value of the server), not {value}", bounds=bounds, value=brief(value))
