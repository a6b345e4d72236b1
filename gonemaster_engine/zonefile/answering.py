"""The responses of an authoritative server for one zone: RFC 1034 section 4.3.2, with EDNS and DNSSEC.

It serves the file as it is: signatures, NSEC and NSEC3 records come from the file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.rcode
import dns.rdataclass
import dns.rdataset
import dns.rdatatype
import dns.rrset
from dns.rdatatype import RdataType
from dns.rdtypes.mxbase import MXBase
from dns.rdtypes.nsbase import NSBase

from gonemaster_engine.zonefile.contents import ZoneContents
from gonemaster_engine.zonefile.denial import denial_of, wildcard_of

UDP_MAX_OCTETS: Final = 1232  # DNS flag day 2020
_PLAIN_UDP_OCTETS: Final = 512
_TCP_MAX_OCTETS: Final = 65535
_MAX_ALIASES: Final = 16
_META_TYPES = frozenset(map(dns.rdatatype.RdataType.make, ("AXFR", "IXFR", "MAILA", "MAILB")))

Answerer = Callable[[dns.message.Message], dns.message.Message]


def respond(wire: bytes, answer: Answerer, *, over_tcp: bool) -> bytes | None:
    """Return the response to a query in wire format; None if the message is no query."""
    try:
        query = dns.message.from_wire(wire)
    except (dns.exception.DNSException, ValueError):
        flags = dns.flags.QR | (int.from_bytes(wire[2:4]) & 0x7900)
        return wire[:2] + (flags | dns.rcode.FORMERR).to_bytes(2) + bytes(8) if len(wire) >= 12 else None
    if query.flags & dns.flags.QR:
        return None
    size = _TCP_MAX_OCTETS if over_tcp else _udp_size(query)
    return answer(query).to_wire(max_size=size, prefer_truncation=True)


def _udp_size(query: dns.message.Message) -> int:
    return min(max(query.payload, _PLAIN_UDP_OCTETS), UDP_MAX_OCTETS) if query.edns >= 0 else _PLAIN_UDP_OCTETS


def _begun(query: dns.message.Message) -> dns.message.Message:
    """Return a response without records; it has an OPT record if the query has one."""
    response = dns.message.make_response(query, our_payload=UDP_MAX_OCTETS)
    if query.edns >= 0:
        response.use_edns(0, query.ednsflags & dns.flags.DO, UDP_MAX_OCTETS, query.payload)
    return response


class ZoneServer:
    """Answers for one zone."""

    def __init__(self, contents: ZoneContents) -> None:
        self.contents = contents
        self.denial = denial_of(contents)

    def answer(self, query: dns.message.Message) -> dns.message.Message:
        """Return the response to a query."""
        response = _begun(query)
        if query.edns > 0:
            response.set_rcode(dns.rcode.BADVERS)
        elif query.opcode() != dns.opcode.QUERY:
            response.set_rcode(dns.rcode.NOTIMP)
        elif len(query.question) != 1:
            response.set_rcode(dns.rcode.FORMERR)
        else:
            question = query.question[0]
            is_inside = question.name.is_subdomain(self.contents.origin)
            if question.rdclass != dns.rdataclass.IN or question.rdtype in _META_TYPES or not is_inside:
                response.set_rcode(dns.rcode.REFUSED)
            else:
                dnssec = bool(query.edns >= 0 and query.ednsflags & dns.flags.DO)
                _ResponseBuilder(self, response, dnssec=dnssec).run(question.name, question.rdtype)
        return response


class _ResponseBuilder:
    """Builds one response."""

    def __init__(self, server: ZoneServer, response: dns.message.Message, *, dnssec: bool) -> None:
        self._contents = server.contents
        self._denial = server.denial
        self._response = response
        self._dnssec = dnssec

    def run(self, qname: dns.name.Name, qtype: RdataType) -> None:
        """Answer for the name, and for the names of its aliases in the zone."""
        seen: set[dns.name.Name] = set()
        name: dns.name.Name | None = qname
        while name is not None and name not in seen and len(seen) < _MAX_ALIASES:
            seen.add(name)
            name = self._step(name, qtype)
        self._add_additional()

    def _step(self, name: dns.name.Name, qtype: RdataType) -> dns.name.Name | None:
        contents, response = self._contents, self._response
        cut = contents.cut_above(name)
        if cut is not None and not (cut == name and qtype == dns.rdatatype.DS):
            if not response.answer:
                self._refer(cut)
            return None
        response.flags |= dns.flags.AA
        if owner := contents.dname_above(name):
            return self._follow_dname(name, owner)
        if name in contents.names:
            return self._answer_at(name, name, qtype, self._denial.no_data(name))
        encloser = contents.encloser(name)
        wildcard = wildcard_of(encloser)
        if wildcard in contents.names:
            count = len(response.answer)
            alias = self._answer_at(name, wildcard, qtype, self._denial.no_wildcard_data(name, encloser))
            if self._dnssec and len(response.answer) > count:
                self._prove(self._denial.no_closer_name(name, encloser))
            return alias
        response.set_rcode(dns.rcode.NXDOMAIN)
        self._deny(self._denial.no_name(name, encloser))
        return None

    def _answer_at(
        self, name: dns.name.Name, source: dns.name.Name, qtype: RdataType, no_data: Iterator[dns.name.Name]
    ) -> dns.name.Name | None:
        node = self._contents.nodes.get(source, {})
        if qtype == dns.rdatatype.ANY:
            wanted = list(node.values())
        elif qtype == dns.rdatatype.RRSIG:
            wanted = list(self._contents.signatures.get(source, {}).values())
        else:
            wanted = [node[qtype]] if qtype in node else []
        alias = None
        if not wanted and dns.rdatatype.CNAME in node:
            wanted = [node[dns.rdatatype.CNAME]]
            alias = wanted[0][0].target
        for rdataset in wanted:
            self._add(self._response.answer, name, rdataset, source)
        if not wanted:
            self._deny(no_data)
        return alias if alias is not None and alias.is_subdomain(self._contents.origin) else None

    def _follow_dname(self, name: dns.name.Name, owner: dns.name.Name) -> dns.name.Name | None:
        """Add the DNAME, and the alias that follows from it (RFC 6672 section 3.1)."""
        dname = self._contents.nodes[owner][dns.rdatatype.DNAME]
        self._add(self._response.answer, owner, dname, owner)
        try:
            target = dns.name.Name(name.relativize(owner).labels + dname[0].target.labels)
        except dns.name.NameTooLong:
            self._response.set_rcode(dns.rcode.YXDOMAIN)
            return None
        self._response.answer.append(dns.rrset.from_text(name, dname.ttl, "IN", "CNAME", target.to_text()))
        return target if target.is_subdomain(self._contents.origin) else None

    def _refer(self, cut: dns.name.Name) -> None:
        node = self._contents.nodes[cut]
        self._response.authority.append(_rrset(cut, node[dns.rdatatype.NS]))
        if not self._dnssec:
            return
        if dns.rdatatype.DS in node:
            self._add(self._response.authority, cut, node[dns.rdatatype.DS], cut)
        else:
            self._prove(self._denial.no_data(cut))

    def _deny(self, owners: Iterator[dns.name.Name]) -> None:
        soa = self._contents.apex(dns.rdatatype.SOA)
        if soa is not None:
            self._add(self._response.authority, self._contents.origin, soa, self._contents.origin)
        if self._dnssec:
            self._prove(owners)

    def _prove(self, owners: Iterator[dns.name.Name]) -> None:
        present = {rrset.name for rrset in self._response.authority if rrset.rdtype == self._denial.rdtype}
        for owner in dict.fromkeys(owners):
            if owner not in present:
                self._add(self._response.authority, owner, self._contents.nodes[owner][self._denial.rdtype], owner)

    def _add(
        self,
        section: list[dns.rrset.RRset],
        name: dns.name.Name,
        rdataset: dns.rdataset.Rdataset,
        source: dns.name.Name,
    ) -> None:
        section.append(_rrset(name, rdataset))
        signatures = self._contents.signatures.get(source, {}).get(rdataset.rdtype)
        if self._dnssec and signatures is not None:
            section.append(_rrset(name, signatures))

    def _add_additional(self) -> None:
        """Add the addresses of the targets of NS and MX records, including glue."""
        targets = dict.fromkeys(_targets([*self._response.answer, *self._response.authority]))
        for target in targets:
            is_glue = self._contents.cut_above(target) is not None
            for rdtype in (dns.rdatatype.A, dns.rdatatype.AAAA):
                rdataset = self._contents.get(target, rdtype)
                if rdataset is None:
                    continue
                if is_glue:
                    self._response.additional.append(_rrset(target, rdataset))
                else:
                    self._add(self._response.additional, target, rdataset, target)


def _rrset(name: dns.name.Name, rdataset: dns.rdataset.Rdataset) -> dns.rrset.RRset:
    return dns.rrset.from_rdata_list(name, rdataset.ttl, list(rdataset))


def _targets(rrsets: list[dns.rrset.RRset]) -> Iterator[dns.name.Name]:
    for rrset in rrsets:
        for rdata in rrset:
            if isinstance(rdata, NSBase) and rrset.rdtype == dns.rdatatype.NS:
                yield rdata.target
            elif isinstance(rdata, MXBase) and rrset.rdtype == dns.rdatatype.MX:
                yield rdata.exchange
