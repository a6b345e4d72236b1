"""Proofs in the parent zone that a name is not a delegation, although the servers of the zone answer.

A validating resolver with such a proof never queries those servers. Source: RFC 4035 section 5.4, RFC 5155 section 8,
RFC 8020, RFC 8198.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gonemaster_engine import names
from gonemaster_engine.dnssec.denial import Nsec, Nsec3, nsec3_records, nsec_records
from gonemaster_engine.dnssec.records import NSEC, NSEC3, Dnskey, dnskeys, rrset, signatures
from gonemaster_engine.net.server.nameserver import Nameserver
from gonemaster_engine.net.wire.messages import Response
from gonemaster_engine.testcases.dnssec._shared import is_usable
from gonemaster_engine.zone.zone import Zone


async def proves_no_delegation(
    zone: Zone, parent: str, denials: Sequence[tuple[Nameserver, Response]]
) -> list[Nameserver]:
    """Return the parent's servers whose DS answer contains the proof; none if the parent itself is not secure."""
    suspects = [(server, response) for server, response in denials if await _denies(zone, parent, response, keys=None)]
    if not suspects or not await _is_secure(zone, parent):
        return []
    pending = [
        (server, response, server.query(parent, "DNSKEY", dnssec=True, shared=True)) for server, response in suspects
    ]
    proven = []
    for server, response, answer in pending:
        keys = await answer
        if is_usable(keys) and await _denies(zone, parent, response, keys=dnskeys(keys, parent)):
            proven.append(server)
    return proven


async def _is_secure(zone: Zone, parent: str) -> bool:
    return parent == names.ROOT or bool((await zone.recursor.resolve(parent, "DS")).records("DS"))


async def _denies(zone: Zone, parent: str, response: Response, *, keys: Sequence[Dnskey] | None) -> bool:
    """Return whether the records deny the delegation; if `keys` is given, only records signed by them count."""
    nsec = [
        record
        for record in nsec_records(response, "authority")
        if keys is None or await _is_signed(zone, parent, response, record.owner, NSEC, keys)
    ]
    if any(_nsec_denies(zone.name, record) for record in nsec):
        return True
    nsec3 = [
        record
        for record in nsec3_records(response, "authority")
        if record.zone == parent
        and (keys is None or await _is_signed(zone, parent, response, record.owner, NSEC3, keys))
    ]
    return await _nsec3_denies(zone, parent, nsec3)


async def _is_signed(
    zone: Zone, parent: str, response: Response, owner: str, rtype: int, keys: Sequence[Dnskey]
) -> bool:
    signed = rrset(response, rtype, owner, "authority")
    for signature in signatures(response, rtype, owner, "authority"):
        if await zone.verifier.is_valid(signed, signature, keys, now=zone.now, zone=parent):
            return True
    return False


def _nsec_denies(name: str, record: Nsec) -> bool:
    if record.owner == name:
        return not record.has_any("NS", "DS", "SOA")
    at_or_below_cut = names.is_below(name, record.owner) and record.has("NS") and not record.has("SOA")
    return record.covers(name) and not names.is_below(record.next, name) and not at_or_below_cut


async def _nsec3_denies(zone: Zone, parent: str, records: Sequence[Nsec3]) -> bool:
    if not records:
        return False
    match = await zone.verifier.nsec3_matching(zone.name, records)
    if match:
        return not match.has_any("NS", "DS", "SOA")
    for next_closer in _up_to(zone.name, parent):
        encloser = await zone.verifier.nsec3_matching(names.parent(next_closer), records)
        if encloser is None:
            continue
        if encloser.has("NS") and not encloser.has("SOA"):
            return False
        return await zone.verifier.nsec3_covers(next_closer, (record for record in records if not record.opt_out))
    return False


def _up_to(name: str, ancestor: str) -> Iterator[str]:
    """Yield the name and its ancestors below `ancestor`."""
    while names.is_below(name, ancestor):
        yield name
        name = names.parent(name)
