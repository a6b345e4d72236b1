"""The properties of each fictional domain in each month, determined by a seed.

The share of signed domains grows from one third to two thirds, old algorithms are replaced, and one operator has an
outage for two months. Halfway, a new version of the engine adds a test case and raises a level, so that a report shows
both changes of the domains and changes of the measurement.

Addresses, AS numbers and names are reserved for documentation (RFC 5737, RFC 3849, RFC 5398, RFC 2606).
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

_STEMS = (
    "alder", "amber", "birch", "bright", "cedar", "clear", "cobalt", "copper", "coral", "crown", "delta", "ember",
    "falcon", "fern", "flint", "forest", "garnet", "glacier", "golden", "granite", "harbour", "hazel", "heron",
    "hollow", "indigo", "island", "ivory", "jasper", "juniper", "lantern", "linden", "lotus", "maple", "marble",
    "meadow", "mistral", "north", "ocean", "olive", "onyx", "orchard", "otter", "pebble", "pine", "prairie",
    "quartz", "raven", "river", "rowan", "saffron", "sable", "silver", "slate", "solar", "spruce", "stone",
    "summit", "thistle", "timber", "topaz", "valley", "velvet", "willow", "winter",
)  # fmt: skip
_ENDINGS = (
    "bakery", "bank", "bikes", "books", "cafe", "clinic", "club", "crafts", "dental", "design", "farm", "films",
    "garden", "hotel", "labs", "legal", "market", "media", "motors", "music", "news", "outdoor", "paper", "photo",
    "print", "school", "shop", "sports", "studio", "tea", "tools", "travel",
)  # fmt: skip
MAX_DOMAINS = 20_000


@dataclass(frozen=True)
class Operator:
    """An operator of name servers. A server is (name, IPv4 address, IPv6 address); an empty string means no address."""

    name: str
    weight: int
    asn: int
    second_asn: int  # of the second server; equal to asn for operators with one network
    software: str  # empty: not disclosed
    latency_ms: float
    servers: Sequence[tuple[str, str, str]]


OPERATORS = (
    Operator(
        "Harbour DNS", 38, 64496, 64497, "", 12.0,
        (
            ("ns1.harbour.example", "192.0.2.10", "2001:db8:1::10"),
            ("ns2.harbour.example", "198.51.100.10", "2001:db8:2::10"),
        ),
    ),
    Operator(
        "Northwind Hosting", 26, 64498, 64498, "NSD 4.10", 18.0,
        (
            ("a.northwind.example", "192.0.2.70", "2001:db8:3::70"),
            ("b.northwind.example", "192.0.2.71", "2001:db8:3::71"),
        ),
    ),
    Operator(
        "Cloudberry", 18, 64499, 64500, "", 9.0,
        (
            ("dns1.cloudberry.example", "203.0.113.20", "2001:db8:4::20"),
            ("dns2.cloudberry.example", "198.51.100.140", "2001:db8:5::20"),
        ),
    ),
    Operator(
        "Old Mill Internet", 12, 64501, 64501, "BIND 9.18", 35.0,
        (("ns.oldmill.example", "203.0.113.130", ""), ("ns2.oldmill.example", "203.0.113.131", "")),
    ),
    Operator(
        "Self-hosted", 6, 64502, 64502, "Knot DNS 3.4", 44.0,
        (("ns1.{domain}", "203.0.113.200", ""), ("ns2.{domain}", "203.0.113.201", "2001:db8:6::201")),
    ),
)  # fmt: skip
BREAKS = 1  # index of the operator with the outage
OLD_ENGINE, NEW_ENGINE = "0.9.4", "1.0.0"


@dataclass(frozen=True)
class Truth:
    """The properties of a domain in a month."""

    operator: Operator
    broken_server: bool
    abandoned: bool  # no name server responds
    algorithm: int | None  # None: not signed
    nsec3_iterations: int | None  # None: NSEC
    has_mail: bool
    long_refresh: bool
    has_caa: bool
    engine_version: str


class Story:
    """The properties of up to MAX_DOMAINS domains over a number of months."""

    def __init__(self, *, domains: int, months: int, seed: int = 0) -> None:
        self.months = months
        self._count = domains
        self._seed = seed

    @cached_property
    def domains(self) -> Sequence[str]:
        """The sorted domains."""
        made = random.Random(f"names {self._seed}")  # not used for secrets
        names: dict[str, None] = {}
        while len(names) < self._count:
            stem, ending = made.choice(_STEMS), made.choice(_ENDINGS)
            number = "" if len(names) < len(_STEMS) * 8 else str(made.randrange(1, 100))
            names[f"{stem}-{ending}{number}.{made.choice(('test', 'example'))}"] = None
        return sorted(names)

    def truth(self, domain: str, month: int) -> Truth:
        """Return the properties of a domain in a month, counted from 0."""
        drawn = random.Random(f"{self._seed} {domain}")
        number = drawn.choices(range(len(OPERATORS)), [operator.weight for operator in OPERATORS])[0]
        when_signed, when_rolled, weakness = drawn.random(), drawn.random(), drawn.random()
        passed = month / max(1, self.months - 1)
        signed = when_signed < 0.33 + 0.34 * passed
        nsec3 = drawn.random() < 0.6
        return Truth(
            operator=OPERATORS[number],
            abandoned=drawn.random() < 0.015 + 0.015 * passed,
            broken_server=number == BREAKS and self._is_broken(month),
            algorithm=_algorithm(drawn, rolled=when_rolled < passed) if signed else None,
            nsec3_iterations=(0 if drawn.random() < 0.5 + passed / 2 else 10) if nsec3 else None,
            has_mail=weakness > 0.08 or passed > drawn.random() + 0.5,
            long_refresh=drawn.random() > 0.15,
            has_caa=drawn.random() < 0.2 + 0.3 * passed,
            engine_version=OLD_ENGINE if month < self.new_engine_at else NEW_ENGINE,
        )

    @property
    def new_engine_at(self) -> int:
        """The month with the first runs of the new engine."""
        return max(1, self.months // 2)

    def _is_broken(self, month: int) -> bool:
        begin = max(1, self.months // 4)
        return begin <= month < begin + 2 and month < self.months - 1


def _algorithm(drawn: random.Random, *, rolled: bool) -> int:
    """Return a DNSSEC algorithm number; over time ECDSA replaces RSA/SHA-1."""
    first = drawn.choices((13, 8, 5), (60, 28, 12))[0]
    return 13 if first == 5 and rolled else first
