"""The changes of a sparse profile: each of its values next to the value that would apply without it.

Source: contract http-api.md section 5.1; decisions.md for test_levels, which are merged per module and tag.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gonemaster_engine.profile.profile import Profile, checked_profile, default_profile
from gonemaster_engine.profile.schema import Document

CHANGED, REDUNDANT, SET, MAP = "changed", "redundant", "set", "map"
KINDS = (CHANGED, REDUNDANT, SET, MAP)


@dataclass(frozen=True, slots=True)
class LevelChange:
    """A tag with a different level."""

    key: str
    default: str
    value: str


@dataclass(frozen=True, slots=True)
class ModuleDifference:
    """The levels of one module: changed tags, tags left to the default, and tags that the engine does not have."""

    module: str
    changed: Sequence[LevelChange]
    missing: Sequence[str]
    unknown: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileDifference:
    """One property that a profile sets."""

    path: str
    kind: str  # one of KINDS; "set" for test_cases, "map" for test_levels
    redundant: bool  # the profile would mean the same without the property
    wholesale: bool = False  # the value replaces the default as a whole
    default: Any = None
    value: Any = None
    excluded: Sequence[str] = ()  # test cases of the default that are excluded
    unknown: Sequence[str] = ()  # test cases that this engine does not have
    modules: Sequence[ModuleDifference] = ()

    @property
    def deviations(self) -> int:
        """Number of single values that differ from the default."""
        if self.kind == MAP:
            return sum(len(module.changed) for module in self.modules)
        if self.kind == SET:
            return len(set(self.default) ^ set(self.value))
        return int(not self.redundant)

    @property
    def unknown_count(self) -> int:
        """Number of test cases or tags that this engine does not have."""
        return len(self.unknown) + sum(len(module.unknown) for module in self.modules)


@dataclass(frozen=True, slots=True)
class DiffSummary:
    """Totals over all properties."""

    deviations: int = 0
    redundant: int = 0
    missing: int = 0
    unknown: int = 0


@dataclass(frozen=True, slots=True)
class ProfileDiff:
    """All properties that a profile sets, by path."""

    properties: Sequence[ProfileDifference] = field(default=())

    @property
    def summary(self) -> DiffSummary:
        """Totals over all properties."""
        return DiffSummary(
            deviations=sum(item.deviations for item in self.properties),
            redundant=sum(item.redundant for item in self.properties),
            missing=sum(len(module.missing) for item in self.properties for module in item.modules),
            unknown=sum(item.unknown_count for item in self.properties),
        )


def diff_profile(document: Mapping[str, Any], base: Profile) -> ProfileDiff:
    """Compare a sparse profile with its base profile.

    Test cases that this engine does not have are reported, not rejected: the profile may be older than the engine.

    Raises:
      ProfileError: a key or value is invalid; the error has the path of each.
    """
    known_cases, unknown_cases = _split_test_cases(document)
    checked = checked_profile(known_cases)
    found = list(_leaves("", checked, base.as_dict()))
    if "test_cases" in checked:
        found.append(_test_cases(checked["test_cases"], list(base.test_cases), unknown_cases))
    if "test_levels" in checked:
        found.append(_test_levels(checked["test_levels"], base.as_dict()["test_levels"]))
    return ProfileDiff(sorted(found, key=lambda item: item.path))


def _split_test_cases(document: Mapping[str, Any]) -> tuple[Mapping[str, Any], list[str]]:
    """Return a document without the test cases that this engine does not have, and their names."""
    names = document.get("test_cases")
    if not isinstance(names, list):
        return document, []
    having = frozenset(default_profile().test_cases)
    unknown = [name for name in names if isinstance(name, str) and name.lower() not in having]
    return {**document, "test_cases": [name for name in names if name not in unknown]}, sorted(set(unknown))


def _leaves(path: str, checked: Document, base: Mapping[str, Any]) -> Iterator[ProfileDifference]:
    """Yield one difference for each value that is not a mapping."""
    for key, value in checked.items():
        below = f"{path}.{key}" if path else key
        if below in ("test_cases", "test_levels"):
            continue
        if isinstance(value, dict):
            yield from _leaves(below, value, base.get(key, {}))
        else:
            is_same, is_list = value == base.get(key), isinstance(value, list)
            kind = REDUNDANT if is_same else CHANGED
            yield ProfileDifference(
                path=below, kind=kind, redundant=is_same, wholesale=is_list, default=base.get(key), value=value
            )


def _test_cases(value: list[str], default: list[str], unknown: list[str]) -> ProfileDifference:
    return ProfileDifference(
        path="test_cases",
        kind=SET,
        redundant=not unknown and set(value) == set(default),
        wholesale=True,
        default=default,
        value=value,
        excluded=[name for name in default if name not in value],
        unknown=unknown,
    )


def _test_levels(value: Mapping[str, Mapping[str, str]], default: Mapping[str, Mapping[str, str]]) -> ProfileDifference:
    modules = [_module(name, value[name], default.get(name, {})) for name in sorted(value)]
    telling = any(module.changed or module.unknown for module in modules)
    return ProfileDifference(path="test_levels", kind=MAP, redundant=not telling, modules=modules)


def _module(name: str, value: Mapping[str, str], default: Mapping[str, str]) -> ModuleDifference:
    both = sorted(value.keys() & default.keys())
    return ModuleDifference(
        name,
        changed=[LevelChange(tag, default[tag], value[tag]) for tag in both if default[tag] != value[tag]],
        missing=sorted(default.keys() - value.keys()),
        unknown=sorted(value.keys() - default.keys()),
    )
