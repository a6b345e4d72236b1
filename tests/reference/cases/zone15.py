"""ZONE15: CAA records at the apex. RFC 8659, RFC 8657, RFC 9495."""

from __future__ import annotations

import re
import urllib.parse
from dataclasses import dataclass
from typing import Final

import dns.rcode
import dns.rdata
from dns.rdatatype import CAA

from tests.reference.messages import escaped, records
from tests.reference.network import plain
from tests.reference.subject import Findings, Notes, Server, Subject, grouped, listed

CRITICAL: Final = 0x80
RESERVED: Final = 0x7F
KNOWN: Final = {"issue", "issuewild", "iodef", "issuemail", "contactemail", "contactphone", "issuevmc"}
WITH_ISSUER: Final = ("issue", "issuewild", "issuemail")

LABEL: Final = r"[A-Za-z0-9](?:-*[A-Za-z0-9])*"
BLANKS: Final = r"[ \t]*"
PARAMETER: Final = rf"{LABEL}{BLANKS}={BLANKS}[\x21-\x3a\x3c-\x7e]*"
PARAMETERS: Final = rf"{PARAMETER}(?:{BLANKS};{BLANKS}{PARAMETER})*"
# RFC 8659 section 4.2
ISSUE: Final = re.compile(
    rf"{BLANKS}(?:(?P<issuer>{LABEL}(?:\.{LABEL})*){BLANKS})?(?:;{BLANKS}(?:{PARAMETERS}{BLANKS})?)?"
)
MAILBOX: Final = r"[^@,?\s]+@[^@,?\s]+"
MAIL: Final = re.compile(rf"mailto:{MAILBOX}(?:,{MAILBOX})*(?:\?.*)?", re.IGNORECASE)  # RFC 6068 section 2


@dataclass(frozen=True, order=True)
class Record:
    flags: int
    tag: str
    value: str

    @property
    def shown(self) -> dict[str, str]:
        octets = {"caa_property": self.tag, "caa_value": self.value}
        return {key: escaped(text.encode("latin-1")) for key, text in octets.items()}

    @property
    def is_critical(self) -> bool:
        return bool(self.flags & CRITICAL)

    @property
    def kind(self) -> str:
        return self.tag.lower()

    @property
    def forbids(self) -> bool:
        match = ISSUE.fullmatch(self.value)
        return match is None or not match["issuer"]


def zone15(subject: Subject) -> Findings:
    servers, tags = subject.open_servers(subject.both, "CAA")
    yield from tags
    notes, pairs = Notes(), list[tuple[tuple[Record, ...], Server]]()
    for address, names in servers:
        reply = subject.ask(address, plain(subject.zone, CAA))
        if reply is None:
            notes.add("Z15_NO_RESPONSE_CAA_QUERY", names)
        elif not reply.is_noerror:
            notes.add("Z15_UNEXPECTED_RCODE_CAA", names, rcode=dns.rcode.to_text(reply.rcode))
        elif reply.aa:
            read = [record_of(rdata) for rdata in records(reply.answer, subject.zone, CAA)]
            found = tuple(sorted(record for record in read if record is not None))
            pairs += [(found, server) for server in names]
    yield from notes.with_addresses()
    yield from _presence(subject, pairs)
    everything = sorted({record for found, _ in pairs for record in found})
    for record in everything:
        yield from examine(record)
    is_consistent = len({found for found, _ in pairs if found}) <= 1
    if not is_consistent:
        yield "Z15_INCONSISTENT_CAA", {}
    elif len(subject.zone.labels) > 1:
        yield from policy(everything)


def _presence(subject: Subject, pairs: list[tuple[tuple[Record, ...], Server]]) -> Findings:
    by_record = grouped((record, server) for found, server in pairs for record in found)
    for record, servers in by_record.items():
        yield "Z15_CAA_FOUND", {"servers": listed(servers), "caa_flags": record.flags, **record.shown}
    bare = [server for found, server in pairs if not found]
    if bare:
        tag = "Z15_NO_CAA_TLD" if len(subject.zone.labels) <= 2 else "Z15_NO_CAA"
        yield tag, {"servers": listed(bare)}
        if by_record:
            yield "Z15_MIXED_PRESENCE", {}


def examine(record: Record) -> Findings:
    """Return the errors of one record."""
    both, shown = record.shown, {"caa_property": record.shown["caa_property"]}
    critical = {**shown, "caa_flags": record.flags}
    if record.flags & RESERVED:
        yield "Z15_RESERVED_FLAGS", {"caa_flags": record.flags, **both}
    if not re.fullmatch(r"[A-Za-z0-9]+", record.tag):
        yield "Z15_INVALID_PROPERTY_TAG", both
        if record.is_critical:
            yield "Z15_UNKNOWN_PROPERTY_CRITICAL", critical
    elif record.kind not in KNOWN:
        if record.is_critical:
            yield "Z15_UNKNOWN_PROPERTY_CRITICAL", critical
        else:
            yield "Z15_UNKNOWN_PROPERTY", shown
    elif record.kind in WITH_ISSUER and not ISSUE.fullmatch(record.value):
        yield "Z15_INVALID_ISSUE_VALUE", both
    elif record.kind == "iodef" and not is_contact(record.value):
        yield "Z15_INVALID_IODEF_VALUE", {"caa_value": both["caa_value"]}


def is_contact(value: str) -> bool:
    """Return whether a value is a mailto, http or https URL of visible ASCII that names a mailbox or a host."""
    if not re.fullmatch(r"[!-~]+", value):
        return False
    if MAIL.fullmatch(value):
        return True
    try:
        url = urllib.parse.urlsplit(value)
        return url.scheme in ("http", "https") and bool(url.hostname) and (url.port is None or url.port >= 0)
    except ValueError:
        return False


def policy(everything: list[Record]) -> Findings:
    """Return what an RRset allows as a whole."""
    verdicts = {kind: [record.forbids for record in everything if record.kind == kind] for kind in WITH_ISSUER}
    if verdicts["issue"] and all(verdicts["issue"]) and all(verdicts["issuewild"]):
        yield "Z15_ISSUANCE_FORBIDDEN", {}
    for kind, found in verdicts.items():
        if len(set(found)) > 1:
            yield "Z15_ISSUE_CONTRADICTION", {"caa_property": kind}


def record_of(rdata: dns.rdata.Rdata) -> Record | None:
    """Parse the octets; None if they are not a CAA record."""
    data = rdata.to_wire()
    assert data is not None
    if len(data) < 2 or len(data) < 2 + data[1]:
        return None
    return Record(data[0], data[2 : 2 + data[1]].decode("latin-1"), data[2 + data[1] :].decode("latin-1"))
