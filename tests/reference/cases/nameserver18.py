"""NAMESERVER18: Extended DNS Errors of authoritative servers, by class. RFC 8914."""

from __future__ import annotations

from typing import Final

from dns.rdatatype import SOA

from tests.reference.network import PAYLOAD, Question, plain
from tests.reference.subject import Findings, Notes, Subject

ERROR: Final = 15
MAX_TEXT_OCTETS: Final = 256
SERVER_ERRORS: Final = {18, 20, 21}
FILTERED: Final = {4, 15, 16, 17}
OF_RESOLVERS: Final = {*range(1, 4), *range(5, 14), 19, 22, 23, 25, 27, 29, 33}
# IANA, Extended DNS Error Codes.
NAMES: Final = (
    "Other Error",
    "Unsupported DNSKEY Algorithm",
    "Unsupported DS Digest Type",
    "Stale Answer",
    "Forged Answer",
    "DNSSEC Indeterminate",
    "DNSSEC Bogus",
    "Signature Expired",
    "Signature Not Yet Valid",
    "DNSKEY Missing",
    "RRSIGs Missing",
    "No Zone Key Bit Set",
    "NSEC Missing",
    "Cached Error",
    "Not Ready",
    "Blocked",
    "Censored",
    "Filtered",
    "Prohibited",
    "Stale NXDOMAIN Answer",
    "Not Authoritative",
    "Not Supported",
    "No Reachable Authority",
    "Network Error",
    "Invalid Data",
    "Signature Expired before Valid",
    "Too Early",
    "Unsupported NSEC3 Iterations Value",
    "Unable to conform to policy",
    "Synthesized",
    "Invalid Query Type",
    "Rate Limited",
    "Over Quota",
)


def nameserver18(subject: Subject) -> Findings:
    servers, tags = subject.open_servers(subject.both, "SOA")
    yield from tags
    notes = Notes()
    for address, names in servers:
        # An extended error needs an OPT record in the query (RFC 6891 section 6.1.1); silence needs a response to a
        # plain query.
        with_edns = Question(subject.zone, SOA, payload=PAYLOAD)
        reply = subject.ask(address, with_edns) or subject.ask(address, plain(subject.zone, SOA))
        if reply is None:
            notes.add("N18_NO_RESPONSE", names)
            continue
        found = [(int.from_bytes(data[:2]), clean(data[2:])) for data in reply.options(ERROR) if len(data) >= 2]
        for code, text in found:
            notes.add(tag_of(code), names, info_code=code, info_name=name_of(code), extra_text=text)
        if not found and reply.is_noerror:
            notes.add("N18_NO_EXTENDED_ERROR", names)
    yield from notes


def tag_of(code: int) -> str:
    if code in SERVER_ERRORS:
        return "N18_SERVER_ERROR_REPORTED"
    if code in FILTERED:
        return "N18_FILTERED_RESPONSE"
    return "N18_RESOLVER_BEHAVIOR_REPORTED" if code in OF_RESOLVERS else "N18_EXTENDED_ERROR_REPORTED"


def name_of(code: int) -> str:
    return NAMES[code] if code < len(NAMES) else f"code {code}"


def clean(text: bytes) -> str:
    """Return the valid UTF-8 part, at most 256 octets, without final NULs and surrounding spaces."""
    cleaned = text.decode("utf-8", "ignore").rstrip("\0").strip()
    return cleaned.encode()[:MAX_TEXT_OCTETS].decode("utf-8", "ignore")
