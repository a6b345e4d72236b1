"""DNSSEC20: is the type bitmap of the apex complete? RFC 4034 sections 3.1.7 and 4.1.2, RFC 5155 section 7.1."""

from __future__ import annotations

from typing import Any, Final

import dns.rdatatype
from dns.rdatatype import AAAA, DNSKEY, MX, NSEC, NSEC3, NSEC3PARAM, TXT, A

from tests.reference.messages import Reply, records
from tests.reference.network import do
from tests.reference.proofs import hashed, keys_in, nsec3_records, signatures, types_in
from tests.reference.subject import Findings, Notes, Server, Subject, listed

PROBED: Final = (A, AAAA, MX, TXT)


def dnssec20(subject: Subject) -> Findings:
    servers, tags = subject.open_servers(subject.both, "DNSKEY")
    yield from tags
    notes, unsigned, without, well = Notes(), list[Server](), list[Server](), list[Server]()
    has_dnssec = False
    for address, names in servers:
        if not keys_in(subject.ask(address, do(subject.zone, DNSKEY)), subject.zone):
            unsigned += names
            continue
        has_dnssec = True
        bitmap = bitmap_at(subject, address)
        if bitmap is None:
            without += names
            continue
        kind, types = bitmap
        missing = [each for each in PROBED if each not in types and exists(subject, address, each)]
        for each in missing:
            tag = f"DS20_{kind}_BITMAP_MISMATCHES_RRTYPE"
            notes.add(tag, names, query_type=dns.rdatatype.to_text(each))
        well += [] if missing or not any(is_answered(subject, address, each) for each in PROBED) else names
    if unsigned and not has_dnssec:
        yield "DS20_NO_DNSSEC", {"servers": listed(unsigned)}
    yield from notes
    if without:
        yield "DS20_NO_BITMAP", {"servers": listed(without)}
    if well:
        yield "DS20_BITMAP_OK", {"servers": listed(well)}


def is_answered(subject: Subject, address: str, rdtype: dns.rdatatype.RdataType) -> bool:
    reply = subject.ask(address, do(subject.zone, rdtype))
    return reply is not None and reply.is_noerror


def exists(subject: Subject, address: str, rdtype: dns.rdatatype.RdataType) -> bool:
    reply = subject.ask(address, do(subject.zone, rdtype))
    return reply is not None and reply.is_noerror and bool(records(reply.answer, subject.zone, rdtype))


def bitmap_at(subject: Subject, address: str) -> tuple[str, set[int]] | None:
    """Return the kind of denial at the apex and its types."""
    zone = subject.zone
    reply = subject.ask(address, do(zone, NSEC))
    if reply is not None:
        if found := _own(subject, reply.answer, zone, NSEC):
            return "NSEC", _union(found)
        for label, rdata in nsec3_records(reply.authority, zone):
            owner = zone.__class__((label.encode("latin-1"), *zone.labels))
            if label == hashed(zone, rdata) and _own(subject, reply.authority, owner, NSEC3):
                return "NSEC3", types_in(rdata)
    other: Reply | None = subject.ask(address, do(zone, NSEC3PARAM))
    found = _own(subject, other.authority, zone, NSEC) if other is not None else []
    return ("NSEC", _union(found)) if found else None


def _own(subject: Subject, section: Any, owner: Any, rdtype: dns.rdatatype.RdataType) -> list[Any]:
    """Return the records of an RRset, unless another zone has signed it."""
    signers = [one.signer for one in signatures(section, owner, rdtype)]
    return records(section, owner, rdtype) if not signers or subject.zone in signers else []


def _union(found: list[Any]) -> set[int]:
    return {number for rdata in found for number in types_in(rdata)}
