"""The records of a zone file, indexed for answering."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdataset
import dns.rdatatype
from dns.rdatatype import RdataType

Node: TypeAlias = dict[RdataType, dns.rdataset.Rdataset]
"""The RRsets of a name, without signatures."""


class ZoneContents:
    """Names with their RRsets and signatures. It is a plain mapping, because it also holds zones with errors."""

    def __init__(self, origin: dns.name.Name) -> None:
        self.origin = origin
        self.nodes: dict[dns.name.Name, Node] = {}
        self.signatures: dict[dns.name.Name, Node] = {}  # RRSIG records by the type that they cover
        self.names: set[dns.name.Name] = (
            set()
        )  # owners, and the empty non-terminals above them (RFC 4592 section 2.2.2)
        self.cuts: set[dns.name.Name] = set()
        self.count = 0

    def add(self, name: dns.name.Name, ttl: int, rdata: dns.rdata.Rdata) -> None:
        """Add a record, whose owner is in the zone."""
        self.count += 1
        rdtype = rdata.rdtype
        by_type = self.nodes.setdefault(name, {})
        key = rdtype
        if rdtype == dns.rdatatype.RRSIG:
            by_type, key = self.signatures.setdefault(name, {}), rdata.covers()
        elif rdtype == dns.rdatatype.NS and name != self.origin:
            self.cuts.add(name)
        rdataset = by_type.get(key)
        if rdataset is None:
            covers = rdata.covers() if rdtype == dns.rdatatype.RRSIG else dns.rdatatype.NONE
            rdataset = by_type[key] = dns.rdataset.Rdataset(dns.rdataclass.IN, rdtype, covers, ttl)
        rdataset.add(rdata, ttl)
        while name not in self.names:
            self.names.add(name)
            if name == self.origin:
                break
            name = name.parent()

    def get(self, name: dns.name.Name, rdtype: RdataType) -> dns.rdataset.Rdataset | None:
        """Return an RRset, or None."""
        return self.nodes.get(name, {}).get(rdtype)

    def apex(self, rdtype: RdataType) -> dns.rdataset.Rdataset | None:
        """Return an RRset of the apex, or None."""
        return self.get(self.origin, rdtype)

    def cut_above(self, name: dns.name.Name) -> dns.name.Name | None:
        """Return the zone cut at or above a name that is nearest to the apex."""
        return next((ancestor for ancestor in self._below_apex(name) if ancestor in self.cuts), None)

    def dname_above(self, name: dns.name.Name) -> dns.name.Name | None:
        """Return the owner of a DNAME record above a name."""
        owners = (self.origin, *self._below_apex(name))
        return next((owner for owner in owners if owner != name and self.get(owner, dns.rdatatype.DNAME)), None)

    def _below_apex(self, name: dns.name.Name) -> Iterator[dns.name.Name]:
        """Yield the ancestors of a name below the apex and the name itself, the nearest to the apex first."""
        for size in range(len(self.origin.labels) + 1, len(name.labels) + 1):
            yield dns.name.Name(name.labels[-size:])

    def encloser(self, name: dns.name.Name) -> dns.name.Name:
        """Return the closest encloser of a name that does not exist (RFC 4592 section 3.3.1)."""
        ancestor = name.parent()
        while ancestor not in self.names:
            ancestor = ancestor.parent()
        return ancestor

    def addresses(self, name: dns.name.Name) -> list[str]:
        """Return the addresses of a name, including glue."""
        found = (self.get(name, rdtype) for rdtype in (dns.rdatatype.A, dns.rdatatype.AAAA))
        return [rdata.address for rdataset in found if rdataset for rdata in rdataset]
