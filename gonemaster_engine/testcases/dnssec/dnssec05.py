"""DNSSEC05: the algorithms of the zone's keys.

With the tags of Zonemaster 2025.2, every acceptable algorithm is DS05_ALGO_OK; those of 2026.1 tell recommended
algorithms from the ones that the registry only permits.

Specification: Zonemaster DNSSEC05. RFC 4034, RFC 8624, RFC 9157, RFC 9904, RFC 9905.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from gonemaster_engine.dnssec.algorithms import RECOMMENDED_ALGORITHMS, Algorithm, AlgorithmStatus, algorithm
from gonemaster_engine.dnssec.records import dnskeys
from gonemaster_engine.entries import Level
from gonemaster_engine.findings.tags import Finding, Tag
from gonemaster_engine.net.server.nameserver import query_all
from gonemaster_engine.profile.tag_sets import OLDEST
from gonemaster_engine.testcases.dnssec._shared import SERVERS, ServerTally, child_servers, is_usable
from gonemaster_engine.testcases.registry import case
from gonemaster_engine.zone.families import ServerFilter
from gonemaster_engine.zone.zone import Zone

_KEYS = ("servers", "keytag", "algo_num", "algo_descr", "algo_mnemo")
BY_STATUS = {
    AlgorithmStatus.DEPRECATED: Tag("DS05_ALGO_DEPRECATED", Level.ERROR, _KEYS),
    AlgorithmStatus.RESERVED: Tag("DS05_ALGO_RESERVED", Level.ERROR, _KEYS),
    AlgorithmStatus.UNASSIGNED: Tag("DS05_ALGO_UNASSIGNED", Level.ERROR, _KEYS),
    AlgorithmStatus.NOT_RECOMMENDED: Tag("DS05_ALGO_NOT_RECOMMENDED", Level.WARNING, _KEYS),
    AlgorithmStatus.PRIVATE: Tag("DS05_ALGO_PRIVATE", Level.ERROR, _KEYS),
    AlgorithmStatus.NOT_ZONE_SIGN: Tag("DS05_ALGO_NOT_ZONE_SIGN", Level.ERROR, _KEYS),
}
OK = Tag("DS05_ALGO_OK", Level.INFO, _KEYS)
MAY = Tag("DS05_ALGO_MAY", Level.NOTICE, _KEYS)
RECOMMENDED = Tag("DS05_ALGO_RECOMMENDED", Level.INFO, _KEYS)
ABOUT_KEYS = (*BY_STATUS.values(), MAY, RECOMMENDED, OK)
NO_RESPONSE = Tag("DS05_NO_RESPONSE", Level.WARNING, SERVERS)
ZONE_NO_DNSSEC = Tag("DS05_ZONE_NO_DNSSEC", Level.NOTICE, SERVERS)
SERVER_NO_DNSSEC = Tag("DS05_SERVER_NO_DNSSEC", Level.ERROR, SERVERS)


@case("dnssec05", *ABOUT_KEYS, NO_RESPONSE, ZONE_NO_DNSSEC, SERVER_NO_DNSSEC, query_types=("DNSKEY",))
async def dnssec05(zone: Zone, usable: ServerFilter) -> AsyncIterator[Finding]:
    """Check the algorithm of each DNSKEY record."""
    servers = usable(await child_servers(zone))
    tally = ServerTally()
    for server, response in await query_all(servers, zone.name, "DNSKEY", dnssec=True):
        await zone.wait_for_turn()
        if not is_usable(response):
            tally.add(NO_RESPONSE, server)
            continue
        keys = dnskeys(response, zone.name)
        if not keys:
            tally.add(ZONE_NO_DNSSEC, server)
        for key in keys:
            known = algorithm(key.algorithm)
            tally.add(
                _tag(known, zone.context.profile.zonemaster_tags),
                server,
                keytag=key.tag,
                algo_num=known.number,
                algo_descr=known.description,
                algo_mnemo=known.mnemonic,
            )
    for finding in tally.findings(*ABOUT_KEYS):
        yield finding
    has_keys = tally.has(*ABOUT_KEYS)
    if without := tally.servers(ZONE_NO_DNSSEC):
        yield (SERVER_NO_DNSSEC if has_keys else ZONE_NO_DNSSEC)(servers=without)
    elif not has_keys and (ignored := tally.servers(NO_RESPONSE)):
        yield NO_RESPONSE(servers=ignored)


def _tag(known: Algorithm, release: str) -> Tag:
    if known.status is not AlgorithmStatus.OK:
        return BY_STATUS[known.status]
    if release == OLDEST:
        return OK
    return RECOMMENDED if known.number in RECOMMENDED_ALGORITHMS else MAY
