"""DELEGATION03: the largest possible referral for the zone should be small.

The referral is built, with name compression, for the longest name possible in the zone. It contains all NS records and,
for each address family whose name servers all have names in the parent zone, one address record. A referral of up to
512 octets needs no EDNS; one of up to 1232 octets is not fragmented.

Specification: Zonemaster DELEGATION03. RFC 1035 sections 2.3.4 and 4.2.1, RFC 6891, RFC 9471.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import dns.message
import dns.name
import dns.rdataclass
import dns.rdatatype
import dns.rrset

from gonemaster_engine import names
from gonemaster_engine.entries import Level
from gonemaster_engine.findings import Finding, Tag
from gonemaster_engine.net.nameserver import Nameserver
from gonemaster_engine.net.wire import DNSSEC_PAYLOAD, PLAIN_PAYLOAD, dns_name
from gonemaster_engine.registry import case
from gonemaster_engine.zone import Zone

SIZE_OK = Tag("REFERRAL_SIZE_OK", Level.INFO, ("size",))
SIZE_LARGE = Tag("REFERRAL_SIZE_LARGE", Level.NOTICE, ("size",))
SIZE_TOO_LARGE = Tag("REFERRAL_SIZE_TOO_LARGE", Level.WARNING, ("size",))

_LARGEST_MESSAGE = 65535
_TTL = 172800  # any value has the same size


@case("delegation03", SIZE_OK, SIZE_LARGE, SIZE_TOO_LARGE)
async def delegation03(zone: Zone) -> AsyncIterator[Finding]:
    """Check that the largest possible referral to the zone fits into a small UDP response."""
    size = await referral_size(zone)
    tag = SIZE_OK if size <= PLAIN_PAYLOAD else SIZE_LARGE if size <= DNSSEC_PAYLOAD else SIZE_TOO_LARGE
    yield tag(size=size)


async def referral_size(zone: Zone) -> int:
    """Return the size of the largest referral, octets."""
    parent = await zone.parent_zone()
    servers = await zone.glue()
    origin = dns_name(zone.name)
    message = dns.message.QueryMessage()
    message.find_rrset(message.question, longest_name(origin), dns.rdataclass.IN, dns.rdatatype.NS, create=True)
    targets = [dns_name(name).to_text() for name in await zone.glue_names()]
    if targets:
        message.authority.append(dns.rrset.from_text(origin, _TTL, "IN", "NS", *targets))
    for rtype, is_ipv6 in (("A", False), ("AAAA", True)):
        server = _glue_server([server for server in servers if server.is_ipv6 == is_ipv6], parent)
        if server is not None:
            message.additional.append(dns.rrset.from_text(dns_name(server.name), _TTL, "IN", rtype, server.address))
    return len(message.to_wire(max_size=_LARGEST_MESSAGE))


def _glue_server(servers: list[Nameserver], parent: Zone | None) -> Nameserver | None:
    """Return the server whose address the referral must have, None if the parent needs none."""
    if parent is None or not all(names.is_in_domain(server.name, parent.name) for server in servers):
        return None
    return servers[0] if servers else None


def longest_name(zone_name: dns.name.Name) -> dns.name.Name:
    """Return the zone's name with labels before it until the name has its full length."""
    labels: tuple[bytes, ...] = ()
    room = names.NAME_MAX_OCTETS - len(zone_name.to_wire() or b"")
    while room > 1:
        length = min(room - 1, names.LABEL_MAX_OCTETS)
        labels = (b"x" * length, *labels)
        room -= length + 1
    return dns.name.Name((*labels, *zone_name.labels))
