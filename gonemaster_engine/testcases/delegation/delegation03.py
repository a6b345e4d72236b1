"""DELEGATION03: the largest possible referral for the zone should be small.

The referral is built, with name compression, for the longest name possible in the zone. It contains all NS records and,
for each address family whose name servers all have names in the parent zone, one address record. A referral of up to
512 octets needs no EDNS; one of up to 1232 octets is not fragmented.

Specification: Zonemaster DELEGATION03. RFC 1035 sections 2.3.4 and 4.2.1, RFC 6891, RFC 9471.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from io import BytesIO

import dns.name

from gonemaster_engine import names
from gonemaster_engine.entries import Level
from gonemaster_engine.findings.tags import Finding, Tag
from gonemaster_engine.net.server.nameserver import Nameserver
from gonemaster_engine.net.wire.messages import DNSSEC_PAYLOAD, HEADER_OCTETS, PLAIN_PAYLOAD, dns_name
from gonemaster_engine.testcases.registry import case
from gonemaster_engine.zone.zone import Zone

SIZE_OK = Tag("REFERRAL_SIZE_OK", Level.INFO, ("size",))
SIZE_LARGE = Tag("REFERRAL_SIZE_LARGE", Level.NOTICE, ("size",))
SIZE_TOO_LARGE = Tag("REFERRAL_SIZE_TOO_LARGE", Level.WARNING, ("size",))

_QUESTION_OCTETS = 4  # type and class after the name
_RECORD_OCTETS = 10  # type, class, TTL and rdata length after the owner


@case("delegation03", SIZE_OK, SIZE_LARGE, SIZE_TOO_LARGE)
async def delegation03(zone: Zone) -> AsyncIterator[Finding]:
    """Check that the largest possible referral to the zone fits into a small UDP response."""
    size = await referral_size(zone)
    tag = SIZE_OK if size <= PLAIN_PAYLOAD else SIZE_LARGE if size <= DNSSEC_PAYLOAD else SIZE_TOO_LARGE
    yield tag(size=size)


async def referral_size(zone: Zone) -> int:
    """Return the size of the largest referral in octets."""
    parent = await zone.parent_zone()
    servers = await zone.glue()
    origin = dns_name(zone.name)
    message = BytesIO(bytes(HEADER_OCTETS))
    message.seek(HEADER_OCTETS)
    offsets: dict[dns.name.Name, int] = {}
    longest_name(origin).to_wire(message, offsets)
    message.write(bytes(_QUESTION_OCTETS))
    for name in dict.fromkeys(await zone.glue_names()):
        origin.to_wire(message, offsets)
        message.write(bytes(_RECORD_OCTETS))
        dns_name(name).to_wire(message, offsets)
    for is_ipv6 in (False, True):
        server = _glue_server([server for server in servers if server.is_ipv6 == is_ipv6], parent)
        if server is not None:
            dns_name(server.name).to_wire(message, offsets)
            message.write(bytes(_RECORD_OCTETS + (16 if is_ipv6 else 4)))
    return message.tell()


def _glue_server(servers: list[Nameserver], parent: Zone | None) -> Nameserver | None:
    """Return the server whose address the referral must contain, or None if the parent needs none."""
    if parent is None or not all(names.is_in_domain(server.name, parent.name) for server in servers):
        return None
    return servers[0] if servers else None


def longest_name(zone_name: dns.name.Name) -> dns.name.Name:
    """Return the zone's name, extended with labels to the maximum length."""
    labels: tuple[bytes, ...] = ()
    remaining = names.NAME_MAX_OCTETS - len(zone_name.to_wire() or b"")
    while remaining > 1:
        length = min(remaining - 1, names.LABEL_MAX_OCTETS)
        labels = (b"x" * length, *labels)
        remaining -= length + 1
    return dns.name.Name((*labels, *zone_name.labels))
