"""The scoring configuration: weights, penalties, grades, and the validation of its document.

Source: contract scoring.md sections 2, 3, 5, 6 and 10.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from gonemaster_engine.entries import Level
from gonemaster_engine.errors import ScoringConfigError
from gonemaster_engine.findings.causes.model import Harm
from gonemaster_engine.findings.tags import SYSTEM
from gonemaster_engine.profile.documents import Problems, brief, is_number, kind, read_document
from gonemaster_engine.profile.zonemaster_tags import engine_tag
from gonemaster_engine.testcases.registry import MODULE_NAMES
from gonemaster_engine.texts import Text, text_of

BEST = 100
CRITERION_NAMES = (
    "no_warnings_or_errors",
    "dnssec_enabled",
    "strong_algorithm",
    "nsec3_non_optout",
    "cds_cdnskey_published",
    "ipv6_all_nameservers",
    "as_diversity",
)

_SEVERITY_PENALTIES = {Level.INFO: 0, Level.NOTICE: 1, Level.WARNING: 5, Level.ERROR: 20, Level.CRITICAL: 0}
_CATEGORY_WEIGHTS = {"dnssec": 1.5, "nameserver_health": 1.2, "connectivity": 1.0, "zone_consistency": 0.8}
_MODULE_CATEGORIES = {
    "DNSSEC": "dnssec",
    "NAMESERVER": "nameserver_health",
    "BASIC": "nameserver_health",
    "DELEGATION": "nameserver_health",
    "CONNECTIVITY": "connectivity",
    "ADDRESS": "connectivity",
    "CONSISTENCY": "zone_consistency",
    "ZONE": "zone_consistency",
    "SYNTAX": "zone_consistency",
}
_TAG_PENALTIES = {
    "DS07_NOT_SIGNED": 20,
    "DS07_NO_DS_FOR_SIGNED_ZONE": 20,
    "NO_IPV6_NS_CHILD": 20,
    "NO_IPV6_NS_DEL": 20,
    "N15_SOFTWARE_VERSION": 0,
    "N16_HAS_NSID": 0,
    "N18_NO_EXTENDED_ERROR": 0,
    "N18_EXTENDED_ERROR_REPORTED": 0,
    "N18_SERVER_ERROR_REPORTED": 0,
    "N18_RESOLVER_BEHAVIOR_REPORTED": 0,
    "N18_FILTERED_RESPONSE": 0,
    "N18_NO_RESPONSE": 0,
    "DS19_BLOCKLIST_NOT_FOUND": 0,
    "DS05_ALGO_MAY": 0,
}


_HARM_CAPS = {Harm.EVERYONE: "F", Harm.VALIDATING_RESOLVERS: "F", Harm.SOME: "C", Harm.RISK: "B"}
CAPPED_HARMS = tuple(_HARM_CAPS)


@dataclass(frozen=True, slots=True)
class GradeBand:
    """A grade and the lowest score that earns it."""

    grade: str
    min_score: float


_GRADE_BANDS = tuple(
    GradeBand(grade, lowest) for grade, lowest in (("A+", 100), ("A", 90), ("B", 75), ("C", 60), ("D", 40), ("F", 0))
)


@dataclass(frozen=True, eq=False)
class ScoringConfig:
    """The rules that turn entries into a score."""

    severity_penalties: Mapping[Level, float] = field(default_factory=lambda: _SEVERITY_PENALTIES)
    category_weights: Mapping[str, float] = field(default_factory=lambda: _CATEGORY_WEIGHTS)
    module_categories: Mapping[str, str] = field(default_factory=lambda: _MODULE_CATEGORIES)  # module in upper case
    tag_penalties: Mapping[str, float] = field(default_factory=lambda: _TAG_PENALTIES)  # tag in upper case
    grade_bands: tuple[GradeBand, ...] = _GRADE_BANDS  # best first
    bonus_criteria: tuple[str, ...] = CRITERION_NAMES
    harm_caps: Mapping[Harm, str] = field(default_factory=lambda: _HARM_CAPS)  # best grade by harm

    def best_grade(self, harm: Harm) -> str | None:
        """Return the best grade of a run with this harm; None without a cap, or if the cap is not one of the grades."""
        grade = self.harm_caps.get(harm)
        return grade if any(band.grade == grade for band in self.grade_bands) else None

    def highest_score(self, grade: str) -> int:
        """Return the highest score that is below the next better grade."""
        better = [band.min_score for band in self.grade_bands if band.min_score > self._lowest_score(grade)]
        return math.ceil(min(better)) - 1 if better else BEST

    def _lowest_score(self, grade: str) -> float:
        return next((band.min_score for band in self.grade_bands if band.grade == grade), 0)

    def penalty(self, tag: str, level: Level) -> float:
        """Return the penalty of an entry."""
        own = self.tag_penalties.get(tag.upper())
        return self.severity_penalties.get(level, 0) if own is None else own

    def category_of(self, module: str) -> str | None:
        """Return the category of a module; None if it does not count, which is always the case for SYSTEM."""
        name = module.upper()
        return None if name == SYSTEM else self.module_categories.get(name)

    def as_dict(self) -> dict[str, Any]:
        """Return the complete document."""
        return {
            "severity_penalties": {level.name: penalty for level, penalty in self.severity_penalties.items()},
            "category_weights": dict(self.category_weights),
            "module_categories": dict(self.module_categories),
            "tag_penalties": dict(self.tag_penalties),
            "grade_bands": [{"grade": band.grade, "min_score": band.min_score} for band in self.grade_bands],
            "bonus_criteria": list(self.bonus_criteria),
            "harm_caps": {str(harm): grade for harm, grade in self.harm_caps.items()},
        }

    @property
    def fingerprint(self) -> str:
        """A hash of the configuration; "default" for the default."""
        if self is DEFAULT_CONFIG or self.as_dict() == DEFAULT_CONFIG.as_dict():
            return "default"
        return hashlib.sha256(json.dumps(self.as_dict(), sort_keys=True).encode()).hexdigest()


DEFAULT_CONFIG = ScoringConfig()
GRADES = tuple(band.grade for band in DEFAULT_CONFIG.grade_bands)  # best first


def parse_config(document: Any, *, refuse_ignored: bool = False) -> ScoringConfig:
    """Return the configuration of a document; a given key replaces the default as a whole.

    With `refuse_ignored`, values that would be ignored are errors, too.

    Raises:
      ScoringConfigError: a key or value is invalid; the error has the path of each.
    """
    problems = Problems(ScoringConfigError)
    if not isinstance(document, Mapping):
        problems.add("", Text("must be a mapping, not {kind}", kind=kind(document)))
        document = {}
    for key in document.keys() - _CHECKS.keys():
        problems.add(str(key), Text("is not a known key; allowed keys are {allowed}", allowed=", ".join(_CHECKS)))
    given = {key: check(problems, key, document[key]) for key, check in _CHECKS.items() if key in document}
    if refuse_ignored:
        _check_ignored(problems, document)
    problems.raise_if_any()
    config = ScoringConfig(**given)
    _check_categories(problems, config)
    _check_caps(problems, config)
    problems.raise_if_any()
    return config


def load_config(path: str | Path) -> ScoringConfig:
    """Return the configuration in a JSON or YAML file.

    Raises:
      ScoringConfigError: the file cannot be read or is not a configuration.
    """
    return parse_config(read_document(path, ScoringConfigError))


def _check_categories(problems: Problems, config: ScoringConfig) -> None:
    for module, category in config.module_categories.items():
        if category not in config.category_weights:
            allowed = ", ".join(config.category_weights)
            problems.add(
                f"module_categories.{module}",
                Text("{category} has no weight; categories are {allowed}", category=repr(category), allowed=allowed),
            )
    if not any(config.category_weights.values()):
        problems.add("category_weights", Text("needs at least one weight above 0"))


def _check_caps(problems: Problems, config: ScoringConfig) -> None:
    grades = [band.grade for band in config.grade_bands]
    for harm, grade in config.harm_caps.items():
        if grade not in grades and config.harm_caps is not _HARM_CAPS:
            problems.add(
                f"harm_caps.{harm}",
                Text("{grade} is not a grade; grades are {allowed}", grade=repr(grade), allowed=", ".join(grades)),
            )


def _check_ignored(problems: Problems, document: Mapping[Any, Any]) -> None:
    """Report values that would be ignored: names that differ only in case, and a category for SYSTEM."""
    for path in ("severity_penalties", "module_categories", "tag_penalties"):
        names = document[path] if isinstance(document.get(path), Mapping) else {}
        seen: set[str] = set()
        for name in names:
            if str(name).upper() in seen:
                problems.add(f"{path}.{name}", Text("is a duplicate; case is ignored"))
            seen.add(str(name).upper())
            if path == "module_categories" and str(name).upper() == SYSTEM:
                problems.add(f"{path}.{name}", Text("cannot have a category: this module does not affect the score"))
    criteria = document.get("bonus_criteria")
    if isinstance(criteria, list) and len(set(map(str, criteria))) < len(criteria):
        problems.add("bonus_criteria", Text("contains a duplicate criterion"))


def _map(problems: Problems, path: str, value: Any) -> Mapping[Any, Any]:
    if isinstance(value, Mapping):
        return value
    problems.add(path, Text("must be a mapping, not {kind}", kind=kind(value)))
    return {}


def _number(problems: Problems, path: str, value: Any, *, highest: float = 1_000_000) -> float:
    if is_number(value) and 0 <= value <= highest:
        number: float = value
        return number
    problems.add(path, Text("must be a number from 0 to {highest}, not {brief}", highest=highest, brief=brief(value)))
    return 0


def _severity_penalties(problems: Problems, path: str, value: Any) -> Mapping[Level, float]:
    checked = {}
    for name, penalty in _map(problems, path, value).items():
        try:
            checked[Level.parse(str(name))] = _number(problems, f"{path}.{name}", penalty)
        except ValueError as error:
            problems.add(f"{path}.{name}", text_of(error))
    return checked


def _category_weights(problems: Problems, path: str, value: Any) -> Mapping[str, float]:
    items = _map(problems, path, value).items()
    return {str(name): _number(problems, f"{path}.{name}", weight) for name, weight in items}


def _module_categories(problems: Problems, path: str, value: Any) -> Mapping[str, str]:
    checked = {}
    for name, category in _map(problems, path, value).items():
        module = str(name).upper()
        if module not in (*MODULE_NAMES, SYSTEM):
            problems.add(
                f"{path}.{name}", Text("is not a module; modules are {allowed}", allowed=", ".join(MODULE_NAMES))
            )
        elif not isinstance(category, str):
            problems.add(f"{path}.{name}", Text("must be the name of a category, not {kind}", kind=kind(category)))
        elif module != SYSTEM:  # always neutral
            checked[module] = category
    return checked


def _tag_penalties(problems: Problems, path: str, value: Any) -> Mapping[str, float]:
    """Validate penalties; Zonemaster's names of tags become those of this engine, whose own names have precedence."""
    items = [(str(tag), penalty) for tag, penalty in _map(problems, path, value).items()]
    checked = {tag.upper(): _number(problems, f"{path}.{tag}", penalty) for tag, penalty in items}
    return {engine_tag(tag): penalty for tag, penalty in checked.items()} | {
        tag: penalty for tag, penalty in checked.items() if engine_tag(tag) == tag
    }


def _grade_bands(problems: Problems, path: str, value: Any) -> tuple[GradeBand, ...]:
    if not isinstance(value, list) or not value:
        problems.add(path, Text("must be a list of at least one {{grade, min_score}}"))
        return ()
    bands = [_grade_band(problems, f"{path}[{position}]", item) for position, item in enumerate(value)]
    if len({band.grade for band in bands}) < len(bands):
        problems.add(path, Text("contains a duplicate grade"))
    return tuple(sorted(bands, key=lambda band: -band.min_score))


def _grade_band(problems: Problems, path: str, value: Any) -> GradeBand:
    band = _map(problems, path, value)
    if band.keys() != {"grade", "min_score"}:
        problems.add(path, Text("must have the keys grade and min_score, and no others"))
        return GradeBand("", 0)
    grade = band["grade"]
    if not isinstance(grade, str) or not 0 < len(grade) <= 8:
        problems.add(f"{path}.grade", Text("must be a string of 1 to 8 characters, not {brief}", brief=brief(grade)))
    return GradeBand(str(grade), _number(problems, f"{path}.min_score", band["min_score"], highest=100))


def _bonus_criteria(problems: Problems, path: str, value: Any) -> tuple[str, ...]:
    """Validate the criteria that count: a list of names, or a mapping of names to true or false."""
    if isinstance(value, Mapping):
        if not all(isinstance(counts, bool) for counts in value.values()):
            problems.add(path, Text("must be true or false for each criterion"))
        unknown, chosen = set(value) - set(CRITERION_NAMES), {name for name, counts in value.items() if counts}
    elif isinstance(value, list) and all(isinstance(name, str) for name in value):
        unknown, chosen = set(value) - set(CRITERION_NAMES), set(value)
    else:
        problems.add(path, Text("must be a list of criteria, not {kind}", kind=kind(value)))
        return ()
    for name in sorted(map(str, unknown)):
        problems.add(
            f"{path}.{name}", Text("is not a criterion; criteria are {allowed}", allowed=", ".join(CRITERION_NAMES))
        )
    return tuple(name for name in CRITERION_NAMES if name in chosen)


def _harm_caps(problems: Problems, path: str, value: Any) -> Mapping[Harm, str]:
    checked = {}
    for name, grade in _map(problems, path, value).items():
        if name not in CAPPED_HARMS:
            allowed = ", ".join(CAPPED_HARMS)
            problems.add(f"{path}.{name}", Text("is not a harm with a cap; harms are {allowed}", allowed=allowed))
        elif not isinstance(grade, str):
            problems.add(f"{path}.{name}", Text("must be a grade, not {kind}", kind=kind(grade)))
        else:
            checked[Harm(name)] = grade
    return checked


_Check: TypeAlias = Callable[[Problems, str, Any], Any]
_CHECKS: Mapping[str, _Check] = {
    "severity_penalties": _severity_penalties,
    "category_weights": _category_weights,
    "module_categories": _module_categories,
    "tag_penalties": _tag_penalties,
    "grade_bands": _grade_bands,
    "bonus_criteria": _bonus_criteria,
    "harm_caps": _harm_caps,
}
