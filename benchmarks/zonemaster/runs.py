"""The input of both engines: a zone of the test world, tested in one of several ways."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, Final, TypeAlias

Zone: TypeAlias = Mapping[str, Any]
"""A zone as the world's manifest describes it."""


@dataclass(frozen=True)
class Run:
    """A zone and the way to test it."""

    id: str
    zone: Zone
    way: str
    domain: str
    profile: Mapping[str, Any] = field(default_factory=dict)
    ns: tuple[tuple[str, str | None], ...] = ()
    ds: tuple[tuple[int, int, int, str], ...] = ()

    @property
    def defects(self) -> frozenset[str]:
        """Return the names of the zone's defects in the manifest, and those of its TLD as "tld_..."."""
        own = {_name(defect) for defect in self.zone["defects"]}
        return frozenset(own | {f"tld_{_name(defect)}" for defect in self.zone["tld_defects"]})

    def as_dict(self, hints: Path) -> dict[str, Any]:
        """Return the run in the format that runs.pl reads."""
        keys = ("keytag", "algorithm", "type", "digest")
        ds = [dict(zip(keys, record, strict=True)) for record in self.ds]
        reported = {"domain": self.domain, "profile": self.profile, "ns": self.ns, "ds": ds}
        return {"id": self.id, "hints": str(hints), **reported}


def _name(defect: str | Mapping[str, str]) -> str:
    return defect if isinstance(defect, str) else defect["name"]


def _plain(zone: Zone, _: Random) -> dict[str, Any]:
    return {"domain": zone["name"]}


def _spelled(zone: Zone, random: Random) -> dict[str, Any]:
    """Return the name as a user types it: with U-labels, in mixed case, with a final dot."""
    name = zone["test_name"]
    if name == zone["name"]:
        name = "".join(random.choice((letter, letter.upper())) for letter in name)
    return {"domain": name + random.choice(("", "."))}


def _without(family: str) -> Callable[[Zone, Random], dict[str, Any]]:
    return lambda zone, _: {"domain": zone["name"], "profile": {"net": {family: False}}}


def _servers(zone: Zone) -> tuple[tuple[str, str], ...]:
    return tuple(
        (server["name"].rstrip("."), address)
        for server in zone["servers"]
        for address in (*server["v4"], *server["v6"])
    )


def _ds(zone: Zone) -> tuple[tuple[int, int, int, str], ...]:
    found = []
    for text in zone["ds"]:
        tag, algorithm, digest_type, digest = text.split(maxsplit=3)
        found.append((int(tag), int(algorithm), int(digest_type), digest.replace(" ", "")))
    return tuple(found)


def _undelegated(zone: Zone, _: Random) -> dict[str, Any]:
    return {"domain": zone["name"], "ns": _servers(zone), "ds": _ds(zone)}


def _undelegated_names(zone: Zone, random: Random) -> dict[str, Any]:
    """Supply only the names of servers outside of the zone, half of the servers, and no DS."""
    inside = f".{zone['name']}"
    servers = zone["servers"]
    kept = [server["name"] for server in random.sample(servers, (len(servers) + 1) // 2)]
    supplied = [
        (name, address if f".{name}".lower().endswith(inside) else None)
        for name, address in _servers(zone)
        if name in kept or f"{name}." in kept
    ]
    return {"domain": zone["name"], "ns": tuple(dict.fromkeys(supplied))}


def _profile(document: Mapping[str, Any]) -> Callable[[Zone, Random], dict[str, Any]]:
    return lambda zone, _: {"domain": zone["name"], "profile": document}


_OTHER_LEVELS: Final = {
    "test_levels": {
        "ADDRESS": {"A01_LOCAL_USE_ADDR": "NOTICE", "A01_NO_GLOBALLY_REACHABLE_ADDR": "INFO"},
        "CONNECTIVITY": {"IPV4_ONE_ASN": "ERROR", "IPV6_ONE_ASN": "CRITICAL"},
        "CONSISTENCY": {"ONE_NS_SET": "NOTICE", "ONE_SOA_SERIAL": "WARNING", "ONE_SOA_MNAME": "NOTICE"},
        "DELEGATION": {"ENOUGH_NS_CHILD": "NOTICE", "ENOUGH_NS_DEL": "NOTICE", "NAMES_MATCH": "NOTICE"},
        "DNSSEC": {"DS07_SIGNED": "NOTICE", "DS07_NOT_SIGNED": "WARNING", "DS10_HAS_NSEC": "NOTICE"},
        "NAMESERVER": {"NO_RECURSOR": "NOTICE", "AXFR_FAILURE": "NOTICE", "SAME_SOURCE_IP": "NOTICE"},
        "SYNTAX": {"RNAME_RFC822_VALID": "NOTICE", "MNAME_SYNTAX_OK": "NOTICE"},
        "ZONE": {"Z11_SPF_SYNTAX_OK": "NOTICE", "REFRESH_MINIMUM_VALUE_OK": "NOTICE", "ONE_SOA": "NOTICE"},
    }
}
_OTHER_LIMITS: Final = {
    "test_cases_vars": {
        "dnssec04": {"REMAINING_SHORT": 2_600_000, "REMAINING_LONG": 2_700_000, "DURATION_LONG": 2_650_000},
        "zone02": {"SOA_REFRESH_MINIMUM_VALUE": 14_401},
        "zone04": {"SOA_RETRY_MINIMUM_VALUE": 3_601},
        "zone05": {"SOA_EXPIRE_MINIMUM_VALUE": 1_209_601},
        "zone06": {"SOA_DEFAULT_TTL_MINIMUM_VALUE": 3_601, "SOA_DEFAULT_TTL_MAXIMUM_VALUE": 7_200},
    }
}
_FEW_CASES: Final = {
    "test_cases": [
        "address02", "basic01", "basic03", "connectivity02", "consistency03", "consistency05", "delegation03",
        "delegation07", "dnssec02", "dnssec08", "dnssec11", "dnssec15", "dnssec18", "nameserver05", "nameserver13",
        "syntax06", "zone07", "zone09",
    ]
}  # fmt: skip
_IMPATIENT: Final = {"resolver": {"defaults": {"retry": 1, "retrans": 1, "timeout": 2, "fallback": False}}}
_MIXED: Final = {
    "net": {"ipv4": True, "ipv6": False},
    "test_levels": {"CONNECTIVITY": {"CN01_IPV6_DISABLED": "WARNING"}, "ZONE": {"ONE_SOA": "NOTICE"}},
    "test_cases_vars": {"zone06": {"SOA_DEFAULT_TTL_MAXIMUM_VALUE": 1_800}},
    "resolver": {"defaults": {"retry": 1, "retrans": 2}},
}

WAYS: Final[Mapping[str, Callable[[Zone, Random], dict[str, Any]]]] = {
    "plain": _plain,
    "spelled": _spelled,
    "without_ipv6": _without("ipv6"),
    "without_ipv4": _without("ipv4"),
    "undelegated": _undelegated,
    "undelegated_names": _undelegated_names,
    "profile_levels": _profile(_OTHER_LEVELS),
    "profile_limits": _profile(_OTHER_LIMITS),
    "profile_cases": _profile(_FEW_CASES),
    "profile_impatient": _profile(_IMPATIENT),
    "profile_mixed": _profile(_MIXED),
}
PLAIN_SHARE: Final = 0.35  # share of the zones; the others are divided among the other ways


def planned(directory: Path, *, count: int, ways: tuple[str, ...] = ()) -> list[Run]:
    """Return a run for each zone of a world, always the same; with `ways` one for each of them."""
    manifest = json.loads((directory / "manifest.json").read_text())
    runs = []
    for zone in manifest["zones"][:count]:
        random = Random(f"{manifest['seed']} {zone['name']}")
        chosen = ways or (_choose_way(random),)
        runs += [
            Run(f"{zone['name']} {way}", zone, way, **WAYS[way](zone, Random(f"{way} {zone['name']}")))
            for way in chosen
        ]
    return runs


def _choose_way(random: Random) -> str:
    plain, *others = WAYS
    return plain if random.random() < PLAIN_SHARE else random.choice(others)
