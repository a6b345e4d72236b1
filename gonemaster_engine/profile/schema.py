"""The schema of profile documents: the table of its keys, and the validation of sparse documents.

Source: contract settings.md section 4.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from gonemaster_engine.entries import Level
from gonemaster_engine.errors import ProfileError
from gonemaster_engine.profile.documents import Problems, brief, is_number, kind
from gonemaster_engine.profile.tag_sets import RELEASES, release_of
from gonemaster_engine.profile.zonemaster_tags import engine_levels
from gonemaster_engine.texts import Text, text_of

Document: TypeAlias = dict[str, Any]
Check: TypeAlias = Callable[[Problems, str, Any], Any]
"""Take a path and its value; return the value in normal form or add a problem."""

IGNORED_KEYS = frozenset({"igntc", "recurse", "usevc", "debug"})  # keys in resolver.defaults of older profiles
UNUSED_SECTIONS = frozenset({"cache", "logfilter"})  # sections of the profile format, empty in the default profile
ASN_STYLES = ("cymru", "ripe")

_SECONDS_MAX = 2**31 - 1  # RFC 2181 section 8: the largest TTL
_TAG = re.compile(r"[A-Z][A-Z0-9_]*")


def check_document(document: Any, known_vars: Mapping[str, Mapping[str, Any]]) -> Document:
    """Return a sparse profile document in normal form: without ignored keys, names and levels in their usual case.

    `known_vars` holds the test_cases_vars of the default profile; its key "*" lists all test cases.

    Raises:
      ProfileError: a key or value is invalid; the error has each path and the allowed values.
    """
    problems = Problems(ProfileError)
    checked = check_section(problems, "", document, _keys(known_vars))
    problems.raise_if_any()
    return dict(checked)


def check_section(problems: Problems, path: str, value: Any, keys: Mapping[str, Check]) -> Any:
    """Return a mapping whose values are in normal form, without ignored keys; add a problem for each unknown key."""
    if not isinstance(value, Mapping):
        return problems.add(path, Text("must be a mapping, not {kind}", kind=kind(value)))
    checked: Document = {}
    for key, item in value.items():
        if _is_ignored(path, key, item):
            continue
        below = f"{path}.{key}" if path else str(key)
        if key not in keys:
            problems.add(below, Text("is not a known key; allowed keys here are {allowed}", allowed=", ".join(keys)))
            continue
        checked[key] = keys[key](problems, below, item)
    return checked


def _is_ignored(path: str, key: Any, item: Any) -> bool:
    if path == "resolver.defaults":
        return key in IGNORED_KEYS
    return not path and key in UNUSED_SECTIONS and item == {}


def _within(keys: Mapping[str, Check]) -> Check:
    return lambda problems, path, value: check_section(problems, path, value, keys)


def _keys(known_vars: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Check]:
    return {
        "resolver": _within({"defaults": _within(_RESOLVER), "source4": _source(4), "source6": _source(6)}),
        "net": _within({"ipv4": _flag, "ipv6": _flag, "allow_non_global_targets": _flag}),
        "no_network": _flag,
        "asn_db": _within({"style": _asn_style, "sources": _asn_sources}),
        "badkeys": _badkeys,
        "zonemaster": _within({"tags": _release}),
        "test_cases": _test_cases(tuple(known_vars["*"])),
        "test_levels": _test_levels,
        "test_cases_vars": _test_cases_vars(known_vars),
    }


def _flag(problems: Problems, path: str, value: Any) -> Any:
    return (
        value
        if isinstance(value, bool)
        else problems.add(path, Text("must be true or false, not {brief}", brief=brief(value)))
    )


def _whole(lowest: int, highest: int) -> Check:
    def check(problems: Problems, path: str, value: Any) -> Any:
        if isinstance(value, int) and not isinstance(value, bool) and lowest <= value <= highest:
            return value
        return problems.add(
            path,
            Text(
                "must be an integer from {lowest} to {highest}, not {brief}",
                lowest=lowest,
                highest=highest,
                brief=brief(value),
            ),
        )

    return check


def _timeout(problems: Problems, path: str, value: Any) -> Any:
    if is_number(value) and 0 < value <= 255:
        return value
    return problems.add(
        path, Text("must be a number of seconds above 0 and at most 255, not {brief}", brief=brief(value))
    )


def _source(version: int) -> Check:
    def check(problems: Problems, path: str, value: Any) -> Any:
        try:
            if value == "":
                return value
            if isinstance(value, str) and ipaddress.ip_address(value).version == version:
                return str(ipaddress.ip_address(value))
        except ValueError:
            pass
        return problems.add(
            path,
            Text(
                "must be an IPv{version} address of this host or empty, not {brief}",
                version=version,
                brief=brief(value),
            ),
        )

    return check


def _asn_style(problems: Problems, path: str, value: Any) -> Any:
    if isinstance(value, str) and value.lower() in ASN_STYLES:
        return value.lower()
    return problems.add(path, Text("must be Cymru or RIPE, not {brief}", brief=brief(value)))


def _asn_sources(problems: Problems, path: str, value: Any) -> Any:
    if not isinstance(value, Mapping):
        return problems.add(
            path, Text("must be a mapping of style to list of zone names, not {kind}", kind=kind(value))
        )
    checked = {}
    for style, names in value.items():
        if str(style).lower() not in ASN_STYLES:
            problems.add(f"{path}.{style}", Text("is not a known style; allowed styles are Cymru, RIPE"))
        elif not isinstance(names, list) or not names or not all(isinstance(name, str) and name for name in names):
            problems.add(f"{path}.{style}", Text("must be a list of at least one name"))
        else:
            checked[str(style).lower()] = [name.lower().removesuffix(".") for name in names]
    return checked


def _badkeys(problems: Problems, path: str, value: Any) -> Any:
    if isinstance(value, str):  # the short form
        return {"path": value}
    return check_section(problems, path, value, {"path": _text})


def _release(problems: Problems, path: str, value: Any) -> Any:
    if release := release_of(value):
        return release
    return problems.add(
        path,
        Text(
            "must be a release of Zonemaster: {allowed}, not {brief}", allowed=", ".join(RELEASES), brief=brief(value)
        ),
    )


def _text(problems: Problems, path: str, value: Any) -> Any:
    return (
        value if isinstance(value, str) else problems.add(path, Text("must be a string, not {kind}", kind=kind(value)))
    )


def _test_cases(case_ids: tuple[str, ...]) -> Check:
    def check(problems: Problems, path: str, value: Any) -> Any:
        if not isinstance(value, list):
            return problems.add(path, Text("must be a list of test cases, not {kind}", kind=kind(value)))
        names = [name.lower() if isinstance(name, str) else name for name in value]
        for position, name in enumerate(names):
            if name not in case_ids:
                problems.add(f"{path}[{position}]", Text("{brief} is not a test case", brief=brief(value[position])))
        return [name for name in case_ids if name in names]

    return check


def _test_levels(problems: Problems, path: str, value: Any) -> Any:
    """Validate levels; replace Zonemaster's tags with those of this engine.

    Unknown modules and tags are accepted, because profiles outlive engine versions (repair.py warns about them).
    """
    if not isinstance(value, Mapping):
        return problems.add(path, Text("must be a mapping of module to tag to level, not {kind}", kind=kind(value)))
    checked: dict[str, dict[str, Level]] = {}
    for module, levels in value.items():
        below = f"{path}.{module}"
        if not isinstance(module, str) or not _TAG.fullmatch(module.upper()):
            problems.add(below, Text("is not a module"))
        elif not isinstance(levels, Mapping):
            problems.add(below, Text("must be a mapping of tag to level, not {kind}", kind=kind(levels)))
        else:
            checked[module.upper()] = _levels(problems, below, levels)
    return {
        module: {tag: level.name for tag, level in levels.items()} for module, levels in engine_levels(checked).items()
    }


def _levels(problems: Problems, path: str, levels: Mapping[Any, Any]) -> dict[str, Level]:
    checked = {}
    for tag, level in levels.items():
        below = f"{path}.{tag}"
        if not isinstance(tag, str) or not _TAG.fullmatch(tag.upper()):
            problems.add(below, Text("is not a message tag"))
            continue
        try:
            checked[tag.upper()] = Level.parse(level if isinstance(level, str) else brief(level))
        except ValueError as error:
            problems.add(below, text_of(error))
    return checked


def _test_cases_vars(known_vars: Mapping[str, Mapping[str, Any]]) -> Check:
    def check(problems: Problems, path: str, value: Any) -> Any:
        if not isinstance(value, Mapping):
            return problems.add(
                path, Text("must be a mapping of test case to property to value, not {kind}", kind=kind(value))
            )
        checked = {}
        for case_id, properties in value.items():
            below, known = f"{path}.{case_id}", known_vars.get(str(case_id).lower())
            if known is None or case_id == "*":
                having = ", ".join(sorted(known_vars.keys() - {"*"}))
                problems.add(below, Text("has no properties; test cases with properties are {having}", having=having))
                continue
            number = _whole(0, _SECONDS_MAX)
            keys = {name: _flag if isinstance(default, bool) else number for name, default in known.items()}
            checked[str(case_id).lower()] = check_section(problems, below, properties, keys)
        return checked

    return check


_RESOLVER: Mapping[str, Check] = {
    "timeout": _timeout,
    "retry": _whole(1, 255),
    "retrans": _whole(1, 255),
    "fallback": _flag,
    "parallel": _whole(1, 255),
    "unordered": _flag,
    "positive_cache_ttl": _whole(0, _SECONDS_MAX),
    "negative_cache_ttl": _whole(0, _SECONDS_MAX),
    "error_cache_ttl": _whole(0, 86400),
    "fast_fail_timeout_count": _whole(0, 100),
    "nameserver_concurrency": _whole(0, 256),
    "nameserver_max_total_ms": _whole(0, 600_000),
}
