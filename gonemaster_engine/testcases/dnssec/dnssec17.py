"""DNSSEC17: the CDNSKEY records, their signatures and the matching keys.

Specification: Zonemaster DNSSEC17. RFC 7344 section 4.1, RFC 8078, RFC 4034, RFC 4035, RFC 6781.
"""

from __future__ import annotations

from gonemaster_engine.dnssec.records import Dnskey, cdnskeys
from gonemaster_engine.findings.tags import Finding
from gonemaster_engine.testcases.dnssec._child_signals import Published, SignalTags, judge_servers
from gonemaster_engine.testcases.dnssec._shared import ServerTally
from gonemaster_engine.testcases.registry import case
from gonemaster_engine.zone.families import ServerFilter
from gonemaster_engine.zone.zone import Zone

TAGS = SignalTags.named("DS17", "CDNSKEY", non_zone="IS_NON_ZONE", non_sep="IS_NON_SEP")


@case("dnssec17", *TAGS.all, query_types=("CDNSKEY", "DNSKEY"))
async def dnssec17(zone: Zone, usable: ServerFilter) -> list[Finding]:
    """Check that the CDNSKEY records are signed and match DNSKEY records of the zone."""
    servers = usable(await zone.all_servers())
    return await judge_servers(zone, servers, TAGS, rtype="CDNSKEY", records_of=cdnskeys, judge=_judge)


def _judge(tally: ServerTally, published: Published, record: Dnskey) -> None:
    if not record.is_zone_key:
        tally.add(TAGS.non_zone, published.server, keytag=record.tag)
        return
    if not record.is_sep:
        tally.add(TAGS.non_sep, published.server, keytag=record.tag)
    if all(key.rdata != record.rdata for key in published.named_by(record)):
        tally.add(TAGS.no_match, published.server, keytag=record.tag)
    else:
        published.judge_signer(tally, TAGS, record.tag)
