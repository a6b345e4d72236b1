"""DNSSEC16: the CDS records, their signatures and the matching keys.

Specification: Zonemaster DNSSEC16. RFC 7344 section 4.1, RFC 8078, RFC 4034, RFC 4035, RFC 6781.
"""

from __future__ import annotations

from gonemaster_engine.dnssec.records import Ds, cds_records
from gonemaster_engine.findings.tags import Finding
from gonemaster_engine.testcases.dnssec._child_signals import Published, SignalTags, judge_servers
from gonemaster_engine.testcases.dnssec._shared import ServerTally
from gonemaster_engine.testcases.registry import case
from gonemaster_engine.zone.families import ServerFilter
from gonemaster_engine.zone.zone import Zone

TAGS = SignalTags.named("DS16", "CDS", non_zone="MATCHES_NON_ZONE_DNSKEY", non_sep="MATCHES_NON_SEP_DNSKEY")


@case("dnssec16", *TAGS.all, query_types=("CDS", "DNSKEY"))
async def dnssec16(zone: Zone, usable: ServerFilter) -> list[Finding]:
    """Check that the CDS records are signed and match DNSKEY records of the zone."""
    servers = usable(await zone.all_servers())
    return await judge_servers(zone, servers, TAGS, rtype="CDS", records_of=cds_records, judge=_judge)


def _judge(tally: ServerTally, published: Published, record: Ds) -> None:
    keys = published.named_by(record)
    if not keys:
        tally.add(TAGS.no_match, published.server, keytag=record.tag)
    elif any(not key.is_zone_key for key in keys):
        tally.add(TAGS.non_zone, published.server, keytag=record.tag)
    else:
        published.judge_signer(tally, TAGS, record.tag)
        if any(not key.is_sep for key in keys):
            tally.add(TAGS.non_sep, published.server, keytag=record.tag)
