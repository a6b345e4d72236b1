"""DNSSEC08: the signatures over the DNSKEY set must verify.

Specification: Zonemaster DNSSEC08. RFC 4034, RFC 4035 section 5.3, RFC 3110.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from gonemaster_engine.dnssec.records import DNSKEY, dnskeys, rrset, signatures
from gonemaster_engine.findings import Finding
from gonemaster_engine.net.nameserver import query_all
from gonemaster_engine.registry import case
from gonemaster_engine.testcases._transport import IPV4_DISABLED, IPV6_DISABLED, usable
from gonemaster_engine.testcases.dnssec._key_signatures import SignatureTags
from gonemaster_engine.testcases.dnssec._shared import Tally, is_usable
from gonemaster_engine.zone import Zone

TAGS = SignatureTags.named("DS08", "DNSKEY")


@case("dnssec08", *TAGS.all, IPV4_DISABLED, IPV6_DISABLED)
async def dnssec08(zone: Zone) -> AsyncIterator[Finding]:
    """Verify the signatures of the DNSKEY RRset on each name server."""
    servers, skipped = usable(zone, await zone.all_servers(), "DNSKEY")
    for finding in skipped:
        yield finding
    tally = Tally()
    for server, response in await query_all(servers, zone.name, "DNSKEY", dnssec=True):
        if is_usable(response) and (keys := dnskeys(response, zone.name)):
            signed, made = rrset(response, DNSKEY, zone.name), signatures(response, DNSKEY, zone.name)
            TAGS.judge(zone, tally, server, signed=signed, made=made, keys=keys)
    for finding in TAGS.findings(tally):
        yield finding
