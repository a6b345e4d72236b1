"""DNSSEC09: the signatures over the SOA record must verify.

Specification: Zonemaster DNSSEC09. RFC 4034, RFC 4035 section 5.3, RFC 3110.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from gonemaster_engine.dnssec.records import dnskeys, rrset, signatures
from gonemaster_engine.findings import Finding
from gonemaster_engine.net.rrtypes import SOA
from gonemaster_engine.registry import case
from gonemaster_engine.testcases._transport import IPV4_DISABLED, IPV6_DISABLED, usable
from gonemaster_engine.testcases.dnssec._key_signatures import SignatureTags
from gonemaster_engine.testcases.dnssec._shared import Tally, ask, is_usable
from gonemaster_engine.zone import Zone

TAGS = SignatureTags.named("DS09", "SOA")


@case("dnssec09", *TAGS.all, IPV4_DISABLED, IPV6_DISABLED)
async def dnssec09(zone: Zone) -> AsyncIterator[Finding]:
    """Verify the signatures of the SOA RRset on each name server."""
    servers, skipped = usable(zone, await zone.all_servers(), "DNSKEY", "SOA")
    for finding in skipped:
        yield finding
    tally = Tally()
    for server, (response, soa) in await ask(servers, zone.name, "DNSKEY", "SOA"):
        if not is_usable(response) or not is_usable(soa) or not soa.has("SOA", zone.name):
            continue
        if keys := dnskeys(response, zone.name):
            signed, made = rrset(soa, SOA, zone.name), signatures(soa, SOA, zone.name)
            TAGS.judge(zone, tally, server, signed=signed, made=made, keys=keys)
    for finding in TAGS.findings(tally):
        yield finding
