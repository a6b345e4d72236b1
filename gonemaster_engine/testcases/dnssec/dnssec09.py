"""DNSSEC09: the signatures over the SOA record must verify.

Specification: Zonemaster DNSSEC09. RFC 4034, RFC 4035 section 5.3, RFC 3110.
"""

from __future__ import annotations

from gonemaster_engine.findings.tags import Finding
from gonemaster_engine.testcases.dnssec._key_signatures import SignatureTags
from gonemaster_engine.testcases.registry import case
from gonemaster_engine.zone.families import ServerFilter
from gonemaster_engine.zone.zone import Zone

TAGS = SignatureTags.named("DS09", "SOA")


@case("dnssec09", *TAGS.all, query_types=("DNSKEY", "SOA"))
async def dnssec09(zone: Zone, usable: ServerFilter) -> list[Finding]:
    """Verify the signatures of the SOA RRset on each name server."""
    return await TAGS.judge_servers(zone, usable(await zone.all_servers()), "SOA")
