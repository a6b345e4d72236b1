"""DNSSEC17: the CDNSKEY records, their signatures and the keys that they repeat.

Specification: Zonemaster DNSSEC17. RFC 7344 section 4.1, RFC 8078, RFC 4034, RFC 4035, RFC 6781.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from gonemaster_engine.dnssec.records import CDNSKEY, Dnskey, cdnskeys
from gonemaster_engine.findings import Finding
from gonemaster_engine.registry import case
from gonemaster_engine.testcases._transport import IPV4_DISABLED, IPV6_DISABLED, usable
from gonemaster_engine.testcases.dnssec._child_signals import Published, SignalTags
from gonemaster_engine.testcases.dnssec._shared import Tally, ask, is_usable
from gonemaster_engine.zone import Zone

TAGS = SignalTags.named("DS17", "CDNSKEY", non_zone="IS_NON_ZONE", non_sep="IS_NON_SEP")


@case("dnssec17", *TAGS.all, IPV4_DISABLED, IPV6_DISABLED)
async def dnssec17(zone: Zone) -> AsyncIterator[Finding]:
    """Check that the CDNSKEY records are signed and match DNSKEY records of the zone."""
    servers, skipped = usable(zone, await zone.all_servers(), "CDNSKEY", "DNSKEY")
    for finding in skipped:
        yield finding
    tally = Tally()
    for server, (signal, keys) in await ask(servers, zone.name, "CDNSKEY", "DNSKEY"):
        if is_usable(signal) and (records := cdnskeys(signal, zone.name)):
            published = Published.read(zone, server, CDNSKEY, records=records, signal=signal, keys=keys)
            _judge(zone, tally, published)
    for finding in TAGS.findings(tally):
        yield finding


def _judge(zone: Zone, tally: Tally, published: Published) -> None:
    published.judge_delete(tally, TAGS)
    if not published.keys:
        tally.add(TAGS.without_dnskey, published.server)
        return
    for record in published.wanted:
        if isinstance(record, Dnskey):
            _judge_record(tally, published, record)
    published.judge_signatures(zone, tally, TAGS)


def _judge_record(tally: Tally, published: Published, record: Dnskey) -> None:
    if not record.is_zone_key:
        tally.add(TAGS.non_zone, published.server, keytag=record.tag)
        return
    if not record.is_sep:
        tally.add(TAGS.non_sep, published.server, keytag=record.tag)
    if all(key.rdata != record.rdata for key in published.named_by(record)):
        tally.add(TAGS.no_match, published.server, keytag=record.tag)
    else:
        published.judge_signer(tally, TAGS, record.tag)
