"""DNSSEC13: each algorithm of the keys must sign the apex sets.

Specification: Zonemaster DNSSEC13. RFC 4035 section 2.2, RFC 6840 section 5.11.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from gonemaster_engine.dnssec.algorithms import algorithm
from gonemaster_engine.dnssec.records import all_signatures, dnskeys
from gonemaster_engine.entries import Level
from gonemaster_engine.findings.tags import Finding, Tag
from gonemaster_engine.net.server.nameserver import Nameserver
from gonemaster_engine.net.wire.messages import Response
from gonemaster_engine.testcases.dnssec._shared import ServerTally, is_usable, query_each_type
from gonemaster_engine.testcases.registry import case
from gonemaster_engine.zone.families import ServerFilter
from gonemaster_engine.zone.zone import Zone

_KEYS = ("addresses", "algo_num", "algo_mnemo")
NOT_SIGNED = {
    "DNSKEY": Tag("DS13_ALGO_NOT_SIGNED_DNSKEY", Level.WARNING, _KEYS),
    "SOA": Tag("DS13_ALGO_NOT_SIGNED_SOA", Level.WARNING, _KEYS),
    "NS": Tag("DS13_ALGO_NOT_SIGNED_NS", Level.WARNING, _KEYS),
}
ALL_SIGNED = Tag("DS13_ALL_ALGOS_SIGNED", Level.INFO)


@case("dnssec13", *NOT_SIGNED.values(), ALL_SIGNED, query_types=tuple(NOT_SIGNED))
async def dnssec13(zone: Zone, usable: ServerFilter) -> AsyncIterator[Finding]:
    """Check that each algorithm in the DNSKEY RRset signs the DNSKEY, SOA and NS RRsets."""
    servers = usable(await zone.all_servers())
    tally = ServerTally()
    examined: set[str] = set()
    for server, responses in await query_each_type(servers, zone.name, *NOT_SIGNED):
        await zone.wait_for_turn()
        examined |= _judge(zone, tally, server, responses)
    for finding in tally.findings(*NOT_SIGNED.values()):
        yield finding
    if examined == NOT_SIGNED.keys() and not tally.has(*NOT_SIGNED.values()):
        yield ALL_SIGNED()


def _judge(zone: Zone, tally: ServerTally, server: Nameserver, responses: list[Response | None]) -> set[str]:
    """Record the algorithms that do not sign a set; return the types of the sets that have a signature."""
    keys = responses[0]
    if not is_usable(keys) or not all_signatures(keys):
        return set()
    algorithms = {key.algorithm for key in dnskeys(keys, zone.name)}
    examined = set()
    for (rtype, tag), response in zip(NOT_SIGNED.items(), responses, strict=True):
        if not algorithms or not is_usable(response) or not response.has(rtype):
            continue
        used = {signature.algorithm for signature in all_signatures(response)}
        if not used:
            continue
        examined.add(rtype)
        for number in algorithms - used:
            tally.add(tag, server, algo_num=number, algo_mnemo=algorithm(number).mnemonic)
    return examined
