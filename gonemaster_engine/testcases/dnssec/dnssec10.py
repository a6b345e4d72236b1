"""DNSSEC10: a signed zone must serve NSEC or NSEC3 at its apex: well formed, signed, and the same on all servers.

Specification: Zonemaster DNSSEC10. RFC 4034 section 4, RFC 4035 section 3.1.3, RFC 5155 sections 3, 4 and 7,
RFC 2308, RFC 4470, RFC 9824.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field

from gonemaster_engine.dnssec.denial import nsec3_records, nsec3param_records, nsec_records
from gonemaster_engine.dnssec.records import Dnskey, dnskeys
from gonemaster_engine.entries import Level
from gonemaster_engine.findings.tags import Finding, Tag
from gonemaster_engine.net.server.nameserver import Nameserver
from gonemaster_engine.net.wire.messages import Response
from gonemaster_engine.testcases.dnssec._apex_denial import ALGORITHM_UNSUPPORTED, NSEC3_TAGS, NSEC_TAGS, Denial
from gonemaster_engine.testcases.dnssec._shared import SERVERS, ServerTally, child_servers, is_usable, query_each_type
from gonemaster_engine.testcases.registry import case
from gonemaster_engine.zone.families import ServerFilter
from gonemaster_engine.zone.zone import Zone

HAS_NSEC = Tag("DS10_HAS_NSEC", Level.INFO, SERVERS)
HAS_NSEC3 = Tag("DS10_HAS_NSEC3", Level.INFO, SERVERS)
INCONSISTENT_NSEC = Tag("DS10_INCONSISTENT_NSEC", Level.ERROR, SERVERS)
INCONSISTENT_NSEC3 = Tag("DS10_INCONSISTENT_NSEC3", Level.ERROR, SERVERS)
INCONSISTENT_KIND = Tag("DS10_INCONSISTENT_NSEC_NSEC3", Level.ERROR, SERVERS)
MIXED = Tag("DS10_MIXED_NSEC_NSEC3", Level.ERROR, SERVERS)
NONSTANDARD = Tag("DS10_NONSTANDARD_NSEC_RESPONSE", Level.NOTICE, SERVERS)
NSEC_ERROR = Tag("DS10_NSEC_QUERY_RESPONSE_ERR", Level.ERROR, SERVERS)
NSEC_WRONG_ANSWER = Tag("DS10_NSEC_GIVES_ERR_ANSWER", Level.ERROR, SERVERS)
MULTIPLE_NSEC3PARAM = Tag("DS10_ERR_MULT_NSEC3PARAM", Level.NOTICE, SERVERS)
PARAM_ERROR = Tag("DS10_NSEC3PARAM_QUERY_RESPONSE_ERR", Level.ERROR, SERVERS)
PARAM_WRONG_ANSWER = Tag("DS10_NSEC3PARAM_GIVES_ERR_ANSWER", Level.ERROR, SERVERS)
PARAM_NOT_APEX = Tag("DS10_NSEC3PARAM_MISMATCHES_APEX", Level.ERROR, SERVERS)
ZONE_NO_DNSSEC = Tag("DS10_ZONE_NO_DNSSEC", Level.NOTICE, SERVERS)
SERVER_NO_DNSSEC = Tag("DS10_SERVER_NO_DNSSEC", Level.ERROR, SERVERS)
MISSING = Tag("DS10_EXPECTED_NSEC_NSEC3_MISSING", Level.ERROR, SERVERS)

_BY_SERVER = (
    NSEC_TAGS.multiple,
    NSEC3_TAGS.multiple,
    MULTIPLE_NSEC3PARAM,
    NONSTANDARD,
    *NSEC_TAGS.about_data[1:],
    NSEC_WRONG_ANSWER,
    NSEC_ERROR,
    *NSEC3_TAGS.about_data[1:],
    PARAM_WRONG_ANSWER,
    PARAM_NOT_APEX,
    PARAM_ERROR,
    *NSEC_TAGS.about_signatures,
    *NSEC3_TAGS.about_signatures,
    ALGORITHM_UNSUPPORTED,
)


@dataclass(slots=True)
class _Denials:
    """Servers grouped by query and by the kind of denial that they returned."""

    nsec_answer: set[Nameserver] = field(default_factory=set)  # NSEC to the NSEC query
    nsec_nodata: set[Nameserver] = field(default_factory=set)  # NSEC to the NSEC3PARAM query
    nsec3param: set[Nameserver] = field(default_factory=set)  # NSEC3PARAM to the NSEC3PARAM query
    nsec3_nodata: set[Nameserver] = field(default_factory=set)  # NSEC3 to the NSEC query

    @property
    def nsec(self) -> set[Nameserver]:
        return self.nsec_answer | self.nsec_nodata

    @property
    def nsec3(self) -> set[Nameserver]:
        return self.nsec3param | self.nsec3_nodata


_TYPES = ("DNSKEY", "NSEC", "NSEC3PARAM")


@case(
    "dnssec10",
    *_BY_SERVER,
    INCONSISTENT_NSEC,
    INCONSISTENT_NSEC3,
    MIXED,
    HAS_NSEC,
    HAS_NSEC3,
    INCONSISTENT_KIND,
    ZONE_NO_DNSSEC,
    SERVER_NO_DNSSEC,
    MISSING,
    query_types=_TYPES,
)
async def dnssec10(zone: Zone, usable: ServerFilter) -> AsyncIterator[Finding]:
    """Check the NSEC or NSEC3 records for the apex on all name servers."""
    servers = usable(await child_servers(zone))
    tally, evidence = ServerTally(), _Denials()
    signed: set[Nameserver] = set()
    for server, (response, nsec, nsec3param) in await query_each_type(servers, zone.name, *_TYPES):
        await zone.wait_for_turn()
        if not is_usable(response):
            continue
        keys = dnskeys(response, zone.name)
        if not keys:
            tally.add(ZONE_NO_DNSSEC, server)
            continue
        signed.add(server)
        await _judge_nsec_query(zone, tally, evidence, server, nsec, keys)
        await _judge_nsec3param_query(zone, tally, evidence, server, nsec3param, keys)
    for finding in _compare(evidence):
        yield finding
    for finding in tally.findings(*_BY_SERVER):
        yield finding
    if without := tally.servers(ZONE_NO_DNSSEC):
        yield (SERVER_NO_DNSSEC if signed else ZONE_NO_DNSSEC)(servers=without)
    if missing := signed - evidence.nsec - evidence.nsec3:
        yield MISSING(servers=missing)


async def _judge_nsec_query(
    zone: Zone,
    tally: ServerTally,
    evidence: _Denials,
    server: Nameserver,
    response: Response | None,
    keys: list[Dnskey],
) -> None:
    if not is_usable(response):
        tally.add(NSEC_ERROR, server)
    elif records := nsec_records(response, "answer"):
        evidence.nsec_answer.add(server)
        if len(records) > 1:
            tally.add(NSEC_TAGS.multiple, server)
        elif records[0].owner != zone.name:
            tally.add(NSEC_TAGS.not_apex, server)
    elif response.answer:
        tally.add(NSEC_WRONG_ANSWER, server)
    elif hashed := nsec3_records(response, "authority"):
        evidence.nsec3_nodata.add(server)
        await Denial(zone, server, response, keys, tally).judge(NSEC3_TAGS, hashed)
    elif unhashed := nsec_records(response, "authority"):
        evidence.nsec_answer.add(server)
        tally.add(NONSTANDARD, server)
        await Denial(zone, server, response, keys, tally).judge(NSEC_TAGS, unhashed, with_bitmap=False)


async def _judge_nsec3param_query(
    zone: Zone,
    tally: ServerTally,
    evidence: _Denials,
    server: Nameserver,
    response: Response | None,
    keys: list[Dnskey],
) -> None:
    if not is_usable(response):
        tally.add(PARAM_ERROR, server)
    elif records := nsec3param_records(response):
        evidence.nsec3param.add(server)
        if len(records) > 1:
            tally.add(MULTIPLE_NSEC3PARAM, server)
        if any(record.owner != zone.name for record in records):
            tally.add(PARAM_NOT_APEX, server)
    elif response.answer:
        tally.add(PARAM_WRONG_ANSWER, server)
    elif unhashed := nsec_records(response, "authority"):
        evidence.nsec_nodata.add(server)
        await Denial(zone, server, response, keys, tally).judge(NSEC_TAGS, unhashed)


def _compare(evidence: _Denials) -> Iterator[Finding]:
    """Yield the findings from comparing the two queries and the servers."""
    nsec, nsec3 = evidence.nsec, evidence.nsec3
    if only_one := (evidence.nsec_answer ^ evidence.nsec_nodata) - nsec3:
        yield INCONSISTENT_NSEC(servers=only_one)
    if only_one := (evidence.nsec3param ^ evidence.nsec3_nodata) - nsec:
        yield INCONSISTENT_NSEC3(servers=only_one)
    if mixed := nsec & nsec3:
        yield MIXED(servers=mixed)
    if nsec and not nsec3:
        yield HAS_NSEC(servers=nsec)
    if nsec3 and not nsec:
        yield HAS_NSEC3(servers=nsec3)
    if nsec - nsec3 and nsec3 - nsec:
        yield INCONSISTENT_KIND(servers=nsec | nsec3)
