"""DNSSEC20: the type bitmap of the apex must list every existing type.

RFC 4034 section 4.1.2, RFC 5155 sections 3.2.1 and 7.1, RFC 8198: for a resolver, a missing bit proves that there is no
such record.
"""

from __future__ import annotations

from collections.abc import Sequence

from gonemaster_engine.dnssec.denial import Nsec, Nsec3, nsec3_records, nsec_records
from gonemaster_engine.dnssec.records import NSEC, NSEC3, dnskeys, signatures
from gonemaster_engine.entries import Level
from gonemaster_engine.findings.tags import Finding, Tag
from gonemaster_engine.net.wire.messages import Response, Section
from gonemaster_engine.testcases.dnssec._shared import SERVERS, ServerTally, child_servers, is_usable, query_each_type
from gonemaster_engine.testcases.registry import case
from gonemaster_engine.zone.families import ServerFilter
from gonemaster_engine.zone.zone import Zone

NSEC_MISMATCH = Tag("DS20_NSEC_BITMAP_MISMATCHES_RRTYPE", Level.ERROR, ("query_type", "servers"))
NSEC3_MISMATCH = Tag("DS20_NSEC3_BITMAP_MISMATCHES_RRTYPE", Level.ERROR, ("query_type", "servers"))
OK = Tag("DS20_BITMAP_OK", Level.INFO, SERVERS)
NO_BITMAP = Tag("DS20_NO_BITMAP", Level.WARNING, SERVERS)
NO_DNSSEC = Tag("DS20_NO_DNSSEC", Level.NOTICE, SERVERS)

_PROBED = ("A", "AAAA", "MX", "TXT")
_TYPES = ("DNSKEY", "NSEC", "NSEC3PARAM", *_PROBED)


@case("dnssec20", NSEC_MISMATCH, NSEC3_MISMATCH, OK, NO_BITMAP, NO_DNSSEC, query_types=("DNSKEY",))
async def dnssec20(zone: Zone, usable: ServerFilter) -> list[Finding]:
    """Check that the type bitmap of the apex lists the types that exist there."""
    servers = usable(await child_servers(zone))
    tally = ServerTally()
    is_signed = False
    for server, (keys, nsec, nsec3param, *probes) in await query_each_type(servers, zone.name, *_TYPES):
        await zone.wait_for_turn()
        if not is_usable(keys) or not dnskeys(keys, zone.name):
            tally.add(NO_DNSSEC, server)
            continue
        is_signed = True
        record = await _apex_record(zone, nsec, nsec3param)
        if record is None:
            tally.add(NO_BITMAP, server)
            continue
        is_probed = any(response is not None and response.rcode_number == 0 for response in probes)
        unlisted = _unlisted(zone, record, probes)
        for rtype in unlisted:
            tally.add(NSEC_MISMATCH if isinstance(record, Nsec) else NSEC3_MISMATCH, server, query_type=rtype)
        if is_probed and not unlisted:
            tally.add(OK, server)
    last = () if is_signed else (NO_DNSSEC,)
    return tally.findings(NSEC_MISMATCH, NSEC3_MISMATCH, OK, NO_BITMAP, *last)


def _unlisted(zone: Zone, record: Nsec | Nsec3, probes: Sequence[Response | None]) -> list[str]:
    return [
        rtype
        for rtype, response in zip(_PROBED, probes, strict=True)
        if response is not None
        and response.rcode_number == 0
        and response.has(rtype, zone.name)
        and not record.has(rtype)
    ]


async def _apex_record(zone: Zone, nsec: Response | None, nsec3param: Response | None) -> Nsec | Nsec3 | None:
    """Return the zone's own record that has the bitmap of the apex."""
    if nsec is not None:
        if found := _own_nsec(zone, nsec, "answer"):
            return found
        for record in nsec3_records(nsec, "authority"):
            is_apex = await zone.verifier.nsec3_label(zone.name, record) == record.label
            if is_apex and _is_own(zone, nsec, record.owner, NSEC3, "authority"):
                return record
    return _own_nsec(zone, nsec3param, "authority") if nsec3param is not None else None


def _own_nsec(zone: Zone, response: Response, section: Section) -> Nsec | None:
    records = nsec_records(response, section, zone.name)
    return records[0] if records and _is_own(zone, response, zone.name, NSEC, section) else None


def _is_own(zone: Zone, response: Response, owner: str, rtype: int, section: Section) -> bool:
    """Return whether the record belongs to this zone, not to its parent: it is unsigned, or signed by this zone."""
    rrsigs = signatures(response, rtype, owner, section)
    return not rrsigs or any(signature.signer == zone.name for signature in rrsigs)
