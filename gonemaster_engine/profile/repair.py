"""Stored profiles and a newer engine: missing test cases and properties, and how to repair a profile.

Source: contract settings.md section 5.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gonemaster_engine.errors import ProfileError
from gonemaster_engine.profile.profile import checked_profile, default_profile
from gonemaster_engine.profile.schema import Document

MISSING_TEST_CASE, MISSING_TEST_LEVELS, INVALID_CONFIG = "missing_test_case", "missing_test_levels", "invalid_config"
ISSUE_TYPES = (MISSING_TEST_CASE, MISSING_TEST_LEVELS, INVALID_CONFIG)
_MIN_SIMILARITY = 0.6


@dataclass(frozen=True, slots=True)
class ProfileIssue:
    """One way in which a profile is incompatible with this engine."""

    type: str  # one of ISSUE_TYPES
    module: str  # the module without levels; empty for other issues
    detail: str
    suggestion: str


def find_issues(document: Any) -> list[ProfileIssue]:
    """Compare a stored profile with the default profile of this engine."""
    try:
        checked = checked_profile(document)
    except ProfileError as error:
        return [
            ProfileIssue(
                INVALID_CONFIG, "", str(error), "correct the configuration, or reset the named part to its default"
            )
        ]
    return [*_missing_cases(checked), *_missing_levels(checked)]


def find_unknown_tags(document: Any) -> list[str]:
    """Return a sentence per module of a valid profile that has levels of unknown tags; such levels have no effect.

    Raises:
      ProfileError: a key or value is invalid; the error has the path of each.
    """
    default_levels = default_profile().levels
    sentences = []
    for module, levels in sorted(checked_profile(document).get("test_levels", {}).items()):
        unknown = sorted(levels.keys() - default_levels.get(module, {}).keys())
        if unknown:
            named = ", ".join(f"{tag}{_nearest(module, tag)}" for tag in unknown)
            sentences.append(f"test_levels.{module} has unknown tags, which have no effect: {named}")
    return sentences


def _nearest(module: str, tag: str) -> str:
    """Return the known tag that may be meant, in parentheses; empty if none is similar."""
    levels = default_profile().levels
    elsewhere = [name for name, tags in levels.items() if tag in tags]
    if elsewhere:
        return f" (known in {', '.join(elsewhere)})"
    candidates = [*levels.get(module, {}), *(name for tags in levels.values() for name in tags)]
    found = difflib.get_close_matches(tag, candidates, n=1, cutoff=_MIN_SIMILARITY)
    return f" (similar: {found[0]})" if found else ""


def _missing_cases(checked: Document) -> Iterator[ProfileIssue]:
    missing = sorted(set(default_profile().test_cases) - set(checked.get("test_cases", default_profile().test_cases)))
    if missing:
        advice = "add them with add_missing_test_cases, or run all with reset_test_cases"
        yield ProfileIssue(MISSING_TEST_CASE, "", f"test_cases lacks {', '.join(missing)}", advice)


def _missing_levels(checked: Document) -> Iterator[ProfileIssue]:
    advice = "add the default levels with add_missing_test_levels, or use only the defaults with reset_test_levels"
    for module, levels in sorted(checked.get("test_levels", {}).items()):
        missing = sorted(default_profile().levels.get(module, {}).keys() - levels.keys())
        if missing:
            yield ProfileIssue(MISSING_TEST_LEVELS, module, f"test_levels.{module} lacks {', '.join(missing)}", advice)


def add_missing_test_cases(document: Any) -> Document:
    """Return the profile with all test cases, if it lists any.

    Raises:
      ProfileError: a key or value is invalid; the error has the path of each.
    """
    checked = checked_profile(document)
    if "test_cases" not in checked:
        return checked
    return {**checked, "test_cases": sorted({*checked["test_cases"], *default_profile().test_cases})}


def add_missing_test_levels(document: Any) -> Document:
    """Return the profile with a level for every tag of the modules that it lists.

    Raises:
      ProfileError: a key or value is invalid; the error has the path of each.
    """
    checked = checked_profile(document)
    if "test_levels" not in checked:
        return checked
    defaults = default_profile().as_dict()["test_levels"]
    levels = {module: {**defaults.get(module, {}), **stored} for module, stored in checked["test_levels"].items()}
    return {**checked, "test_levels": levels}


def reset_test_cases(document: Any) -> Document:
    """Return the profile without its list of test cases, so that the default applies.

    Raises:
      ProfileError: the rest is not a valid profile.
    """
    return checked_profile(_without(document, "test_cases"))


def reset_test_levels(document: Any, module: str) -> Document:
    """Return the profile without its levels of a module, so that the default applies.

    Raises:
      ProfileError: the rest is not a valid profile.
    """
    levels = document.get("test_levels") if isinstance(document, Mapping) else None
    if not isinstance(levels, Mapping):
        return checked_profile(document)
    remaining = {name: by_tag for name, by_tag in levels.items() if name.upper() != module.upper()}
    return checked_profile({**document, "test_levels": remaining} if remaining else _without(document, "test_levels"))


def _without(document: Any, key: str) -> Any:
    if not isinstance(document, Mapping):
        return document
    return {name: value for name, value in document.items() if name != key}
