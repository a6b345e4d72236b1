"""The signatures and the denial chain of a whole signed zone, of which test cases only see the apex.

Source: RFC 4035 sections 2.2 and 2.3, RFC 5155 section 7.1.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import dns.dnssec
import dns.exception
import dns.name
import dns.rdatatype
import dns.rrset
from dns.rdatatype import RdataType
from dns.rdtypes.ANY.NSEC import NSEC
from dns.rdtypes.ANY.NSEC3 import NSEC3
from dns.rdtypes.ANY.NSEC3PARAM import NSEC3PARAM

from gonemaster_engine.net.wire.messages import from_dns_name
from gonemaster_engine.zonefile.contents import Node, ZoneContents

MAX_RRSETS = 5_000  # a signature takes about a tenth of a millisecond
MAX_HASHES = 2_000_000  # rounds of SHA-1 for all names
MAX_REPORTED = 20  # of each kind
_AT_CUTS = frozenset({dns.rdatatype.DS, dns.rdatatype.NSEC})
_OPT_OUT = 1


@dataclass(frozen=True, slots=True)
class SignatureProblem:
    """What is wrong with a name of a signed zone."""

    tag: str
    args: dict[str, Any]


def signature_problems(contents: ZoneContents, now: int) -> Iterator[SignatureProblem]:
    """Yield the first problems of each kind; nothing for an unsigned zone."""
    if not contents.apex(dns.rdatatype.DNSKEY):
        return
    reported: dict[str, int] = {}
    for problem in _all_problems(contents, now):
        reported[problem.tag] = reported.get(problem.tag, 0) + 1
        if reported[problem.tag] <= MAX_REPORTED:
            yield problem


def _all_problems(contents: ZoneContents, now: int) -> Iterator[SignatureProblem]:
    keys: dict[dns.name.Name, Any] = {contents.origin: contents.apex(dns.rdatatype.DNSKEY)}
    checked = 0
    for name, node in _authoritative(contents):
        for rdtype, rdataset in node.items():
            if checked == MAX_RRSETS:
                yield SignatureProblem("ZF_SIGNATURES_NOT_CHECKED", {"count": MAX_RRSETS})
                return
            checked += 1
            about = {"query_name": from_dns_name(name), "query_type": dns.rdatatype.to_text(rdtype)}
            signatures = contents.signatures.get(name, {}).get(rdtype)
            if signatures is None:
                yield SignatureProblem("ZF_NO_SIGNATURE", about)
                continue
            try:
                dns.dnssec.validate((name, rdataset), (name, signatures), keys, contents.origin, now)
            except (dns.exception.DNSException, ValueError) as error:
                yield SignatureProblem("ZF_SIGNATURE_INVALID", {**about, "reason": str(error)})
    yield from _chain_problems(contents)


def _authoritative(contents: ZoneContents) -> Iterator[tuple[dns.name.Name, Node]]:
    """Yield the names with the RRsets that must be signed: at a cut only DS and NSEC, below it none."""
    for name, node in contents.nodes.items():
        cut = contents.cut_above(name)
        if cut is None:
            yield name, node
        elif cut == name:
            yield name, {rdtype: node[rdtype] for rdtype in _AT_CUTS if rdtype in node}


def _chain_problems(contents: ZoneContents) -> Iterator[SignatureProblem]:
    parameters = contents.apex(dns.rdatatype.NSEC3PARAM)
    if parameters:
        yield from _nsec3_problems(contents, parameters[0])
    elif contents.apex(dns.rdatatype.NSEC):
        yield from _nsec_problems(contents)


def _broken(rdtype: RdataType, name: dns.name.Name, reason: str) -> SignatureProblem:
    about = {"query_type": dns.rdatatype.to_text(rdtype), "query_name": from_dns_name(name)}
    return SignatureProblem("ZF_DENIAL_BROKEN", {**about, "reason": reason})


def _nsec_problems(contents: ZoneContents) -> Iterator[SignatureProblem]:
    listed = sorted(name for name, node in contents.nodes.items() if contents.cut_above(name) in {None, name} and node)
    for name, following in zip(listed, [*listed[1:], contents.origin], strict=True):
        found = contents.get(name, dns.rdatatype.NSEC)
        record = found[0] if found else None
        if not isinstance(record, NSEC):
            yield _broken(dns.rdatatype.NSEC, name, "the name has no NSEC record")
        elif record.next != following:
            yield _broken(dns.rdatatype.NSEC, name, f"the next name is {following}, not {record.next}")
        elif reason := _bitmap_problem(record.windows, _types_at(contents, name)):
            yield _broken(dns.rdatatype.NSEC, name, reason)


def _nsec3_problems(contents: ZoneContents, parameters: NSEC3PARAM) -> Iterator[SignatureProblem]:
    if (parameters.iterations + 1) * len(contents.names) > MAX_HASHES:
        yield SignatureProblem("ZF_SIGNATURES_NOT_CHECKED", {"count": 0})
        return
    chain = _nsec3_chain(contents)
    yield from _next_hash_problems(contents, chain)
    has_opt_out = any(record.flags & _OPT_OUT for record in chain.values())
    for name in sorted(contents.names):
        if contents.cut_above(name) not in {None, name} or _is_of_chain(contents, name):
            continue
        record = chain.get(dns.dnssec.nsec3_hash(name, parameters.salt, parameters.iterations, 1))
        is_insecure = not contents.get(name, dns.rdatatype.DS) and name in contents.cuts
        if record is None:
            if not (has_opt_out and (is_insecure or not contents.nodes.get(name))):
                yield _broken(dns.rdatatype.NSEC3, name, "no record has the hash of the name")
        elif reason := _bitmap_problem(record.windows, _types_at(contents, name)):
            yield _broken(dns.rdatatype.NSEC3, name, reason)


def _nsec3_chain(contents: ZoneContents) -> dict[str, NSEC3]:
    """Return the NSEC3 records by the hash in their names."""
    return {
        name.labels[0].decode("latin-1").upper(): record
        for name, node in contents.nodes.items()
        for record in node.get(dns.rdatatype.NSEC3, ())
        if isinstance(record, NSEC3)
    }


def _next_hash_problems(contents: ZoneContents, chain: dict[str, NSEC3]) -> Iterator[SignatureProblem]:
    hashes = sorted(chain)
    for digest, following in zip(hashes, [*hashes[1:], *hashes[:1]], strict=True):
        if base64.b32hexencode(chain[digest].next).decode().rstrip("=") != following:
            owner = dns.name.Name((digest.lower().encode(), *contents.origin.labels))
            yield _broken(dns.rdatatype.NSEC3, owner, "the next hash is not that of the next record")


def _is_of_chain(contents: ZoneContents, name: dns.name.Name) -> bool:
    return contents.nodes.get(name, {}).keys() == {dns.rdatatype.NSEC3}


def _types_at(contents: ZoneContents, name: dns.name.Name) -> set[RdataType]:
    types = set(contents.nodes.get(name, {}))
    if name in contents.cuts:
        types &= {dns.rdatatype.NS, *_AT_CUTS}
    return types | ({dns.rdatatype.RRSIG} if name in contents.signatures else set())


def _bitmap_problem(windows: Any, types: set[RdataType]) -> str:
    listed = {
        RdataType.make(window * 256 + octet * 8 + bit)
        for window, bitmap in windows
        for octet, value in enumerate(bitmap)
        for bit in range(8)
        if value & (0x80 >> bit)
    }
    if listed == types:
        return ""
    missing, extra = (sorted(map(dns.rdatatype.to_text, each)) for each in (types - listed, listed - types))
    parts = [f"lacks {', '.join(missing)}"] * bool(missing) + [f"has {', '.join(extra)} without records"] * bool(extra)
    return f"the bitmap {' and '.join(parts)}"
