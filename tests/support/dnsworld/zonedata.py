"""The records of one zone on one server, indexed for answering."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import dns.name
import dns.rdata
import dns.rdataset
import dns.rdatatype
from dns.rdataclass import IN
from dns.rdatatype import RdataType
from dns.rdtypes.dnskeybase import Flag

from .denial import NO_DENIAL, Denial, denial_of
from .signing import Signer, ds_texts
from .spec import NameserverSet, ZoneSpec
from .zonetext import read_rdata, read_records

Node = dict[RdataType, dns.rdataset.Rdataset]
DEFAULT_SOA = "{mname} hostmaster.{origin} {serial} 14400 3600 1209600 3600"


class ZoneData:
    """Nodes by owner name; a plain mapping, as dns.zone would reject broken zones (a CNAME next to an SOA)."""

    def __init__(self, spec: ZoneSpec, children: Iterable[ZoneSpec] = ()) -> None:
        self.spec = spec
        self.origin = spec.origin
        self.nodes: dict[dns.name.Name, Node] = {}
        self.signer = Signer(spec.origin, spec.signed) if spec.signed else None
        self._load(spec)
        self._add_apex(spec)
        for child in children:
            self._delegate(child)
        self.cuts = {name for name, node in self.nodes.items() if dns.rdatatype.NS in node and name != self.origin}
        self.names = self._existing_names()
        self.denial: Denial = denial_of(self) if self.signer else NO_DENIAL

    def get(self, name: dns.name.Name, rdtype: RdataType) -> dns.rdataset.Rdataset | None:
        return self.nodes.get(name, {}).get(rdtype)

    def cut_above(self, name: dns.name.Name) -> dns.name.Name | None:
        """Return the zone cut at or above a name that is nearest to the apex."""
        depth = len(self.origin.labels)
        for size in range(depth + 1, len(name.labels) + 1):
            ancestor = dns.name.Name(name.labels[-size:])
            if ancestor in self.cuts:
                return ancestor
        return None

    def authoritative_nodes(self) -> Iterator[tuple[dns.name.Name, Node]]:
        """Return the nodes that denial of existence covers: no glue, nothing below a cut; at a cut only NS and DS."""
        for name, node in self.nodes.items():
            cut = self.cut_above(name)
            if cut is None:
                yield name, node
            elif cut == name:
                yield name, {rdtype: node[rdtype] for rdtype in (dns.rdatatype.NS, dns.rdatatype.DS) if rdtype in node}

    def add(self, name: dns.name.Name, ttl: int, rdata: dns.rdata.Rdata) -> None:
        node = self.nodes.setdefault(name, {})
        rdataset = node.setdefault(rdata.rdtype, dns.rdataset.Rdataset(IN, rdata.rdtype, ttl=ttl))
        rdataset.add(rdata, ttl)

    def add_text(self, name: dns.name.Name, rdtype: str, text: str) -> None:
        self.add(name, self.spec.ttl, read_rdata(rdtype, text, origin=self.origin))

    def _load(self, spec: ZoneSpec) -> None:
        for name, rdataset in read_records(spec.records, origin=self.origin, ttl=spec.ttl):
            for rdata in rdataset:
                self.add(name, rdataset.ttl, rdata)
        for owner, rdtype, text in spec.raw:
            self.add_text(dns.name.from_text(owner, spec.origin), rdtype, text)

    def _add_apex(self, spec: ZoneSpec) -> None:
        names = list(spec.ns) if spec.apex_ns is None else [dns.name.from_text(name) for name in spec.apex_ns]
        for name in names:
            self.add_text(spec.origin, "NS", name.to_text())
        if dns.rdatatype.SOA not in self.nodes.get(spec.origin, {}):
            text = spec.soa or DEFAULT_SOA.format(
                mname=(names or [spec.origin])[0], origin=spec.origin.to_text().lstrip("."), serial=spec.serial
            )
            self.add_text(spec.origin, "SOA", text)
        if spec.addresses:
            self._add_addresses(spec.ns, within=spec.origin)
        if self.signer:
            self._add_keys(self.signer)

    def _add_keys(self, signer: Signer) -> None:
        for dnskey in signer.dnskeys():
            self.add(self.origin, self.spec.ttl, dnskey)
        if signer.signing.publish_cds:
            for dnskey in signer.dnskeys():
                if dnskey.flags & Flag.SEP:
                    self.add_text(self.origin, "CDNSKEY", dnskey.to_text())
            for text in ds_texts(self.origin, signer.signing):
                self.add_text(self.origin, "CDS", text)

    def _delegate(self, child: ZoneSpec) -> None:
        delegation = child.delegation
        if delegation is None:
            return
        servers = {**(child.ns if delegation.ns is None else delegation.ns), **delegation.extra_ns}
        for name in servers:
            self.add_text(child.origin, "NS", name.to_text())
        if delegation.glue:
            self._add_addresses(servers, within=child.origin)
        self._add_ds(child, delegation.ds)

    def _add_ds(self, child: ZoneSpec, digests: bool | tuple[str, ...]) -> None:
        texts: Iterable[str] = ()
        if isinstance(digests, tuple):
            texts = digests
        elif digests and child.signed:
            texts = ds_texts(child.origin, child.signed)
        for text in texts:
            self.add_text(child.origin, "DS", text)

    def _add_addresses(self, servers: NameserverSet, *, within: dns.name.Name) -> None:
        for name, addresses in servers.items():
            if name.is_subdomain(within):
                for address in addresses:
                    self.add_text(name, "AAAA" if ":" in address else "A", address)

    def _existing_names(self) -> set[dns.name.Name]:
        """Return the owners and the empty non-terminals above them (RFC 4592 section 2.2.2)."""
        depth = len(self.origin.labels)
        return {
            dns.name.Name(name.labels[-size:])
            for name in self.nodes
            for size in range(depth, len(name.labels) + 1)
            if name.is_subdomain(self.origin)
        } | {self.origin}
