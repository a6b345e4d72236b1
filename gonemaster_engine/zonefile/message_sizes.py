"""The RRsets of a zone that do not fit in a DNS message, so that no name server can return them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Final

import dns.exception
import dns.message
import dns.name
import dns.rdataset
import dns.rrset

from gonemaster_engine.zonefile.contents import ZoneContents

MAX_MESSAGE_OCTETS: Final = 65_535
MAX_REPORTED: Final = 20
_RECORD_OCTETS: Final = 12  # of each record at least: a compressed name, type, class, TTL and length


def oversized_rrsets(contents: ZoneContents) -> Iterator[tuple[dns.name.Name, dns.rdataset.Rdataset]]:
    """Yield the first names with an RRset that is too large for a message."""
    found = (
        (name, rdataset)
        for name, node in contents.nodes.items()
        for rdataset in node.values()
        if _may_be_oversized(rdataset) and _is_oversized(name, rdataset)
    )
    return islice(found, MAX_REPORTED)


def _may_be_oversized(rdataset: dns.rdataset.Rdataset) -> bool:
    """Return whether the records are large without compression of names, which is cheap to determine."""
    octets = 0
    for rdata in rdataset:
        octets += _RECORD_OCTETS + len(rdata.to_wire() or b"")
        if octets > MAX_MESSAGE_OCTETS // 2:
            return True
    return False


def _is_oversized(name: dns.name.Name, rdataset: dns.rdataset.Rdataset) -> bool:
    response = dns.message.make_response(dns.message.make_query(name, rdataset.rdtype))
    response.answer.append(dns.rrset.from_rdata_list(name, rdataset.ttl, list(rdataset)))
    try:
        response.to_wire(max_size=MAX_MESSAGE_OCTETS)
    except dns.exception.TooBig:
        return True
    return False
