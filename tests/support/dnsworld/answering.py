"""The responses of a correct authoritative server: RFC 1034 section 4.3.2, with EDNS, DNSSEC and zone transfer."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

import dns.edns
import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.rcode
import dns.rdataclass
import dns.rdataset
import dns.rdatatype
import dns.rrset
from dns.rdtypes.ANY.MX import MX
from dns.rdtypes.ANY.NS import NS

from .denial import Proof, wildcard_of
from .zonedata import ZoneData

MAX_ALIASES: Final = 16
TRANSFER_BATCH: Final = 100
NSID: Final = dns.edns.OptionType.NSID
COOKIE: Final = dns.edns.OptionType.COOKIE


@dataclass
class Behaviour:
    """The settings of a server that still answers correctly."""

    unknown_zone: dns.rcode.Rcode = dns.rcode.REFUSED
    version: str | None = None
    nsid: bytes | None = None
    cookies: bool = False
    max_udp_size: int = 4096
    axfr: bool = False


@dataclass
class Authority:
    """An authoritative server for a set of zones."""

    zones: Mapping[dns.name.Name, ZoneData]
    behaviour: Behaviour = field(default_factory=Behaviour)

    def respond(self, query: dns.message.Message, transport: str = "udp") -> list[dns.message.Message]:
        """Return the messages of the response: one, except for a zone transfer."""
        response = dns.message.make_response(query, our_payload=self.behaviour.max_udp_size)
        self._echo_edns(query, response)
        if query.edns > 0:
            response.set_rcode(dns.rcode.BADVERS)
        elif query.opcode() != dns.opcode.QUERY:
            response.set_rcode(dns.rcode.NOTIMP)
        elif len(query.question) != 1:
            response.set_rcode(dns.rcode.FORMERR)
        elif query.question[0].rdclass == dns.rdataclass.CH:
            self._chaos(response)
        elif query.question[0].rdtype == dns.rdatatype.AXFR:
            return self._transfer(query, response, transport)
        else:
            self._lookup(query, response)
        return [response]

    def _echo_edns(self, query: dns.message.Message, response: dns.message.Message) -> None:
        if query.edns < 0:
            return
        options: list[dns.edns.Option] = []
        for option in query.options:
            if option.otype == NSID and self.behaviour.nsid is not None:
                options.append(dns.edns.GenericOption(NSID, self.behaviour.nsid))
            if option.otype == COOKIE and self.behaviour.cookies:
                client = option.to_wire()[:8]
                options.append(dns.edns.GenericOption(COOKIE, client + hashlib.sha256(client).digest()[:8]))
        flags = query.ednsflags & dns.flags.DO
        response.use_edns(0, flags, self.behaviour.max_udp_size, query.payload, options=options)

    def _chaos(self, response: dns.message.Message) -> None:
        name = response.question[0].name
        asked = name.to_text(omit_final_dot=True).lower()
        if self.behaviour.version is None or asked not in ("version.bind", "version.server"):
            response.set_rcode(dns.rcode.REFUSED)
            return
        response.flags |= dns.flags.AA
        response.answer.append(dns.rrset.from_text(name, 0, "CH", "TXT", f'"{self.behaviour.version}"'))

    def _transfer(
        self, query: dns.message.Message, response: dns.message.Message, transport: str
    ) -> list[dns.message.Message]:
        zone = self.zones.get(query.question[0].name)
        if zone is None or transport != "tcp" or not (zone.spec.axfr or self.behaviour.axfr):
            response.set_rcode(dns.rcode.REFUSED if zone else dns.rcode.NOTAUTH)
            return [response]
        messages = []
        sets = list(transfer_sets(zone))
        for start in range(0, len(sets), TRANSFER_BATCH):
            message = dns.message.make_response(query)
            message.flags |= dns.flags.AA
            message.answer = sets[start : start + TRANSFER_BATCH]
            messages.append(message)
        return messages

    def zone_for(self, qname: dns.name.Name, qtype: dns.rdatatype.RdataType) -> ZoneData | None:
        """Return the deepest zone that contains a name; for DS at an apex the parent (RFC 4035 section 3.1.4.1)."""
        found = None
        for size in range(1, len(qname.labels) + 1):
            zone = self.zones.get(dns.name.Name(qname.labels[-size:]))
            at_apex = size == len(qname.labels) and qtype == dns.rdatatype.DS
            if zone is not None and not (at_apex and found is not None):
                found = zone
        return found

    def _lookup(self, query: dns.message.Message, response: dns.message.Message) -> None:
        question = query.question[0]
        zone = self.zone_for(question.name, question.rdtype)
        if zone is None:
            response.set_rcode(self.behaviour.unknown_zone)
            return
        Lookup(zone, response, dnssec=bool(query.ednsflags & dns.flags.DO)).run(question.name, question.rdtype)


def transfer_sets(zone: ZoneData) -> Iterator[dns.rrset.RRset]:
    """Return all RRsets of a zone, including signatures and denial, between two copies of its SOA (RFC 5936)."""
    soa = zone.get(zone.origin, dns.rdatatype.SOA)
    if soa is None:
        return
    yield _rrset(zone.origin, soa)
    hashed_or_not = zone.denial.records() if zone.signer else []
    listed = [(name, rdataset) for name, node in zone.nodes.items() for rdataset in node.values()]
    signable = {(name, rdtype) for name, node in zone.authoritative_nodes() for rdtype in node}
    for name, rdataset in [*listed, *hashed_or_not]:
        if rdataset is not soa:
            yield _rrset(name, rdataset)
        bare = (name, rdataset.rdtype) not in signable and (name, rdataset) not in hashed_or_not
        if zone.signer and not bare and not (rdataset.rdtype == dns.rdatatype.NS and name in zone.cuts):
            signatures = zone.signer.rrsigs(name, rdataset)
            if signatures is not None:
                yield _rrset(name, signatures)
    yield _rrset(zone.origin, soa)


def _rrset(name: dns.name.Name, rdataset: dns.rdataset.Rdataset) -> dns.rrset.RRset:
    return dns.rrset.from_rdata_list(name, rdataset.ttl, list(rdataset))


@dataclass
class Lookup:
    """Builds one response from one zone."""

    zone: ZoneData
    response: dns.message.Message
    dnssec: bool

    def run(self, qname: dns.name.Name, qtype: dns.rdatatype.RdataType) -> None:
        seen: set[dns.name.Name] = set()
        name: dns.name.Name | None = qname
        while name is not None and name not in seen and len(seen) < MAX_ALIASES:
            seen.add(name)
            name = self._step(name, qtype)
        self._add_additional()

    def _step(self, name: dns.name.Name, qtype: dns.rdatatype.RdataType) -> dns.name.Name | None:
        """Answer for one name; return the next name if it is an alias within the zone."""
        cut = self.zone.cut_above(name)
        if cut is not None and not (cut == name and qtype == dns.rdatatype.DS):
            if not self.response.answer:
                self._refer(cut)
            return None
        self.response.flags |= dns.flags.AA
        dname_owner = self._dname_above(name)
        if dname_owner is not None:
            return self._follow_dname(name, dname_owner)
        if name in self.zone.names:
            return self._answer_at(name, name, qtype)
        encloser = self._encloser(name)
        if wildcard_of(encloser) in self.zone.names:
            return self._answer_at(name, wildcard_of(encloser), qtype)
        self.response.set_rcode(dns.rcode.NXDOMAIN)
        self._deny(self.zone.denial.name_error(name, encloser))
        return None

    def _answer_at(
        self, name: dns.name.Name, source: dns.name.Name, qtype: dns.rdatatype.RdataType
    ) -> dns.name.Name | None:
        node = self.zone.nodes.get(source, {})
        expanded = source != name
        rrsets = self._wanted(source, qtype)
        alias = None
        if not rrsets and dns.rdatatype.CNAME in node:
            rrsets = [node[dns.rdatatype.CNAME]]
            alias = rrsets[0][0].target
        for rdataset in rrsets:
            self._add(self.response.answer, name, rdataset, source)
        if rrsets and expanded and self.dnssec:
            self._add_proof(self.zone.denial.expanded(name, self._encloser(name)))
        if not rrsets:
            denial = self.zone.denial
            self._deny(denial.wildcard_no_data(name, self._encloser(name)) if expanded else denial.no_data(name))
        return alias if alias is not None and alias.is_subdomain(self.zone.origin) else None

    def _wanted(self, owner: dns.name.Name, qtype: dns.rdatatype.RdataType) -> list[dns.rdataset.Rdataset]:
        node = dict(self.zone.nodes.get(owner, {}))
        nsec = self.zone.denial.at(owner)
        if nsec is not None:
            node[dns.rdatatype.NSEC] = nsec
        if qtype == dns.rdatatype.ANY:
            return list(node.values())
        if qtype == dns.rdatatype.RRSIG and self.zone.signer is not None:
            signatures = [self.zone.signer.rrsigs(owner, rdataset) for rdataset in node.values()]
            return [each for each in signatures if each is not None]
        return [node[qtype]] if qtype in node else []

    def _follow_dname(self, name: dns.name.Name, owner: dns.name.Name) -> dns.name.Name | None:
        """Synthesize the alias (RFC 6672 section 3.1)."""
        dname = self.zone.nodes[owner][dns.rdatatype.DNAME]
        self._add(self.response.answer, owner, dname, owner)
        try:
            target = dns.name.Name(name.relativize(owner).labels + dname[0].target.labels)
        except dns.name.NameTooLong:
            self.response.set_rcode(dns.rcode.YXDOMAIN)
            return None
        alias = dns.rrset.from_text(name, dname.ttl, "IN", "CNAME", target.to_text())
        self.response.answer.append(alias)
        return target if target.is_subdomain(self.zone.origin) else None

    def _dname_above(self, name: dns.name.Name) -> dns.name.Name | None:
        for size in range(len(self.zone.origin.labels), len(name.labels)):
            ancestor = dns.name.Name(name.labels[-size:])
            if self.zone.get(ancestor, dns.rdatatype.DNAME):
                return ancestor
        return None

    def _encloser(self, name: dns.name.Name) -> dns.name.Name:
        ancestor = name.parent() if len(name.labels) > 1 else name
        while ancestor not in self.zone.names:
            ancestor = ancestor.parent()
        return ancestor

    def _refer(self, cut: dns.name.Name) -> None:
        node = self.zone.nodes[cut]
        self.response.authority.append(_rrset(cut, node[dns.rdatatype.NS]))
        if not self.dnssec or self.zone.signer is None:
            return
        if dns.rdatatype.DS in node:
            self._add(self.response.authority, cut, node[dns.rdatatype.DS], cut)
        else:
            self._add_proof(self.zone.denial.no_data(cut))

    def _deny(self, proof: Proof) -> None:
        soa = self.zone.get(self.zone.origin, dns.rdatatype.SOA)
        if soa is not None:
            self._add(self.response.authority, self.zone.origin, soa, self.zone.origin)
        if self.dnssec:
            self._add_proof(proof)

    def _add_proof(self, proof: Proof) -> None:
        present = {(rrset.name, rrset.rdtype) for rrset in self.response.authority}
        for owner, rdataset in proof:
            if (owner, rdataset.rdtype) not in present:
                self._add(self.response.authority, owner, rdataset, owner)

    def _add(
        self,
        section: list[dns.rrset.RRset],
        name: dns.name.Name,
        rdataset: dns.rdataset.Rdataset,
        source: dns.name.Name,
    ) -> None:
        section.append(_rrset(name, rdataset))
        if self.dnssec and self.zone.signer is not None and rdataset.rdtype != dns.rdatatype.RRSIG:
            signatures = self.zone.signer.rrsigs(source, rdataset)
            if signatures is not None:
                section.append(_rrset(name, signatures))

    def _add_additional(self) -> None:
        """Add the zone's addresses for the targets of NS and MX records, including glue."""
        done: set[dns.name.Name] = set()
        for target in _targets([*self.response.answer, *self.response.authority]):
            if target in done:
                continue
            done.add(target)
            for rdtype in (dns.rdatatype.A, dns.rdatatype.AAAA):
                rdataset = self.zone.get(target, rdtype)
                if rdataset is None:
                    continue
                if self.zone.cut_above(target) is None:
                    self._add(self.response.additional, target, rdataset, target)
                else:
                    self.response.additional.append(_rrset(target, rdataset))


def _targets(rrsets: Iterable[dns.rrset.RRset]) -> Iterator[dns.name.Name]:
    for rrset in rrsets:
        for rdata in rrset:
            if isinstance(rdata, NS):
                yield rdata.target
            elif isinstance(rdata, MX):
                yield rdata.exchange


def parse_query(wire: bytes) -> dns.message.Message | None:
    """Parse a query; return None if it is malformed or not a query."""
    try:
        query = dns.message.from_wire(wire)
    except Exception:  # noqa: BLE001 -- any query that dnspython cannot parse is malformed
        return None
    return None if query.flags & dns.flags.QR else query


def format_error(wire: bytes) -> bytes:
    """Return the FORMERR response to a query that could not be parsed."""
    flags = dns.flags.QR | (int.from_bytes(wire[2:4]) & 0x7900)
    return wire[:2] + (flags | dns.rcode.FORMERR).to_bytes(2) + bytes(8)
