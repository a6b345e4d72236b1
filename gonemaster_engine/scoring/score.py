"""Score and grade of a run: a pure function of its entries and a configuration.

Source: contract scoring.md; decisions.md for the category breakdown with CRITICAL entries and for categories without
entries.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from gonemaster_engine.entries import Level
from gonemaster_engine.findings.verdict import is_judged
from gonemaster_engine.scoring.config import DEFAULT_CONFIG, GradeBand, ScoringConfig

__all__ = ["CategoryScore", "Score", "compute_score"]

BEST = 100
CAP_UNDER_CRITICAL = 10
FAILED_GRADE = "F"
BEST_GRADE = "A+"


class ScoredEntry(Protocol):
    """The attributes of an entry that scoring reads: an `Entry` of the engine, or a database row."""

    @property
    def module(self) -> str: ...
    @property
    def tag(self) -> str: ...
    @property
    def level(self) -> Level: ...


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
class Score:
    """The score of a run."""

    score: int  # 0..100
    grade: str  # "A+", "A", ... "F"
    categories: Mapping[str, CategoryScore]
    eligible: bool  # whether the run qualifies for A+
    criteria: Mapping[str, bool | None]  # None: not applicable
    disabled_stacks: tuple[str, ...] = field(default=())  # "ipv4", "ipv6"

    def as_dict(self) -> dict[str, Any]:
        """Return the score as a document for JSON output."""
        return {
            "score": self.score,
            "grade": self.grade,
            "categories": {name: category.as_dict() for name, category in self.categories.items()},
            "bonus": {"eligible": self.eligible, "criteria": dict(self.criteria)},
            "disabled_stacks": list(self.disabled_stacks),
        }


def compute_score(domain: str, entries: Iterable[ScoredEntry], config: ScoringConfig = DEFAULT_CONFIG) -> Score | None:
    """Return the score of a run on `domain` (canonical name); None if the run cannot judge a zone."""
    entries = list(entries)
    if not is_judged(entry.tag for entry in entries):
        return None
    categories = _category_scores(entries, config)
    critical = any(entry.level >= Level.CRITICAL for entry in entries)
    total = min(_weighted_mean(categories, config), CAP_UNDER_CRITICAL if critical else BEST)
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
    )


def _category_scores(entries: list[ScoredEntry], config: ScoringConfig) -> dict[str, CategoryScore]:
    penalties = dict.fromkeys(config.category_weights, 0.0)
    counts = dict.fromkeys(config.category_weights, 0)
    for entry in entries:
        category = config.category_of(entry.module)
        # SYSTEM and modules of a category without a weight do not count.
        if category in counts:
            counts[category] += 1
            penalties[category] += config.penalty(entry.tag, entry.level)
    return {name: CategoryScore(max(0.0, BEST - penalties[name]), penalties[name], counts[name]) for name in counts}


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
    def of(cls, domain: str, entries: list[ScoredEntry]) -> _TopGradeData:
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
    return evidence.any("DS05_ALGO_OK", "DS01_DS_ALGO_OK")


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
