"""Authenticated denial of existence for test zones: NSEC (RFC 4034) and NSEC3 (RFC 5155) chains."""

from __future__ import annotations

import bisect
from typing import TYPE_CHECKING, Protocol

import dns.dnssec
import dns.name
import dns.rdata
import dns.rdataset
import dns.rdatatype
from dns.rdataclass import IN
from dns.rdatatype import RdataType

from .spec import Nsec3

if TYPE_CHECKING:
    from .zonedata import ZoneData

Proof = list[tuple[dns.name.Name, dns.rdataset.Rdataset]]


class Denial(Protocol):
    """Returns the NSEC or NSEC3 RRsets that a response needs."""

    def name_error(self, qname: dns.name.Name, encloser: dns.name.Name) -> Proof: ...
    def no_data(self, qname: dns.name.Name) -> Proof: ...
    def expanded(self, qname: dns.name.Name, encloser: dns.name.Name) -> Proof: ...
    def wildcard_no_data(self, qname: dns.name.Name, encloser: dns.name.Name) -> Proof: ...
    def records(self) -> Proof: ...
    def at(self, name: dns.name.Name) -> dns.rdataset.Rdataset | None: ...


class _Unsigned:
    def name_error(self, qname: dns.name.Name, encloser: dns.name.Name) -> Proof:
        return []

    def no_data(self, qname: dns.name.Name) -> Proof:
        return []

    def expanded(self, qname: dns.name.Name, encloser: dns.name.Name) -> Proof:
        return []

    def wildcard_no_data(self, qname: dns.name.Name, encloser: dns.name.Name) -> Proof:
        return []

    def records(self) -> Proof:
        return []

    def at(self, name: dns.name.Name) -> dns.rdataset.Rdataset | None:
        return None


NO_DENIAL = _Unsigned()


def denial_of(zone: ZoneData) -> Denial:
    """Build the chain that the zone's signing requires; for NSEC3, add NSEC3PARAM to the apex."""
    signing = zone.spec.signed
    if signing is None:
        return NO_DENIAL
    if signing.nsec3 is None:
        return NsecChain(zone)
    return Nsec3Chain(zone, signing.nsec3)


def wildcard_of(encloser: dns.name.Name) -> dns.name.Name:
    """Return the source of synthesis at a closest encloser."""
    return dns.name.Name((b"*", *encloser.labels))


def _types_text(types: set[RdataType]) -> str:
    return " ".join(dns.rdatatype.to_text(rdtype) for rdtype in sorted(types))


def _negative_ttl(zone: ZoneData) -> int:
    soa = zone.get(zone.origin, dns.rdatatype.SOA)
    return min(soa.ttl, soa[0].minimum) if soa else 0


class NsecChain:
    """The owner names of a zone in canonical order, each with its NSEC RRset."""

    def __init__(self, zone: ZoneData) -> None:
        self._types = {name: set(node) for name, node in zone.authoritative_nodes()}
        self._names = sorted(self._types)
        self._ttl = _negative_ttl(zone)

    def name_error(self, qname: dns.name.Name, encloser: dns.name.Name) -> Proof:
        return _distinct([self._at_or_before(qname), self._at_or_before(wildcard_of(encloser))])

    def no_data(self, qname: dns.name.Name) -> Proof:
        return [self._at_or_before(qname)]

    def expanded(self, qname: dns.name.Name, encloser: dns.name.Name) -> Proof:
        return [self._at_or_before(qname)]

    def wildcard_no_data(self, qname: dns.name.Name, encloser: dns.name.Name) -> Proof:
        return _distinct([self._at_or_before(qname), self._at_or_before(wildcard_of(encloser))])

    def records(self) -> Proof:
        return [self._entry(index) for index in range(len(self._names))]

    def at(self, name: dns.name.Name) -> dns.rdataset.Rdataset | None:
        return self._at_or_before(name)[1] if name in self._types else None

    def _at_or_before(self, name: dns.name.Name) -> tuple[dns.name.Name, dns.rdataset.Rdataset]:
        return self._entry(bisect.bisect_right(self._names, name) - 1)

    def _entry(self, index: int) -> tuple[dns.name.Name, dns.rdataset.Rdataset]:
        name, following = self._names[index], self._names[(index + 1) % len(self._names)]
        types = self._types[name] | {dns.rdatatype.RRSIG, dns.rdatatype.NSEC}
        rdata = dns.rdata.from_text(IN, "NSEC", f"{following} {_types_text(types)}")
        return name, dns.rdataset.from_rdata(self._ttl, rdata)


class Nsec3Chain:
    """The hashes of a zone's names in order, each with its NSEC3 RRset."""

    def __init__(self, zone: ZoneData, parameters: Nsec3) -> None:
        self._origin = zone.origin
        self._parameters = parameters
        self._salt = parameters.salt or "-"
        self._ttl = _negative_ttl(zone)
        zone.add_text(zone.origin, "NSEC3PARAM", f"1 0 {parameters.iterations} {self._salt}")
        types = {name: set(node) for name, node in zone.authoritative_nodes()}
        hidden = {name for name in zone.names if zone.cut_above(name) not in (None, name)}
        if parameters.opt_out:
            hidden |= {name for name in zone.cuts if dns.rdatatype.DS not in types.get(name, ())}
        self._types = {self._hash(name): types.get(name, set()) for name in zone.names - hidden}
        self._hashes = sorted(self._types)

    def name_error(self, qname: dns.name.Name, encloser: dns.name.Name) -> Proof:
        return _distinct([*self.closest_encloser(qname, encloser), self._covering(wildcard_of(encloser))])

    def no_data(self, qname: dns.name.Name) -> Proof:
        if self._hash(qname) in self._types:
            return [self._covering(qname)]
        return _distinct(self.closest_encloser(qname, qname.parent()))  # an insecure delegation under opt-out

    def expanded(self, qname: dns.name.Name, encloser: dns.name.Name) -> Proof:
        return [self._covering(_next_closer(qname, encloser))]

    def wildcard_no_data(self, qname: dns.name.Name, encloser: dns.name.Name) -> Proof:
        return _distinct([*self.closest_encloser(qname, encloser), self._covering(wildcard_of(encloser))])

    def records(self) -> Proof:
        return [self._entry(index) for index in range(len(self._hashes))]

    def at(self, name: dns.name.Name) -> dns.rdataset.Rdataset | None:
        return None  # NSEC3 RRsets have separate owners

    def closest_encloser(self, qname: dns.name.Name, encloser: dns.name.Name) -> Proof:
        """Return the match of the encloser and the cover of the next closer name (RFC 5155 section 7.2.1)."""
        return [self._covering(encloser), self._covering(_next_closer(qname, encloser))]

    def _covering(self, name: dns.name.Name) -> tuple[dns.name.Name, dns.rdataset.Rdataset]:
        return self._entry(bisect.bisect_right(self._hashes, self._hash(name)) - 1)

    def _entry(self, index: int) -> tuple[dns.name.Name, dns.rdataset.Rdataset]:
        own, following = self._hashes[index], self._hashes[(index + 1) % len(self._hashes)]
        types = self._types[own]
        if types - {dns.rdatatype.NS}:
            types = types | {dns.rdatatype.RRSIG}
        flags = int(self._parameters.opt_out)
        text = f"1 {flags} {self._parameters.iterations} {self._salt} {following} {_types_text(types)}"
        owner = dns.name.Name((own.lower().encode(), *self._origin.labels))
        return owner, dns.rdataset.from_rdata(self._ttl, dns.rdata.from_text(IN, "NSEC3", text))

    def _hash(self, name: dns.name.Name) -> str:
        return dns.dnssec.nsec3_hash(name, self._parameters.salt or None, self._parameters.iterations, 1)


def _next_closer(qname: dns.name.Name, encloser: dns.name.Name) -> dns.name.Name:
    return dns.name.Name(qname.labels[-len(encloser.labels) - 1 :])


def _distinct(proof: Proof) -> Proof:
    return list({owner: (owner, rdataset) for owner, rdataset in proof}.values())
