"""Fact categories: their order, and label, tone and order of each key; stored views contain only keys and counts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

SEVERITY = "severity"
DNSSEC_POSTURE = "dnssec_posture"
IPV6_COVERAGE = "ipv6_coverage"
GRADE = "grade"
DNSKEY_ALGO = "dnskey_algo"
DNSKEY_ALGO_WEAKEST = "dnskey_algo_weakest"
SOFTWARE_VERSION = "software_version"
CAUSE = "cause"

_NEUTRAL = "neutral"


@dataclass(frozen=True, slots=True)
class FactKey:
    """How a key of a category is shown; tones are ok, notice, warning, error, critical and neutral."""

    key: str
    label: str
    tone: str
    order: int


@dataclass(frozen=True, slots=True)
class Category:
    """A property of each domain, with its possible values."""

    name: str
    label: str
    description: str
    order: int
    keys: Mapping[str, FactKey] = field(default_factory=dict)

    def describe(self, key: str) -> FactKey:
        """Return label, tone and order of a key; a key unknown to this version is its own label and comes last."""
        return self.keys.get(key) or FactKey(key, key, _NEUTRAL, len(self.keys))

    def distribution(self, counts: Mapping[str, int]) -> dict[str, Any]:
        """Return a distribution: {category, label, description, order, buckets[{key, label, tone, count, order}]}."""
        shown = sorted((self.describe(key) for key in counts), key=lambda fact: (fact.order, fact.key))
        buckets = [
            {"key": fact.key, "label": fact.label, "tone": fact.tone, "count": counts[fact.key], "order": fact.order}
            for fact in shown
        ]
        head = {"category": self.name, "label": self.label, "description": self.description, "order": self.order}
        return head | {"buckets": buckets}


def _keys(*keys: tuple[str, str, str]) -> dict[str, FactKey]:
    return {key: FactKey(key, label, tone, order) for order, (key, label, tone) in enumerate(keys)}


_ALGORITHMS = _keys(
    ("1", "RSAMD5", "error"),
    ("3", "DSA", "error"),
    ("5", "RSASHA1", "error"),
    ("6", "DSA-NSEC3-SHA1", "error"),
    ("7", "RSASHA1-NSEC3-SHA1", "warning"),
    ("8", "RSASHA256", "notice"),
    ("10", "RSASHA512", "notice"),
    ("12", "ECC-GOST", "warning"),
    ("13", "ECDSAP256SHA256", "ok"),
    ("14", "ECDSAP384SHA384", "ok"),
    ("15", "ED25519", "ok"),
    ("16", "ED448", "ok"),
    ("17", "SM2SM3", "notice"),
    ("18", "MLDSA44", "ok"),
    ("23", "ECC-GOST12", "notice"),
)
_CLASSES = {"error": 1, "warning": 2, "notice": 3, "ok": 4}

SHOWN: Sequence[Category] = (
    Category(
        SEVERITY,
        "Severity",
        "Worst level of the findings of a domain",
        5,
        _keys(
            ("OK", "OK", "ok"),
            ("NOTICE", "Notice", "notice"),
            ("WARNING", "Warning", "warning"),
            ("ERROR", "Error", "error"),
            ("CRITICAL", "Critical", "critical"),
        ),
    ),
    Category(
        DNSSEC_POSTURE,
        "DNSSEC",
        "Whether a domain is signed, and how it denies the existence of names",
        10,
        _keys(
            ("unsigned", "Not signed", "warning"),
            ("nsec", "Signed, NSEC", "ok"),
            ("nsec3", "Signed, NSEC3", "ok"),
            ("mixed", "NSEC and NSEC3 mixed", "error"),
            ("signed", "Signed", "ok"),
            ("none", "Not tested", _NEUTRAL),
        ),
    ),
    Category(
        IPV6_COVERAGE,
        "IPv6",
        "How many of the name servers have an IPv6 address",
        12,
        _keys(("full", "All", "ok"), ("partial", "Some", "notice"), ("none", "None", "warning")),
    ),
    Category(
        GRADE,
        "Grade",
        "Grade of the score of a domain",
        15,
        _keys(
            ("A+", "A+", "ok"),
            ("A", "A", "ok"),
            ("B", "B", "notice"),
            ("C", "C", "warning"),
            ("D", "D", "error"),
            ("F", "F", "critical"),
        ),
    ),
    Category(CAUSE, "Root causes", "What is wrong with a domain, or can be improved; a domain can have several", 18),
    Category(DNSKEY_ALGO, "DNSKEY algorithms", "Algorithms of the keys of a domain", 20, _ALGORITHMS),
    Category(
        DNSKEY_ALGO_WEAKEST,
        "Weakest DNSKEY algorithm",
        "The weakest algorithm of the keys of a domain",
        22,
        _ALGORITHMS,
    ),
)
"""The categories with distributions, in order; software versions are only used to find clusters."""
BY_NAME: Mapping[str, Category] = {category.name: category for category in SHOWN}


def algorithm_rank(number: int) -> int:
    """Return the strength of a DNSSEC algorithm: its class (none 0, error 1, ... ok 4) * 1000 + its number."""
    known = _ALGORITHMS.get(str(number))
    return (_CLASSES[known.tone] if known else 0) * 1000 + number
