"""Entries and name server timings of demonstration runs, with the tags and levels of the engine."""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from gonemaster_api.demo.sample.story import NEW_ENGINE, OLD_ENGINE, Truth
from gonemaster_db.core.records import EntryRecord
from gonemaster_engine.profile.profile import default_profile
from gonemaster_engine.testcases.catalogue import cases

_NEW_TAG = ("ZONE", "Z15_NO_CAA")  # the test case does not exist in the old engine
_RAISED_TAG = ("ZONE", "REFRESH_MINIMUM_VALUE_LOWER")  # the new engine raised the level
_TRIES = 12  # queries to a silent server
_RSASHA1, _RSASHA256, _ECDSA = 5, 8, 13
_ALGORITHMS: Mapping[int, tuple[str, str, str]] = {
    _RSASHA1: ("DS05_ALGO_DEPRECATED", "RSASHA1", "RSA/SHA-1"),
    _RSASHA256: ("DS05_ALGO_RECOMMENDED", "RSASHA256", "RSA/SHA-256"),
    _ECDSA: ("DS05_ALGO_RECOMMENDED", "ECDSAP256SHA256", "ECDSA Curve P-256 with SHA-256"),
}


@dataclass(frozen=True)
class DemoServer:
    """An address of a name server of a domain."""

    ns: str
    address: str
    asn: int
    silent: bool

    @property
    def prefix(self) -> str:
        """The announced prefix of the address."""
        if ":" in self.address:
            return f"{self.address.partition('::')[0]}::/48"
        first, second, third, last = self.address.split(".")
        return f"{first}.{second}.{third}.{int(last) // 64 * 64}/26"


def effective_profile(version: str) -> dict[str, Any]:
    """Return the profile that runs of a version of the engine used."""
    profile: dict[str, Any] = default_profile().as_dict()
    levels = {module: dict(tags) for module, tags in profile["test_levels"].items()}
    if version == OLD_ENGINE:
        del levels[_NEW_TAG[0]][_NEW_TAG[1]]
    else:
        levels[_NEW_TAG[0]][_NEW_TAG[1]] = "NOTICE"
        levels[_RAISED_TAG[0]][_RAISED_TAG[1]] = "WARNING"
    return profile | {"test_levels": levels}


def servers_of(domain: str, truth: Truth) -> list[DemoServer]:
    """Return the addresses of the name servers of a domain."""
    operator, found = truth.operator, []
    for number, (name, *addresses) in enumerate(operator.servers):
        asn = operator.second_asn if number else operator.asn
        silent = truth.abandoned or (truth.broken_server and number == 1)
        ns = name.format(domain=domain)
        found += [DemoServer(ns, address, asn, silent) for address in addresses if address]
    return found


def entries_of(domain: str, truth: Truth) -> list[EntryRecord]:
    """Return the entries of a run in order."""
    servers = servers_of(domain, truth)
    levels = _levels(truth.engine_version)
    made = []
    for number, (tag, args) in enumerate(_found(domain, truth, servers)):
        module, testcase = _place(tag)
        made.append(EntryRecord(0.04 * number, module, testcase, tag, levels[module][tag], args))
    return made


def timings_of(domain: str, truth: Truth, month: int) -> list[dict[str, Any]]:
    """Return the timings of the name servers of a domain."""
    return [
        _timing(server, truth, random.Random(f"{domain} {server.address} {month}"))
        for server in servers_of(domain, truth)
    ]


def _timing(server: DemoServer, truth: Truth, drawn: random.Random) -> dict[str, Any]:
    about = {"nameserver": server.ns, "address": server.address, "prefix": server.prefix, "asns": [server.asn]}
    if server.silent:
        nothing = dict.fromkeys(("avg_ms", "min_ms", "max_ms", "median_ms", "stddev_ms"))
        return about | nothing | _counts(0, timeouts=_TRIES) | {"total_ms": 0.0, "status": "unreachable"}
    average = truth.operator.latency_ms * drawn.uniform(0.8, 1.3)
    times = {"avg_ms": average, "min_ms": average * 0.7, "max_ms": average * drawn.uniform(1.2, 3)}
    count = drawn.randrange(28, 40)
    times |= {"median_ms": average * 0.95, "stddev_ms": average * 0.2, "total_ms": average * count}
    return about | {name: round(value, 3) for name, value in times.items()} | _counts(count) | {"status": "ok"}


def _counts(count: int, *, timeouts: int = 0) -> dict[str, int]:
    return {"count": count, "timeouts": timeouts, "refusals": 0, "lost": 0}


def _found(domain: str, truth: Truth, servers: Sequence[DemoServer]) -> Iterator[tuple[str, dict[str, Any]]]:
    named = [{"ns": server.ns, "address": server.address} for server in servers]
    yield "GLOBAL_VERSION", {"version": truth.engine_version}
    yield "B01_CHILD_FOUND", {"domain": domain}
    if truth.abandoned:
        for server in servers:
            yield "B02_NS_NO_RESPONSE", {"ns": server.ns, "address": server.address}
        yield "B02_NO_WORKING_NS", {"domain": domain}
        return
    yield "A01_GLOBALLY_REACHABLE_ADDR", {"servers": named}
    yield from _name_servers(servers)
    yield from _networks(servers)
    yield from _signing(truth, named)
    if truth.operator.software:
        yield (
            "N15_SOFTWARE_VERSION",
            {"string": truth.operator.software, "query_name": "version.bind", "servers": named},
        )
    else:
        yield "N15_NO_VERSION_REVEALED", {"servers": named}
    yield "Z01_MNAME_IS_MASTER", {"servers": named[:1]}
    if not truth.long_refresh:
        yield "REFRESH_MINIMUM_VALUE_LOWER", {"refresh": 3600, "required_refresh": 14400}
    if not truth.has_mail:
        yield "Z09_MISSING_MAIL_EXCHANGE", {}
    if truth.engine_version == NEW_ENGINE and not truth.has_caa:
        yield "Z15_NO_CAA", {"servers": named}


def _name_servers(servers: Sequence[DemoServer]) -> Iterator[tuple[str, dict[str, Any]]]:
    names = sorted({server.ns for server in servers})
    for side in ("DEL", "CHILD"):
        yield f"ENOUGH_NS_{side}", {"count": len(names), "minimum": 2, "servers": [{"ns": name} for name in names]}
        if not any(":" in server.address for server in servers):
            yield f"NO_IPV6_NS_{side}", {"count": 0, "minimum": 2, "servers": []}
    for server in servers:
        if server.silent:
            yield "B02_NS_NO_RESPONSE", {"ns": server.ns, "address": server.address}
            yield "CN01_NO_RESPONSE_UDP", {"ns": server.ns, "address": server.address}
            yield "CN02_NO_RESPONSE_TCP", {"ns": server.ns, "address": server.address}


def _networks(servers: Sequence[DemoServer]) -> Iterator[tuple[str, dict[str, Any]]]:
    for family in (4, 6):
        asns = sorted({server.asn for server in servers if (":" in server.address) == (family == 6)})
        if len(asns) == 1:
            yield f"IPV{family}_ONE_ASN", {"asn": asns[0]}
        elif asns:
            yield f"IPV{family}_DIFFERENT_ASN", {"asns": asns}


def _signing(truth: Truth, named: list[dict[str, str]]) -> Iterator[tuple[str, dict[str, Any]]]:
    if truth.algorithm is None:
        yield "DS07_NOT_SIGNED", {}
        return
    yield "DS07_SIGNED", {}
    tag, mnemonic, description = _ALGORITHMS[truth.algorithm]
    keys = {"algo_num": truth.algorithm, "algo_mnemo": mnemonic, "algo_descr": description}
    for keytag in (10_000 + 7 * truth.algorithm, 20_000 + 11 * truth.algorithm):
        yield tag, {"servers": named, "keytag": keytag, **keys}
    if truth.nsec3_iterations is None:
        yield "DS10_HAS_NSEC", {"servers": named}
        return
    yield "DS10_HAS_NSEC3", {"servers": named}
    if truth.nsec3_iterations:
        yield "DS03_ILLEGAL_ITERATION_VALUE", {"servers": named, "int": truth.nsec3_iterations}
    else:
        yield "DS03_LEGAL_ITERATION_VALUE", {"servers": named}


@cache
def _levels(version: str) -> Mapping[str, Mapping[str, str]]:
    found: Mapping[str, Mapping[str, str]] = effective_profile(version)["test_levels"]
    return found


@cache
def _place(tag: str) -> tuple[str, str]:
    """Return module and test case of a tag."""
    for case in cases().values():
        if any(one.name == tag for one in case.tags):
            return case.module, case.id
    return "SYSTEM", ""
