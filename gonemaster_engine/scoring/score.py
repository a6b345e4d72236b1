"""Score and grade of a run: a pure function of its entries and a configuration.

Source: contract scoring.md, and causes.md for the caps; decisions.md for the category breakdown with CRITICAL entries
and for categories without entries.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any

from gonemaster_engine.entries import Level
from gonemaster_engine.findings.causes.evidence import ReadEntry, ReadTiming
from gonemaster_engine.findings.causes.model import Cause, Harm
from gonemaster_engine.findings.causes.registry import causes_of
from gonemaster_engine.findings.messages import DEFAULT_LOCALE
from gonemaster_engine.findings.verdict import is_judged
from gonemaster_engine.scoring.config import BEST, DEFAULT_CONFIG, GradeBand, ScoringConfig
from gonemaster_engine.scoring.rule import RULE_VERSION

__all__ = ["BEST", "CategoryScore", "Score", "compute_score"]

CAP_UNDER_CRITICAL = 10
FAILED_GRADE = "F"
BEST_GRADE = "A+"


@dataclass(frozen=True, slots=True)
class CategoryScore:
    """The score of one category: 100 minus its penalties, at least 0."""

    score: float
    penalties: float
    entry_count: int

    @property
    def tested(self) -> bool:
        """Whether the run has any entry of this category."""
        return self.entry_count > 0

    def as_dict(self) -> dict[str, Any]:
        """Return the category as a document for JSON output."""
        return {
            "score": _plain(self.score),
            "penalties": _plain(self.penalties),
            "entry_count": self.entry_count,
            "tested": self.tested,
        }


@dataclass(frozen=True, slots=True)
class Cap:
    """The best score and grade that a run can have, because of the harm that a cause does."""

    cause: Cause
    grade: str
    score: int

    def as_dict(self, *, locale: str = DEFAULT_LOCALE) -> dict[str, Any]:
        """Return the cap as a document for JSON output."""
        shown = {"harm": self.cause.harm.value, "cause": self.cause.id, "title": self.cause.title(locale=locale)}
        return shown | {"grade": self.grade, "score": self.score}


@dataclass(frozen=True, slots=True)
class Deduction:
    """An entry with a penalty. The penalty does not count if a cause explains the entry, whose cap counts instead."""

    position: int  # among the entries of the run
    tag: str
    level: Level
    category: str
    penalty: float
    points: float  # of the score
    cause: str | None  # the cause that explains the entry, if its cap counts instead

    def as_dict(self) -> dict[str, Any]:
        """Return the deduction as a document for JSON output."""
        numbers = {"penalty": _plain(self.penalty), "points": _plain(self.points)}
        return {**asdict(self), "level": self.level.name, **numbers}


@dataclass(frozen=True, slots=True)
class Score:
    """The score of a run."""

    score: int  # 0..100
    grade: str  # "A+", "A", ... "F"
    categories: Mapping[str, CategoryScore]
    eligible: bool  # whether the run qualifies for A+
    criteria: Mapping[str, bool | None]  # None: not applicable
    disabled_stacks: tuple[str, ...]  # "ipv4", "ipv6"
    uncapped: int  # the weighted mean of the categories
    cap: Cap | None  # of the worst harm that has one
    deductions: tuple[Deduction, ...]

    @classmethod
    def without_details(cls, score: int, grade: str) -> Score:
        """Return a stored score whose entries are no longer known."""
        return cls(score, grade, {}, False, {}, (), score, None, ())

    def explained(self, *, locale: str = DEFAULT_LOCALE) -> dict[str, Any]:
        """Return the score with what it would be without a cap, and with the points that each entry costs."""
        deductions = [deduction.as_dict() for deduction in self.deductions]
        return self.as_dict(locale=locale) | {"uncapped": self.uncapped, "deductions": deductions}

    def as_dict(self, *, locale: str = DEFAULT_LOCALE) -> dict[str, Any]:
        """Return the score as a document for JSON output."""
        return {
            "score": self.score,
            "grade": self.grade,
            "rule": RULE_VERSION,
            "cap": self.cap.as_dict(locale=locale) if self.cap else None,
            "categories": {name: category.as_dict() for name, category in self.categories.items()},
            "bonus": {"eligible": self.eligible, "criteria": dict(self.criteria)},
            "disabled_stacks": list(self.disabled_stacks),
        }


def compute_score(
    domain: str,
    entries: Iterable[ReadEntry],
    config: ScoringConfig = DEFAULT_CONFIG,
    *,
    timings: Iterable[ReadTiming] = (),
    causes: Sequence[Cause] | None = None,
) -> Score | None:
    """Return the score of a run on `domain` (canonical name); None if the run cannot judge a zone.

    A caller that has computed the causes of the run passes them, which halves the cost.
    """
    entries = list(entries)
    if not is_judged(entry.tag for entry in entries):
        return None
    causes = causes_of(domain, entries, timings) if causes is None else causes
    costs = [_cost(config, entry.module, entry.tag, entry.level) for entry in entries]
    deductions = _deductions(entries, costs, causes, config)
    categories = _category_scores(costs, deductions, config)
    critical = any(entry.level >= Level.CRITICAL for entry in entries)
    cap = _cap(causes, config)
    uncapped = _weighted_mean(categories, config)
    total = min(uncapped, cap.score if cap else BEST, CAP_UNDER_CRITICAL if critical else BEST)
    criteria = _criteria(_TopGradeData.of(domain, entries), config)
    # A criterion that does not apply (None) does not prevent an A+.
    eligible = bool(entries) and total == BEST and all(met is not False for met in criteria.values())
    return Score(
        score=total,
        grade=FAILED_GRADE if critical else _grade(total, config.grade_bands, eligible=eligible),
        categories=categories,
        eligible=eligible,
        criteria=criteria,
        disabled_stacks=_disabled_stacks(frozenset(entry.tag for entry in entries)),
        uncapped=uncapped,
        cap=cap,
        deductions=deductions,
    )


@lru_cache(maxsize=5_000)  # most entries of a process have been seen before
def _cost(config: ScoringConfig, module: str, tag: str, level: Level) -> tuple[str | None, float]:
    """Return the category and the penalty of an entry; None and 0 if the category does not count."""
    category = config.category_of(module)
    if category is None or category not in config.category_weights:
        return None, 0.0  # SYSTEM and modules of a category without a weight
    return category, config.penalty(tag, level)


def _cap(causes: Iterable[Cause], config: ScoringConfig) -> Cap | None:
    """Return the cap of the worst harm; None if no cause has a harm with a cap."""
    capped = [(cause, grade) for cause in causes if (grade := config.best_grade(cause.harm)) is not None]
    if not capped:
        return None
    cause, grade = min(capped, key=lambda each: each[0].harm.rank)
    return Cap(cause, grade, config.highest_score(grade))


def _deductions(
    entries: list[ReadEntry], costs: list[tuple[str | None, float]], causes: Iterable[Cause], config: ScoringConfig
) -> tuple[Deduction, ...]:
    """Return what the entries cost.

    The cap of a harm that resolvers see replaces the penalties of its entries: two faults with the same harm cost the
    same, even if one of them has more entries.
    """
    replaced = {
        position: cause.id
        for cause in causes
        if cause.harm.is_worse_than(Harm.RISK) and config.best_grade(cause.harm) is not None
        for position in cause.found.explains
    }
    weights = config.category_weights
    total = math.fsum(weights.values())
    found = []
    for position, (category, penalty) in enumerate(costs):
        if category is not None and penalty:
            entry, cause = entries[position], replaced.get(position)
            points = 0.0 if cause or not total else penalty * weights[category] / total
            found.append(Deduction(position, entry.tag, entry.level, category, penalty, points, cause))
    return tuple(found)


def _category_scores(
    costs: list[tuple[str | None, float]], deductions: Iterable[Deduction], config: ScoringConfig
) -> dict[str, CategoryScore]:
    penalties = dict.fromkeys(config.category_weights, 0.0)
    for deduction in deductions:
        if deduction.cause is None:
            penalties[deduction.category] += deduction.penalty
    counts = Counter(category for category, _ in costs)
    return {name: CategoryScore(max(0.0, BEST - penalty), penalty, counts[name]) for name, penalty in penalties.items()}


def _weighted_mean(categories: Mapping[str, CategoryScore], config: ScoringConfig) -> int:
    weights = config.category_weights
    # With fsum, the sum does not depend on the order of the categories in a document.
    total = math.fsum(weights.values())
    if not total:
        return BEST
    mean = math.fsum(category.score * weights[name] for name, category in categories.items()) / total
    return min(BEST, max(0, math.trunc(round(mean, 9))))  # rounded first: 99.99999999999999 is 100


def _grade(score: int, bands: Iterable[GradeBand], *, eligible: bool) -> str:
    for band in bands:
        # Without the criteria for A+, the best score gets the next grade.
        if score >= band.min_score and (band.grade != BEST_GRADE or eligible):
            return band.grade
    return FAILED_GRADE


def _disabled_stacks(tags: frozenset[str]) -> tuple[str, ...]:
    families = ("ipv4", "ipv6")
    return tuple(
        family for family in families if tags & {f"{family.upper()}_DISABLED", f"CN01_{family.upper()}_DISABLED"}
    )


@dataclass(frozen=True, slots=True)
class _TopGradeData:
    """The data that the criteria for A+ use."""

    is_tld: bool
    worst: Level
    tags: frozenset[str]

    @classmethod
    def of(cls, domain: str, entries: list[ReadEntry]) -> _TopGradeData:
        worst = max((entry.level for entry in entries), default=Level.DEBUG3)
        return cls("." not in domain.strip("."), worst, frozenset(entry.tag.upper() for entry in entries))

    def any(self, *tags: str) -> bool:
        return not self.tags.isdisjoint(tags)


def _criteria(evidence: _TopGradeData, config: ScoringConfig) -> dict[str, bool | None]:
    return {name: judge(evidence) for name, judge in CRITERIA.items() if name in config.bonus_criteria}


def _no_warnings_or_errors(evidence: _TopGradeData) -> bool | None:
    return evidence.worst < Level.WARNING


def _dnssec_enabled(evidence: _TopGradeData) -> bool | None:
    return evidence.any("DS07_SIGNED")


def _strong_algorithm(evidence: _TopGradeData) -> bool | None:
    if evidence.any("DS05_ALGO_DEPRECATED", "DS05_ALGO_NOT_RECOMMENDED", "DS01_DS_ALGO_DEPRECATED"):
        return False
    return evidence.any("DS05_ALGO_OK", "DS05_ALGO_RECOMMENDED", "DS05_ALGO_MAY", "DS01_DS_ALGO_OK")


def _nsec3_non_optout(evidence: _TopGradeData) -> bool | None:
    # Opt-out is usual in zones with many delegations (RFC 5155 section 6), so it does not count against a TLD.
    if evidence.any("DS03_NSEC3_OPT_OUT_ENABLED_TLD"):
        return None
    if evidence.any("DS03_NSEC3_OPT_OUT_ENABLED_NON_TLD"):
        return False
    return evidence.any("DS03_NSEC3_OPT_OUT_DISABLED", "DS03_NO_NSEC3")


def _cds_cdnskey_published(evidence: _TopGradeData) -> bool | None:
    if evidence.is_tld or evidence.any("DS18_NO_CDS_CDNSKEY_BUT_ROLLOVER_EVIDENCE"):
        return None
    return evidence.any("DS15_HAS_CDS_AND_CDNSKEY", "DS15_HAS_CDS_NO_CDNSKEY", "DS15_HAS_CDNSKEY_NO_CDS")


def _ipv6_all_nameservers(evidence: _TopGradeData) -> bool | None:
    if evidence.any("IPV6_DISABLED", "CN01_IPV6_DISABLED"):
        return False
    return True if evidence.any("IPV6_ONE_ASN", "IPV6_SAME_ASN", "IPV6_DIFFERENT_ASN") else None


def _as_diversity(evidence: _TopGradeData) -> bool | None:
    return evidence.any("IPV4_DIFFERENT_ASN", "IPV6_DIFFERENT_ASN")


CRITERIA: Mapping[str, Callable[[_TopGradeData], bool | None]] = {
    "no_warnings_or_errors": _no_warnings_or_errors,
    "dnssec_enabled": _dnssec_enabled,
    "strong_algorithm": _strong_algorithm,
    "nsec3_non_optout": _nsec3_non_optout,
    "cds_cdnskey_published": _cds_cdnskey_published,
    "ipv6_all_nameservers": _ipv6_all_nameservers,
    "as_diversity": _as_diversity,
}


def _plain(number: float) -> float | int:
    return int(number) if number == int(number) else round(number, 3)
