"""NAMESERVER17: DNS cookies, and whether a server accepts its cookie. RFC 7873, RFC 9018."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any, Final

import dns.rcode
from dns.rdatatype import SOA

from tests.reference.messages import Reply
from tests.reference.network import PAYLOAD, Question
from tests.reference.subject import Findings, Notes, Subject

COOKIE: Final = 10
CLIENT_OCTETS: Final = 8
FULL_OCTETS: Final = range(16, 41)


def nameserver17(subject: Subject) -> Findings:
    servers, tags = subject.open_servers(subject.both, "SOA")
    yield from tags
    notes = Notes()
    for address, names in servers:
        for tag, arguments in _verdicts(subject, address):
            notes.add(tag, names, **arguments)
    yield from notes


def _verdicts(subject: Subject, address: str) -> Iterator[tuple[str, dict[str, Any]]]:
    own = hashlib.sha256(address.encode()).digest()[:CLIENT_OCTETS]
    reply = _ask(subject, address, own)
    if reply is None or reply.tc:
        yield "N17_NO_RESPONSE", {}
        return
    cookie = next(iter(reply.options(COOKIE)), None)
    is_full = cookie is not None and len(cookie) in FULL_OCTETS and cookie.startswith(own)
    if reply.rcode == dns.rcode.BADCOOKIE and is_full:
        yield "N17_COOKIE_ENFORCED", {}
    elif not reply.is_noerror:
        return
    elif cookie is None:
        yield "N17_NO_COOKIE", {}
    elif is_full:
        yield "N17_COOKIE_SUPPORTED", {}
    elif cookie == own:
        yield "N17_COOKIE_CLIENT_ONLY", {}
    else:
        yield "N17_COOKIE_MALFORMED", {"cookie_bytes": len(cookie)}
    if is_full and cookie:
        yield from _round_trip(subject, address, cookie)


def _round_trip(subject: Subject, address: str, cookie: bytes) -> Iterator[tuple[str, dict[str, Any]]]:
    reply = _ask(subject, address, cookie)
    if reply is not None and reply.rcode == dns.rcode.BADCOOKIE:
        fresh = next(iter(reply.options(COOKIE)), b"")
        is_full = len(fresh) in FULL_OCTETS and fresh[:CLIENT_OCTETS] == cookie[:CLIENT_OCTETS]
        reply = _ask(subject, address, fresh if is_full else cookie)
        if reply is not None and reply.rcode == dns.rcode.BADCOOKIE:
            yield "N17_COOKIE_SELF_REJECT", {}
    if reply is not None and reply.is_noerror:
        yield "N17_COOKIE_ROUNDTRIP_OK", {}


def _ask(subject: Subject, address: str, cookie: bytes) -> Reply | None:
    question = Question(subject.zone, SOA, payload=PAYLOAD, transport="udp", options=((COOKIE, cookie),))
    return subject.ask(address, question)
