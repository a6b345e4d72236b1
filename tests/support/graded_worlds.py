"""Worlds with at most one fault each, whose grades docs/explanation/score.md lists."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import dns.name

from gonemaster_engine.entries import Entry, Level
from gonemaster_engine.profile.profile import default_profile
from gonemaster_engine.resources import Resources
from gonemaster_engine.run.run import RunResult, run_test
from gonemaster_engine.scoring.score import Score, compute_score
from gonemaster_engine.testcases.nameserver.nameserver01 import PROBES
from tests.support.case_runs import A1, A2, NS1, NS2
from tests.support.dnssec_worlds import LATER, ZONE, secure, with_fault, without
from tests.support.dnsworld import Nsec3, Signing, World, delegation, faults
from tests.support.dnsworld.signing import ds_texts

D32: Final = "ab" * 32
_PROFILE = default_profile().merge(
    {
        "net": {"allow_non_global_targets": True},
        "resolver": {"defaults": {"retry": 2, "timeout": 3, "retrans": 1}},
    }
)
_LOOPBACK = frozenset({"ADDRESS", "connectivity03", "connectivity04"})
_NO_IPV6 = frozenset(
    {"NO_IPV6_NS_CHILD", "NO_IPV6_NS_DEL", "NOT_ENOUGH_IPV6_NS_CHILD", "NOT_ENOUGH_IPV6_NS_DEL", "IPV6_AUTO_DISABLED"}
)
NO_IPV6_WORLD: Final = "no IPv6"


def score_of(name: str, hints: Path) -> Score:
    """Test a world, and return its score."""
    result = _run(WORLDS[name](), hints)
    entries = list(_entries(result, with_ipv6=name == NO_IPV6_WORLD))
    score = compute_score(ZONE, entries, timings=result.timings)
    assert score is not None
    return score


def _run(world: World, hints: Path) -> RunResult:
    async def whole() -> RunResult:
        resources = Resources.open(root_hints=world.write_hints(hints), dns_port=world.port, ipv6=False)
        try:
            return await run_test(ZONE, _PROFILE, resources=resources)
        finally:
            await resources.close()

    with world:
        return asyncio.run(whole())


def _entries(result: RunResult, *, with_ipv6: bool) -> Iterator[Entry]:
    """Yield the entries that do not depend on the name servers being on loopback instead of in two networks."""
    yield Entry(0.0, "CONNECTIVITY", "connectivity03", "IPV4_DIFFERENT_ASN", Level.INFO, {"asns": [64500, 64501]})
    for entry in result.entries:
        if entry.module in _LOOPBACK or entry.testcase in _LOOPBACK:
            continue
        if with_ipv6 or entry.tag not in _NO_IPV6:
            yield entry


def _second(fault: faults.Fault, **conditions: Any) -> World:
    return with_fault(_good(), fault, A2, **conditions)


def _both(fault: faults.Fault, **conditions: Any) -> World:
    return with_fault(_good(), fault, **conditions)


def _good(signed: bool | Signing = Signing(publish_cds=True), **fields: Any) -> World:  # noqa: B008  # frozen
    return secure(signed, **{"records": _RECORDS, "soa": _SOA, **fields})


def _copy(**changes: Any) -> World:
    """Give the second name server another version of the zone."""
    world = _good()
    world.zone_of(ZONE).on(A2, **changes)
    return world


def _listens(*addresses: str, udp: bool = True, tcp: bool = True) -> World:
    world = _good()
    for address in addresses:
        world.server(address).set(udp=udp, tcp=tcp)
    return world


def _with_ds(*ds: str) -> World:
    return _good(Signing(), delegation=delegation(ds=ds))


def _good_ds() -> str:
    return ds_texts(dns.name.from_text(ZONE), Signing())[0]


def _open_recursor() -> World:
    """Let the second name server answer a query for a name in another zone."""
    world = _second(faults.answers(answer=f"{PROBES[0]}. A 192.0.2.1\n"), qname=PROBES[0])
    return with_fault(world, faults.recursive(), A2, qname=PROBES[0])


def _open_to_transfers() -> World:
    world = _good()
    world.server(A2).set(axfr=True)
    return world


_SOA = "ns1 hostmaster 2026112501 28800 7200 1209600 3600"
_RECORDS = '@ MX 10 mail\nmail A 192.0.2.1\nhostmaster A 192.0.2.1\n@ TXT "v=spf1 mx -all"'

WORLDS: Final[Mapping[str, Callable[[], World]]] = {
    "healthy and signed": _good,
    "not signed": lambda: _good(False),
    "signed, no DS record": lambda: _good(delegation=delegation(ds=False)),
    NO_IPV6_WORLD: _good,
    "all signatures have expired": lambda: _good(Signing.expired()),
    "all signatures are not yet valid": lambda: _good(LATER),
    "DS record, but the zone is not signed": lambda: _good(False, delegation=delegation(ds=(f"4711 13 2 {D32}",))),
    "no key for the DS record": lambda: _with_ds(f"4711 13 2 {D32}"),
    "wrong digest in the DS record": lambda: _with_ds(f"{_good_ds().split()[0]} 13 2 {D32}"),
    "a second DS record without a key": lambda: _with_ds(_good_ds(), f"4711 13 2 {D32}"),
    "wrong signature over DNSKEY": lambda: _good(Signing(bogus_types=("DNSKEY",))),
    "wrong signature over SOA": lambda: _good(Signing(bogus_types=("SOA",))),
    "no signature over DNSKEY": lambda: _good(Signing(unsigned_types=("DNSKEY",))),
    "no proof that a name does not exist": lambda: _both(without("NSEC", "RRSIG/NSEC")),
    "signatures end in 10 hours": lambda: _good(Signing(expiration_s=36000)),
    "expired signatures on one of two name servers": lambda: _copy(signed=Signing.expired()),
    "unsigned copy on one of two name servers": lambda: _copy(signed=False),
    "RSA key with 1024 bits": lambda: _good(Signing(algorithm=8, rsa_bits=1024)),
    "DS record with SHA-1 only": lambda: _good(Signing(digests=(1,))),
    "NSEC3 with 10 iterations": lambda: _good(Signing(nsec3=Nsec3(iterations=10))),
    "both name servers are silent": lambda: _both(faults.silence()),
    "both name servers refuse": lambda: _both(faults.rcode("REFUSED")),
    "one of two name servers is silent": lambda: _listens(A2, udp=False, tcp=False),
    "one of two name servers refuses": lambda: _second(faults.rcode("REFUSED")),
    "one of two name servers answers SERVFAIL": lambda: _second(faults.rcode("SERVFAIL")),
    "one of two name servers is not authoritative": lambda: _second(faults.no_aa()),
    "one of two name servers loses each first packet": lambda: _second(faults.first_packet_lost()),
    "both name servers lose each first packet": lambda: _both(faults.first_packet_lost()),
    "one of two name servers drops queries with EDNS": lambda: _second(faults.silence(), edns=True),
    "both name servers drop queries with EDNS": lambda: _both(faults.silence(), edns=True),
    "one of two name servers drops DNSKEY queries": lambda: _second(faults.silence(), qtype="DNSKEY"),
    "both name servers drop DNSKEY queries": lambda: _both(faults.silence(), qtype="DNSKEY"),
    "one of two name servers drops AAAA queries": lambda: _second(faults.silence(), qtype="AAAA"),
    "one of two name servers has no TCP": lambda: _listens(A2, tcp=False),
    "no name server has TCP": lambda: _listens(A1, A2, tcp=False),
    "name servers that answer in other letter case": lambda: _both(faults.upper_case()),
    "one of two name servers is an open resolver": _open_recursor,
    "zone transfer open to everyone": _open_to_transfers,
    "only one name server": lambda: _good(ns={NS1: A1}),
    "two names with one address": lambda: _good(ns={NS1: A1, NS2: A1}),
    "a name server without an address": lambda: _good(apex_ns=[NS1, NS2, "ns3.example.xa"]),
    "a name server that is an alias": lambda: _good(
        ns={NS1: A1, NS2: A2}, apex_ns=[NS1, NS2, "ns3.example.xa"], records=f"{_RECORDS}\nns3 CNAME ns1"
    ),
    "a name server only in the zone": lambda: _good(delegation=delegation(ns={NS1: A1})),
    "a name server only in the delegation": lambda: _good(apex_ns=[NS1]),
    "glue with a former address": lambda: _good(delegation=delegation(ns={NS1: A1, NS2: "127.9.3.1"})),
    "different serials": lambda: _copy(serial=2026112400, soa=None),
    "different MX records": lambda: _copy(records=_RECORDS.replace("MX 10 mail", "MX 10 host")),
    "SOA REFRESH of a minute": lambda: _good(soa=_SOA.replace("28800", "60")),
    "mail exchange that is an alias": lambda: _good(
        records=_RECORDS.replace("mail A 192.0.2.1", "mail CNAME hostmaster")
    ),
    "SPF with a syntax error": lambda: _good(records=_RECORDS.replace("v=spf1 mx", "v=spf1 mxx:")),
}
