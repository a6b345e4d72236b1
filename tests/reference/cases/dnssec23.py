"""DNSSEC23: do the records of one denial agree? RFC 4034 sections 4.1.1 and 6.1, RFC 5155, RFC 9077."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import dns.name
from dns.rdatatype import DNSKEY, NSEC, NSEC3PARAM, A

from tests.reference.messages import records
from tests.reference.network import do
from tests.reference.proofs import keys_in, next_hash, nsec3_records
from tests.reference.subject import Findings, Notes, Server, Subject, listed, text_of

HARMLESS = {"DS23_MULTIPLE_NSEC3PARAM"}


def dnssec23(subject: Subject) -> Findings:
    servers, tags = subject.open_servers(subject.both, "A")
    yield from tags
    notes, well = Notes(), list[Server]()
    for address, names in servers:
        found = _at(subject, address)
        if found is None:
            continue
        for tag, arguments in found:
            notes.add(tag, names, **arguments)
        well += names if all(tag in HARMLESS for tag, _ in found) else []
    yield from notes
    if well and notes.tags() <= HARMLESS:
        yield "DS23_DENIAL_PROOF_CONSISTENT", {"servers": listed(well)}


def _at(subject: Subject, address: str) -> list[tuple[str, dict[str, str]]] | None:
    """Return the errors in one server's proof; None if it has no proof."""
    zone = subject.zone
    if not keys_in(subject.ask(address, do(zone, DNSKEY)), zone):
        return None
    probe = dns.name.Name((subject.options.denial_label.encode(), *zone.labels))
    reply = subject.ask(address, do(probe, A))
    if reply is None or not reply.aa or reply.tc or not (reply.is_noerror or reply.is_nxdomain):
        return None
    hashes = nsec3_records(reply.authority, zone)
    plain = [
        (rrset.name.canonicalize(), rdata)
        for rrset in reply.authority
        if rrset.rdtype == NSEC and rrset.name.is_subdomain(zone)
        for rdata in rrset
    ]
    if not hashes and not plain:
        return [("DS23_NO_DENIAL_PROOF", {})]
    return [*(_hashed(subject, address, hashes) if hashes else ()), *_plain(plain)]


def _hashed(subject: Subject, address: str, found: list[tuple[str, Any]]) -> Iterator[tuple[str, dict[str, str]]]:
    parameters = {(rdata.algorithm, rdata.iterations, rdata.salt) for _, rdata in found}
    if len(parameters) > 1:
        yield "DS23_NSEC3_MIXED_PARAMETERS", {}
    else:
        ranges = sorted({(label, next_hash(rdata)) for label, rdata in found})
        origin = f".{subject.text}." if subject.text != "." else "."
        yield from _clashes(ranges, origin)
    reply = subject.ask(address, do(subject.zone, NSEC3PARAM))
    if reply is None or not reply.usable:
        return
    published = [
        (rdata.algorithm, rdata.iterations, rdata.salt)  # type: ignore[attr-defined]
        for rdata in records(reply.answer, subject.zone, NSEC3PARAM)
    ]
    if len(parameters) == 1 and not parameters & {*published}:
        yield "DS23_NSEC3_CHAIN_NOT_PUBLISHED", {}
    if len(published) > 1:
        yield "DS23_MULTIPLE_NSEC3PARAM", {}


def _clashes(ranges: list[tuple[str, str]], origin: str) -> Iterator[tuple[str, dict[str, str]]]:
    reported = set()
    for number, (first, following) in enumerate(ranges):
        for second, other in ranges[number + 1 :]:
            if first != second and following == other:
                reported |= {(first, second), (second, first)}
                arguments = {"owner": _full(first, origin), "covered": _full(second, origin), "next": following}
                yield "DS23_NSEC3_DUPLICATE_NEXT", arguments
    for owner, following in ranges:
        for covered in sorted({label for label, _ in ranges}):
            if (owner, covered) not in reported and covers(owner, following, covered):
                arguments = {"owner": _full(owner, origin), "next": following, "covered": _full(covered, origin)}
                yield "DS23_NSEC3_RANGES_OVERLAP", arguments


def _full(label: str, origin: str) -> str:
    return (label + origin).rstrip(".")


def _plain(found: Iterable[tuple[dns.name.Name, Any]]) -> Iterator[tuple[str, dict[str, str]]]:
    ranges = sorted({(owner, rdata.next.canonicalize()) for owner, rdata in found})
    for owner, following in ranges:
        for covered in sorted({other for other, _ in ranges}):
            if covers(owner, following, covered):
                arguments = {"owner": text_of(owner), "next": text_of(following), "covered": text_of(covered)}
                yield "DS23_NSEC_RANGES_OVERLAP", arguments


def covers(owner: Any, following: Any, other: Any) -> bool:
    """Return whether a name lies strictly between two others, in a chain that ends where it starts."""
    if owner == following:
        return bool(other != owner)
    if following > owner:
        return bool(owner < other < following)
    return bool(other > owner or other < following)
