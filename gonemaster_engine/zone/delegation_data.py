"""The data of a zone in its parent zone: name servers with addresses, and DS records.

A user edits these data to test a delegation before it is published. Names outside the zone are resolved, as in a test.

Source: MethodsV2 of Zonemaster, Get-Del-NS-Names-and-IPs; RFC 4035 section 3.1.4.1 (DS records belong to the parent).
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from gonemaster_engine.asn.lookup import AsnLookup
from gonemaster_engine.context import DSInfo, RunContext
from gonemaster_engine.dnssec.records import ds_records
from gonemaster_engine.limits import RunLimits
from gonemaster_engine.profile.profile import Profile
from gonemaster_engine.resolver.recursor import Recursor
from gonemaster_engine.resources import Resources
from gonemaster_engine.run_log import Log
from gonemaster_engine.zone.zone import Zone

# A delegation of forty servers takes about a hundred packets, most of them to the servers of its TLD.
LOOKUP_LIMITS = RunLimits(
    max_queries=1_500,
    max_queries_per_address=100,
    max_outside_packets=60,
    max_silent_packets=500,
    max_silent_packets_per_address=16,
    max_tcp_connections=16,
    max_octets=4 * 1024 * 1024,
    max_records=20_000,
)


@dataclass(frozen=True, slots=True)
class DelegationData:
    """Name servers with one address each, or None (at the end), and DS records."""

    nameservers: tuple[tuple[str, str | None], ...] = ()
    ds: tuple[DSInfo, ...] = ()


async def look_up_delegation(
    domain: str, profile: Profile, resources: Resources, *, limit_s: float, limits: RunLimits = LOOKUP_LIMITS
) -> DelegationData:
    """Query the parent of a zone for its delegation; empty if there is none or no server answers.

    `domain` is normalised.

    Raises:
      TimeoutError: the lookup took longer than `limit_s`.
    """
    context = RunContext(domain, profile, resources, log=Log(profile), limits=limits)
    try:
        recursor = Recursor(context)
        asn = AsnLookup(recursor, profile, context.caches.origins, budget=context.budget)
        zone = Zone(context, recursor, asn)
        async with asyncio.timeout(limit_s):
            delegation = await zone.delegation() or {}
            ds = await _ds_of(zone)
    finally:
        await context.close()
        context.release()
    with_address = [(name, address) for name, found in delegation.items() for address in found]
    without = [(name, None) for name, found in delegation.items() if not found]
    return DelegationData((*with_address, *without), ds)


async def _ds_of(zone: Zone) -> tuple[DSInfo, ...]:
    response = None if zone.is_root else await zone.query_parent("DS", dnssec=True)
    if response is None or response.rcode != "NOERROR":
        return ()
    records = {record.rdata: record for record in ds_records(response, zone.name)}
    return tuple(
        DSInfo(found.tag, found.algorithm, found.digest_type, found.digest.hex())
        for found in (records[rdata] for rdata in sorted(records))
    )
