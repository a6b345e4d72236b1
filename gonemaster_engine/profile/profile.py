"""Profiles: the settings of a run, from the default profile and sparse overrides."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from gonemaster_engine.entries import Level
from gonemaster_engine.errors import ProfileError
from gonemaster_engine.profile.documents import parse_document, read_document
from gonemaster_engine.profile.schema import Document, check_document
from gonemaster_engine.profile.tag_sets import with_levels_of_successors

__all__ = [
    "AsnDatabase",
    "Profile",
    "ProfileError",
    "checked_profile",
    "default_profile",
    "load_profile",
    "parse_profile",
]


@dataclass(frozen=True, slots=True)
class AsnDatabase:
    """The databases for lookups of origin ASNs."""

    style: str  # "cymru" or "ripe": the style to try first
    sources: Mapping[str, tuple[str, ...]]  # names of zones ("cymru") and whois servers ("ripe")


@dataclass(frozen=True, eq=False)
class Profile:
    """The settings of a run; compared and hashed by identity, so that it can be a cache key."""

    timeout_s: float  # timeout of one attempt over UDP or TCP
    retry: int  # attempts per query
    retrans_s: int  # pause before the next attempt
    fallback: bool  # retry over TCP after a truncated response
    parallel: int  # number of test cases to run concurrently
    unordered: bool  # whether entries may be reported before those of earlier test cases
    positive_cache_ttl_s: int  # 0: the TTL of the records
    negative_cache_ttl_s: int
    error_cache_ttl_s: int
    fast_fail_timeout_count: int  # 0: never
    nameserver_concurrency: int  # 0: no limit
    nameserver_max_total_ms: int  # 0: no limit
    source4: str  # empty: any address of the host
    source6: str
    ipv4: bool
    ipv6: bool
    allow_non_global_targets: bool
    no_network: bool
    asn_db: AsnDatabase
    badkeys_path: str  # empty: the default locations
    zonemaster_tags: str  # release of Zonemaster whose tags the run reports
    test_cases: tuple[str, ...]  # IDs, in their order
    levels: Mapping[str, Mapping[str, Level]]  # by module and tag
    _document: Document

    def level(self, module: str, tag: str) -> Level:
        """Return the level of a tag; DEBUG if the profile has none."""
        return self.levels.get(module, _NO_LEVELS).get(tag, Level.DEBUG)

    def setting(self, case_id: str, name: str) -> int:
        """Return the value of a property in test_cases_vars.

        Raises:
          KeyError: the default profile has no such property.
        """
        return self._variables[case_id][name]

    @cached_property
    def network_settings(self) -> str:
        """All settings that can change which responses a run gets, as one string."""
        return repr(
            [(field.name, getattr(self, field.name)) for field in fields(self) if field.name not in _NO_NETWORK]
        )

    @cached_property
    def _variables(self) -> Mapping[str, Mapping[str, int]]:
        variables: Mapping[str, Mapping[str, int]] = self._document["test_cases_vars"]
        return variables

    def merge(self, overrides: Mapping[str, Any]) -> Profile:
        """Return this profile with the keys of a sparse document applied.

        Mappings are merged key by key, test_levels per module and tag, test_cases_vars per property; lists are
        replaced. The level of a tag that Zonemaster's newest release replaces also applies to the tags that replace it.

        Raises:
          ProfileError: a key or value is invalid; the error has the path of each.
        """
        checked = checked_profile(overrides)
        if "test_levels" in checked:
            checked["test_levels"] = with_levels_of_successors(checked["test_levels"])
        return _from_document(_merged(self._document, checked)) if checked else self

    def as_dict(self) -> Document:
        """Return the effective profile as a document, which callers may modify."""
        document: Document = _copied(self._document)
        return document


_DEFAULT = Path(__file__).parent.parent / "data" / "default-profile.json"
_NO_LEVELS: Mapping[str, Level] = {}
_NO_NETWORK = frozenset(
    {"parallel", "unordered", "badkeys_path", "zonemaster_tags", "test_cases", "levels", "_document"}
)


@cache
def default_profile() -> Profile:
    """Return the default profile."""
    return _from_document(check_document(_default_document(), _known_vars()))


def checked_profile(document: Any) -> Document:
    """Return a sparse profile document in its normal form.

    Raises:
      ProfileError: a key or value is invalid; the error has the path of each.
    """
    return check_document(document, _known_vars())


def load_profile(path: str | Path) -> Profile:
    """Return the default profile with the overrides of a JSON or YAML file.

    Raises:
      ProfileError: the file cannot be read or is not a profile.
    """
    return default_profile().merge(read_document(path, ProfileError))


def parse_profile(text: str) -> Document:
    """Return the document in a JSON or YAML text, without validation; an empty text is an empty document.

    Raises:
      ProfileError: the text is neither JSON nor YAML.
    """
    return parse_document(text, ProfileError)


@cache
def _default_document() -> Document:
    document: Document = json.loads(_DEFAULT.read_text(encoding="utf-8"))
    return document


@cache
def _known_vars() -> Mapping[str, Mapping[str, Any]]:
    document = _default_document()
    return {**document["test_cases_vars"], "*": dict.fromkeys(document["test_cases"])}


def _merged(base: Any, over: Any) -> Any:
    if not isinstance(base, dict) or not isinstance(over, dict):
        return over
    return {**base, **{key: _merged(base.get(key), value) for key, value in over.items()}}


def _copied(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copied(item) for key, item in value.items()}
    return list(value) if isinstance(value, list) else value


def _from_document(document: Document) -> Profile:
    """Create the profile from a complete, validated document."""
    resolver, defaults, net = document["resolver"], document["resolver"]["defaults"], document["net"]
    return Profile(
        timeout_s=defaults["timeout"],
        retry=defaults["retry"],
        retrans_s=defaults["retrans"],
        fallback=defaults["fallback"],
        parallel=defaults["parallel"],
        unordered=defaults["unordered"],
        positive_cache_ttl_s=defaults["positive_cache_ttl"],
        negative_cache_ttl_s=defaults["negative_cache_ttl"],
        error_cache_ttl_s=defaults["error_cache_ttl"],
        fast_fail_timeout_count=defaults["fast_fail_timeout_count"],
        nameserver_concurrency=defaults["nameserver_concurrency"],
        nameserver_max_total_ms=defaults["nameserver_max_total_ms"],
        source4=resolver["source4"],
        source6=resolver["source6"],
        ipv4=net["ipv4"],
        ipv6=net["ipv6"],
        allow_non_global_targets=net["allow_non_global_targets"],
        no_network=document["no_network"],
        asn_db=_asn_database(document["asn_db"]),
        badkeys_path=document["badkeys"]["path"],
        zonemaster_tags=document["zonemaster"]["tags"],
        test_cases=tuple(document["test_cases"]),
        levels=_levels(document["test_levels"]),
        _document=document,
    )


def _asn_database(section: Document) -> AsnDatabase:
    return AsnDatabase(section["style"], {style: tuple(names) for style, names in section["sources"].items()})


def _levels(section: Document) -> Mapping[str, Mapping[str, Level]]:
    return {module: {tag: Level[level] for tag, level in tags.items()} for module, tags in section.items()}
