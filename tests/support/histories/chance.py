"""Random contents of a history: names, entries with all kinds of arguments, timings and chains.

Results repeat as in real runs: most have one of a few forms, sometimes with other arguments, levels or order.
"""

from collections.abc import Mapping, Sequence
from math import inf, nan
from random import Random
from typing import Any

from gonemaster_db.core.records import EntryRecord
from tests.support.histories.rows import LEVELS

NAMES = (
    *(f"{word}{number}.example" for word in ("a", "ab", "mail-") for number in range(6)),
    *("xn--bcher-kva.test", "_under.test", "b_r.test", "bxr.test", "a.b.example", "example", "1.2.0.192.in-addr.arpa"),
)
TAGS = ("mine", "Mine", "zones of März", "50% off", "a_b", "=1+1", "ns")
LOCALES = ("en", "de", "sv")
GRADES = ("A+", "A", "B", "C", "F")
CAUSES = ("ds_without_key", "no_tcp", "server_silent", "no_dnssec")
KINDS = (
    ("SYSTEM", "", "GLOBAL_VERSION"),
    ("BASIC", "basic01", "B01_CHILD_FOUND"),
    ("BASIC", "basic01", "B01_PARENT_FOUND"),
    ("BASIC", "", "HAS_NAMESERVER_NO_WWW_A_TEST"),
    ("ADDRESS", "address01", "A01_NO_GLOBALLY_REACHABLE_ADDR"),
    ("ADDRESS", "address01", "A01_LOCAL_USE_ADDR"),
    ("CONNECTIVITY", "connectivity03", "IPV4_ONE_ASN"),
    ("DELEGATION", "delegation01", "ENOUGH_NS_CHILD"),
    ("DNSSEC", "dnssec02", "DS02_NO_MATCHING_DNSKEY_RRSIG"),
    ("DNSSEC", "dnssec07", "UNEXPECTED_RESPONSE_DS"),
    ("NAMESERVER", "nameserver01", "IS_A_RECURSOR"),
    ("NAMESERVER", "nameserver02", "IS_A_RECURSOR"),
    ("ZONE", "zone01", "Z01_MNAME_IS_MASTER"),
    ("ZONE", "zone10", "ONE_SOA"),
    ("CUSTOM", "custom01", "LOCAL_RULE"),
    ("CUSTOM", "custom02", "LOCAL_RULE"),
)
ARGUMENTS = ("ns", "servers", "address", "soa serial", "é", "a.b", "0", "$", 'quo"te', "asn")
_COMMON_LEVELS = ("INFO", "INFO", "INFO", "NOTICE", "WARNING", "ERROR", "CRITICAL")
_TEXTS = (
    "ns1.example",
    "ns2.example",
    "",
    "März ✓ 𝄞",
    "=1+1",
    '-2,"quoted"',
    "two\nlines\r\n\ttab",
    "nul \0 and half \ud800 a pair",
    "back\\slash \\u0000",
    "null",
    "1",
    "\u2028",
)
_SERVERS = ({"ns": "ns1.example", "address": "192.0.2.1"}, {"ns": "ns2.example", "address": "2001:db8::53"})
_BIG = 20_000
_STATUSES = ("ok", "unreachable", "unresolved")


def value(chance: Random, depth: int = 2) -> Any:
    """Return a JSON value. Keys of objects are ordered by length, the only order that both databases preserve."""
    kind = chance.randrange(12 if depth else 8)
    if kind < 4:
        return chance.choice(_TEXTS)
    if kind < 8:
        return chance.choice((0, 1, -7, 65536, 2**40, 10**25, 0.5, 12.25, 1.0, inf, nan, True, False, None))
    if kind == 8:
        return [value(chance, depth - 1) for _ in range(chance.randrange(4))]
    if kind == 9:
        return {key: value(chance, depth - 1) for key in ("k", "kk", "kkk")[: chance.randrange(4)]}
    return [dict(server) for server in chance.sample(_SERVERS, chance.randrange(3))]


def arguments(chance: Random) -> dict[str, Any]:
    """Return the arguments of an entry, rarely large ones; keys in the order of `value`."""
    names = chance.sample(ARGUMENTS, chance.choice((0, 1, 1, 2, 3)))
    found = {name: value(chance) for name in names}
    if chance.random() < 0.01:
        found["big"] = chance.choice("xé=") * _BIG
    return dict(sorted(found.items(), key=lambda item: (len(item[0].encode()), item[0])))


def lines(chance: Random, count: int) -> list[EntryRecord]:
    """Return entries in chronological order; tags repeat, and a tag may have any level."""
    times = sorted(round(chance.uniform(0, 30), 6) for _ in range(count))
    return [_line(chance, moment) for moment in times]


def _line(chance: Random, moment: float) -> EntryRecord:
    module, testcase, tag = chance.choice(KINDS)
    level = chance.choice(LEVELS if chance.random() < 0.1 else _COMMON_LEVELS)
    return EntryRecord(moment, module, testcase, tag, level, arguments(chance))


def forms(chance: Random) -> list[list[EntryRecord]]:
    """Return the results that most runs of a history share."""
    return [lines(chance, count) for count in (0, 3, 6, 9, 9, 14)]


def result(chance: Random, shared: Sequence[Sequence[EntryRecord]]) -> list[EntryRecord]:
    """Return one of the shared results, unchanged or modified, or rarely a new one."""
    draw, found = chance.random(), list(chance.choice(shared))
    if draw < 0.5 or not found:
        return found
    if draw < 0.6:
        return lines(chance, chance.choice((0, 1, 5, 40)))
    place = chance.randrange(len(found))
    if draw < 0.7:
        del found[place]
    elif draw < 0.9:
        found[place] = _line(chance, found[place].timestamp)
    else:
        found.reverse()  # another order of the same kinds
    return found


def timings(chance: Random) -> list[dict[str, Any]] | None:
    """Return the timings of name servers, or None."""
    if chance.random() < 0.3:
        return None
    return [_timing(chance, number) for number in range(chance.randrange(4))]


def _timing(chance: Random, number: int) -> dict[str, Any]:
    status = chance.choice(_STATUSES)
    numbers = ("avg_ms", "min_ms", "max_ms", "median_ms", "stddev_ms")
    measured = {name: round(chance.uniform(0.1, 900), 3) if status == "ok" else None for name in numbers}
    return {
        "nameserver": f"ns{number}.example",
        "address": "" if status == "unresolved" else f"192.0.2.{number}",
        "count": chance.randrange(50),
        **measured,
        "total_ms": round(chance.uniform(0, 2000), 3),
        "timeouts": chance.randrange(3),
        "refusals": chance.randrange(3),
        "status": status,
    }


def chain(chance: Random, domain: str) -> dict[str, Any] | None:
    """Return a DNSSEC chain, or usually None."""
    if chance.random() < 0.8:
        return None
    return {
        "version": 3,
        "zone": domain,
        "parent_zone": chance.choice((None, "example")),
        "delegation": chance.choice(("normal", "undelegated")),
        "status": chance.choice(("secure", "broken", "island", "unsigned")),
        "reasons": chance.sample(("no DS", "expired", "März"), chance.randrange(3)),
        "checked_at": "2026-11-25T12:00:00Z",
        "truncated": chance.random() < 0.5,
        "parent": _side("example", []),
        "child": _side(domain, [_key(chance) for _ in range(chance.randrange(3))]),
        "links": [],
        "zones": [],
        "ns_names": [],
    }


def _side(zone: str, keys: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {"zone": zone, "ds": [], "keys": list(keys), "signatures": [], "servers": []}


def _key(chance: Random) -> dict[str, Any]:
    return {
        "key_tag": chance.randrange(65536),
        "algorithm": 13,
        "algorithm_name": "ECDSAP256SHA256",
        "servers": ["192.0.2.1"],
        "flags": 257,
        "size": chance.choice((None, 256)),
        "zone_key": True,
        "sep": True,
        "revoked": False,
    }


def effective_profile(chance: Random) -> str | dict[str, Any] | None:
    """Return one of a few profiles, as JSON text or as an object."""
    return chance.choice((None, '{"net": {"ipv6": false}}', {"net": {"ipv6": True}, "é": "✓"}, {"long": "x" * 3000}))
