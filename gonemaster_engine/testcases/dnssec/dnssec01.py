"""DNSSEC01: digest types and key algorithms of the DS records at the parent.

Specification: Zonemaster DNSSEC01. RFC 4034 section 5, RFC 8624, RFC 9157, RFC 9904, RFC 9905.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from gonemaster_engine.dnssec.algorithms import SHA256_DIGEST, AlgorithmStatus, algorithm, digest_type
from gonemaster_engine.dnssec.records import Ds, ds_records
from gonemaster_engine.entries import Level
from gonemaster_engine.findings.tags import SUPPLIED, Finding, Tag
from gonemaster_engine.net.server.nameserver import Nameserver, query_all
from gonemaster_engine.testcases.dnssec._shared import (
    SERVERS,
    ServerTally,
    is_dnssec_answer,
    parent_servers,
    supplied_ds,
)
from gonemaster_engine.testcases.registry import case
from gonemaster_engine.zone.families import ServerFilter
from gonemaster_engine.zone.zone import Zone

_DIGEST_KEYS = ("keytag", "ds_algo_num", "ds_algo_descr", "servers")
_KEY_KEYS = ("keytag", "ds_key_algo_num", "ds_key_algo_descr", "servers")
BY_DIGEST_TYPE = {
    AlgorithmStatus.DEPRECATED: Tag("DS01_DS_ALGO_DEPRECATED", Level.ERROR, _DIGEST_KEYS),
    AlgorithmStatus.RESERVED: Tag("DS01_DS_ALGO_RESERVED", Level.ERROR, _DIGEST_KEYS),
    AlgorithmStatus.UNASSIGNED: Tag("DS01_DS_ALGO_UNASSIGNED", Level.ERROR, _DIGEST_KEYS),
    AlgorithmStatus.PRIVATE: Tag("DS01_DS_ALGO_PRIVATE", Level.ERROR, _DIGEST_KEYS),
    AlgorithmStatus.NOT_DS: Tag("DS01_DS_ALGO_NOT_DS", Level.ERROR, _DIGEST_KEYS),
    AlgorithmStatus.OK: Tag("DS01_DS_ALGO_OK", Level.INFO, _DIGEST_KEYS),
}
BY_KEY_ALGORITHM = {
    AlgorithmStatus.DEPRECATED: Tag("DS01_KEY_ALGO_DEPRECATED", Level.ERROR, _KEY_KEYS),
    AlgorithmStatus.RESERVED: Tag("DS01_KEY_ALGO_RESERVED", Level.ERROR, _KEY_KEYS),
    AlgorithmStatus.UNASSIGNED: Tag("DS01_KEY_ALGO_UNASSIGNED", Level.ERROR, _KEY_KEYS),
    AlgorithmStatus.NOT_RECOMMENDED: Tag("DS01_KEY_ALGO_NOT_RECOMMENDED", Level.WARNING, _KEY_KEYS),
    AlgorithmStatus.PRIVATE: Tag("DS01_KEY_ALGO_PRIVATE", Level.ERROR, _KEY_KEYS),
    AlgorithmStatus.NOT_ZONE_SIGN: Tag("DS01_KEY_ALGO_NOT_ZONE_SIGN", Level.ERROR, _KEY_KEYS),
    AlgorithmStatus.OK: Tag("DS01_KEY_ALGO_OK", Level.INFO, _KEY_KEYS),
}
SHA256_MISSING = Tag("DS01_DS_ALGO_2_MISSING", Level.NOTICE, ("keytag", "servers"))
NO_RESPONSE = Tag("DS01_NO_RESPONSE", Level.WARNING, SERVERS)
SERVER_NO_DS = Tag("DS01_PARENT_SERVER_NO_DS", Level.ERROR, SERVERS)
ZONE_NO_DS = Tag("DS01_PARENT_ZONE_NO_DS", Level.NOTICE, SERVERS)
ROOT_WITHOUT_DS = Tag("DS01_ROOT_N_NO_UNDEL_DS", Level.INFO)
UNDELEGATED_WITHOUT_DS = Tag("DS01_UNDEL_N_NO_UNDEL_DS", Level.INFO)


@case(
    "dnssec01",
    *BY_DIGEST_TYPE.values(),
    *BY_KEY_ALGORITHM.values(),
    SHA256_MISSING,
    NO_RESPONSE,
    SERVER_NO_DS,
    ZONE_NO_DS,
    ROOT_WITHOUT_DS,
    UNDELEGATED_WITHOUT_DS,
    query_types=("DS",),
)
async def dnssec01(zone: Zone, usable: ServerFilter) -> list[Finding]:
    """Check the digest type and the key algorithm of each DS record in the parent zone."""
    tally = ServerTally()
    servers = usable(await parent_servers(zone))
    if zone.supplied_ds:
        _classify(tally, SUPPLIED, supplied_ds(zone))
    with_ds = bool(zone.supplied_ds)
    without_ds: list[Nameserver] = []
    ignored: list[Nameserver] = []
    for server, response in await query_all(servers, zone.name, "DS", dnssec=True):
        await zone.wait_for_turn()
        if not is_dnssec_answer(response):
            ignored.append(server)
        elif records := ds_records(response, zone.name):
            with_ds = True
            _classify(tally, server, records)
        else:
            without_ds.append(server)
    return [
        *tally.findings(*BY_DIGEST_TYPE.values(), *BY_KEY_ALGORITHM.values(), SHA256_MISSING),
        *_absence(zone, with_ds=with_ds, without_ds=without_ds, ignored=ignored),
    ]


def _classify(tally: ServerTally, server: Nameserver | str, records: Iterable[Ds]) -> None:
    records = list(records)
    with_sha256 = {ds.tag for ds in records if ds.digest_type == SHA256_DIGEST}
    for ds in records:
        digest, key = digest_type(ds.digest_type), algorithm(ds.algorithm)
        by_digest, by_key = BY_DIGEST_TYPE[digest.status], BY_KEY_ALGORITHM[key.status]
        tally.add(by_digest, server, keytag=ds.tag, ds_algo_num=digest.number, ds_algo_descr=digest.description)
        tally.add(by_key, server, keytag=ds.tag, ds_key_algo_num=key.number, ds_key_algo_descr=key.description)
        if ds.tag not in with_sha256:
            tally.add(SHA256_MISSING, server, keytag=ds.tag)


def _absence(
    zone: Zone, *, with_ds: bool, without_ds: list[Nameserver], ignored: list[Nameserver]
) -> Iterator[Finding]:
    if ignored and not with_ds and not without_ds:
        yield NO_RESPONSE(servers=ignored)
    if zone.is_root and not zone.supplied_ds:
        yield ROOT_WITHOUT_DS()
    if zone.undelegated and not zone.is_root and not zone.supplied_ds:
        yield UNDELEGATED_WITHOUT_DS()
    if without_ds:
        yield (SERVER_NO_DS if with_ds else ZONE_NO_DS)(servers=without_ds)
