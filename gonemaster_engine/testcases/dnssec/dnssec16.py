"""DNSSEC16: the CDS records, their signatures and the keys that they stand for.

Specification: Zonemaster DNSSEC16. RFC 7344 section 4.1, RFC 8078, RFC 4034, RFC 4035, RFC 6781.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from gonemaster_engine.dnssec.records import CDS, cds_records
from gonemaster_engine.findings import Finding
from gonemaster_engine.registry import case
from gonemaster_engine.testcases._transport import IPV4_DISABLED, IPV6_DISABLED, usable
from gonemaster_engine.testcases.dnssec._child_signals import Published, SignalTags
from gonemaster_engine.testcases.dnssec._shared import Tally, ask, is_usable
from gonemaster_engine.zone import Zone

TAGS = SignalTags.named("DS16", "CDS", non_zone="MATCHES_NON_ZONE_DNSKEY", non_sep="MATCHES_NON_SEP_DNSKEY")


@case("dnssec16", *TAGS.all, IPV4_DISABLED, IPV6_DISABLED)
async def dnssec16(zone: Zone) -> AsyncIterator[Finding]:
    """Check that the CDS records are signed and match DNSKEY records of the zone."""
    servers, skipped = usable(zone, await zone.all_servers(), "CDS", "DNSKEY")
    for finding in skipped:
        yield finding
    tally = Tally()
    for server, (signal, keys) in await ask(servers, zone.name, "CDS", "DNSKEY"):
        if is_usable(signal) and (records := cds_records(signal, zone.name)):
            published = Published.read(zone, server, CDS, records=records, signal=signal, keys=keys)
            _judge(zone, tally, published)
    for finding in TAGS.findings(tally):
        yield finding


def _judge(zone: Zone, tally: Tally, published: Published) -> None:
    published.judge_delete(tally, TAGS)
    if not published.keys:
        tally.add(TAGS.without_dnskey, published.server)
        return
    for record in published.wanted:
        keys = published.named_by(record)
        if not keys:
            tally.add(TAGS.no_match, published.server, keytag=record.tag)
        elif any(not key.is_zone_key for key in keys):
            tally.add(TAGS.non_zone, published.server, keytag=record.tag)
        else:
            published.judge_signer(tally, TAGS, record.tag)
            if any(not key.is_sep for key in keys):
                tally.add(TAGS.non_sep, published.server, keytag=record.tag)
    published.judge_signatures(zone, tally, TAGS)
