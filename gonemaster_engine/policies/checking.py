"""The validation of policy documents: all problems are collected, each with its path and the nearest known name."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any

from gonemaster_engine.entries import Level
from gonemaster_engine.errors import PolicyError, ProfileError
from gonemaster_engine.profile.documents import Problems, brief, kind
from gonemaster_engine.profile.profile import checked_profile, default_profile
from gonemaster_engine.profile.schema import Check, Document, check_section
from gonemaster_engine.profile.zonemaster_tags import ALIAS_MODULES, engine_tag, table
from gonemaster_engine.spelling import meant
from gonemaster_engine.testcases.catalogue import cases, modules
from gonemaster_engine.texts import Text

FAMILIES = ("ipv4", "ipv6")
MAX_SUITES = 50
MAX_ITEMS = 2_000  # test cases or tags in a list
MAX_TEXT = 2_000  # characters of a description

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_SUITE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,63}")
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}")
_PREFIX = re.compile(r"[A-Z][A-Z0-9_]{0,31}|")

UNREPORTED = frozenset({"ALGORITHM_NOT_RECOMMENDED", "UNKNOWN_OPTION_CODE", "UNSUPPORTED_EDNS_VER"})
"""Tags of the published test policies of RST that neither this engine nor Zonemaster 8.1 reports."""


def check_policy(document: Any) -> Document:
    """Return a policy document in normal form: every key is there, names of modules are expanded to their test cases.

    The key `notes` has a sentence about each tag that the document names as Zonemaster does, and about each one that it
    names in vain.

    Raises:
      PolicyError: a key or value is invalid; the error has each path and what is allowed.
    """
    problems = Problems(PolicyError)
    notes: dict[str, None] = {}
    checked = check_section(problems, "", document, _KEYS)
    if isinstance(document, Mapping):
        for key in ("name", "suites"):
            if key not in document:
                problems.add(key, Text("is missing"))
        checked = {**_DEFAULTS, **checked}
        checked["profile"] = _profile(problems, notes, document.get("profile", {}))
        listed = checked["profile"].get("test_cases", default_profile().test_cases)
        checked["suites"] = _suites(problems, notes, document.get("suites", ()), tuple(listed))
    problems.raise_if_any()
    return {**checked, "notes": list(notes)}


def _matches(pattern: re.Pattern[str], what: str) -> Check:
    def check(problems: Problems, path: str, value: Any) -> Any:
        if isinstance(value, str) and pattern.fullmatch(value):
            return value
        return problems.add(path, Text("must be {what}, not {brief}", what=what, brief=brief(value)))

    return check


def _text(problems: Problems, path: str, value: Any) -> Any:
    if isinstance(value, str) and len(value) <= MAX_TEXT:
        return value
    return problems.add(path, Text("must be a text of at most {longest} characters", longest=MAX_TEXT))


def _families(problems: Problems, path: str, value: Any) -> Any:
    if isinstance(value, list) and all(family in FAMILIES for family in value):
        return [family for family in FAMILIES if family in value]
    return problems.add(path, Text("must be a list of {allowed}", allowed=", ".join(FAMILIES)))


def _fail_level(problems: Problems, path: str, value: Any) -> Any:
    if value is None:
        return None
    known = [level.name for level in Level if level >= Level.INFO]
    if isinstance(value, str) and value.upper() in known:
        return value.upper()
    return problems.add(
        path,
        Text(
            "{brief} is not a level; allowed levels are {known}{meant}",
            brief=brief(value),
            known=", ".join(known),
            meant=meant(value[:100], known) if isinstance(value, str) else "",
        ),
    )


def _later(_problems: Problems, _path: str, value: Any) -> Any:
    """Accept a value that is checked after the others, because it needs them."""
    return value


def _profile(problems: Problems, notes: dict[str, None], document: Any) -> Document:
    """Return the profile in normal form; unlike a profile alone, it must not name unknown tags."""
    try:
        checked = checked_profile(document)
    except ProfileError as error:
        for path, reason in error.problems:
            problems.add(f"profile.{path}" if path else "profile", reason)
        return {}
    levels = default_profile().levels
    for module, tags in document.get("test_levels", {}).items():
        if module.upper() not in levels:
            problems.add(f"profile.test_levels.{module}", _unknown(module.upper(), tuple(levels), Text("a module")))
            continue
        for tag in tags:
            _check_level_tag(problems, notes, module.upper(), tag)
        kept = checked["test_levels"][module.upper()]
        checked["test_levels"][module.upper()] = {tag: kept[tag] for tag in kept if tag not in UNREPORTED}
    return checked


def _check_level_tag(problems: Problems, notes: dict[str, None], module: str, tag: str) -> None:
    path, name = f"profile.test_levels.{module}.{tag}", tag.upper()
    levels = default_profile().levels
    own = engine_tag(name)
    if _is_unreported(notes, name):
        return
    where = ALIAS_MODULES if module == "SYSTEM" and name in table()["system_tags"] else (module,)
    if any(own in levels[each] for each in where):
        _note(notes, name, own)
        return
    elsewhere = [each for each, tags in levels.items() if own in tags]
    if elsewhere:
        problems.add(path, Text("is a tag of {modules}, not of {module}", modules=", ".join(elsewhere), module=module))
    else:
        problems.add(path, _unknown(name, (*levels[module], *_known_tags()), Text("a tag")))


def _is_unreported(notes: dict[str, None], name: str) -> bool:
    """Return whether no engine reports a tag of the published policies, and note it."""
    if name in UNREPORTED:
        text = Text("{name} is in the published RST policies, but no engine reports it: it has no effect", name=name)
        notes[text] = None
    return name in UNREPORTED


def _note(notes: dict[str, None], name: str, own: str) -> None:
    if own != name:
        notes[Text("{name} is the name that Zonemaster uses; it was replaced with {own}", name=name, own=own)] = None


def _unknown(word: str, known: tuple[str, ...], what: str) -> str:
    return Text("{word} is not {what}{meant}", word=brief(word), what=what, meant=meant(word[:100], known))


@cache
def _known_tags() -> tuple[str, ...]:
    """Return all tags that test cases, modules and the run report."""
    levelled = (tag for tags in default_profile().levels.values() for tag in tags)
    declared = (tag.name for case in cases().values() for tag in case.tags)
    return tuple(dict.fromkeys((*levelled, *declared)))


def _suites(problems: Problems, notes: dict[str, None], value: Any, listed: tuple[str, ...]) -> list[Document]:
    if not isinstance(value, list) or not 1 <= len(value) <= MAX_SUITES:
        problems.add("suites", Text("must be a list of 1 to {most} suites", most=MAX_SUITES))
        return []
    found = [_suite(problems, notes, f"suites[{number}]", suite, listed) for number, suite in enumerate(value)]
    seen: set[str] = set()
    for number, suite in enumerate(found):
        name = suite.get("name")
        if isinstance(name, str) and name.casefold() in seen:
            problems.add(f"suites[{number}].name", Text("{name} is the name of an earlier suite", name=repr(name)))
        seen.add(str(name).casefold())
    return found


def _suite(problems: Problems, notes: dict[str, None], path: str, value: Any, listed: tuple[str, ...]) -> Document:
    keys: Mapping[str, Check] = {
        "name": _matches(_SUITE_NAME, _SUITE_NAMES),
        "description": _text,
        "cases": lambda problems, below, names: _cases(problems, below, names, listed),
        "fail_level": _fail_level,
        "fail_tags": lambda problems, below, names: _tags(problems, notes, below, names),
        "ignore_tags": lambda problems, below, names: _tags(problems, notes, below, names),
        "unless_tags": lambda problems, below, names: _tags(problems, notes, below, names),
    }
    checked = check_section(problems, path, value, keys)
    if not isinstance(value, Mapping):
        return {}
    for key in ("name", "cases"):
        if key not in value:
            problems.add(f"{path}.{key}", Text("is missing"))
    if value.get("fail_level") is None and not value.get("fail_tags"):
        problems.add(path, Text("can never fail: set fail_level or fail_tags"))
    both = sorted(_set(checked.get("fail_tags")) & _set(checked.get("ignore_tags")))
    if both:
        problems.add(f"{path}.ignore_tags", Text("also in fail_tags: {tags}", tags=", ".join(both)))
    return {**_SUITE_DEFAULTS, **checked}


def _set(value: Any) -> set[str]:
    return set(value) if isinstance(value, list) else set()


def _cases(problems: Problems, path: str, value: Any, listed: tuple[str, ...]) -> Any:
    """Return the IDs of test cases; a module means those of its test cases that the profile selects."""
    if not _is_list(problems, path, value) or not value:
        return problems.add(path, Text("must be a list of at least one test case or module"))
    chosen: set[str] = set()
    for place, name in _strings(problems, path, value):
        if name.upper() in modules():
            chosen.update(case.id for case in modules()[name.upper()].cases if case.id in listed)
        elif name.lower() not in cases():
            problems.add(place, _unknown(name, (*cases(), *modules()), Text("a test case or module")))
        elif name.lower() not in listed:
            problems.add(place, Text("{name} counts, but profile.test_cases does not contain it", name=name.lower()))
        else:
            chosen.add(name.lower())
    return [case_id for case_id in cases() if case_id in chosen]


def _tags(problems: Problems, notes: dict[str, None], path: str, value: Any) -> Any:
    """Return tags of this engine."""
    if not _is_list(problems, path, value):
        return problems.add(path, Text("must be a list of tags"))
    chosen: set[str] = set()
    known = _known_tags()
    for place, text in _strings(problems, path, value):
        name = text.upper()
        own = engine_tag(name)
        if _is_unreported(notes, name):
            continue
        if own not in known:
            problems.add(place, _unknown(text, known, Text("a tag")))
            continue
        _note(notes, name, own)
        chosen.add(own)
    return sorted(chosen)


def _is_list(_problems: Problems, _path: str, value: Any) -> bool:
    return isinstance(value, list) and len(value) <= MAX_ITEMS


def _strings(problems: Problems, path: str, value: list[Any]) -> Iterator[tuple[str, str]]:
    """Yield the path and text of each item; add a problem for each item that is not a string."""
    for number, item in enumerate(value):
        place = f"{path}[{number}]"
        if isinstance(item, str):
            yield place, item
        else:
            problems.add(place, Text("must be a string, not {kind}", kind=kind(item)))


_SUITE_NAMES = Text("a name of at most 64 letters, digits, spaces, dots, hyphens and underscores")
_SUITE_DEFAULTS: Document = {"name": "", "description": "", "cases": [], "fail_level": None}
_SUITE_DEFAULTS |= {"fail_tags": [], "ignore_tags": [], "unless_tags": []}
_DEFAULTS: Document = {"name": "", "version": "1", "description": "", "needs": [], "code_prefix": ""}
_KEYS: Mapping[str, Callable[[Problems, str, Any], Any]] = {
    "name": _matches(_NAME, Text("a name of at most 64 lower-case letters, digits, dots, hyphens and underscores")),
    "version": _matches(_VERSION, Text("a version of at most 32 letters, digits, dots, hyphens and underscores")),
    "description": _text,
    "needs": _families,
    "code_prefix": _matches(_PREFIX, Text("at most 32 upper-case letters, digits and underscores")),
    "profile": _later,
    "suites": _later,
}
