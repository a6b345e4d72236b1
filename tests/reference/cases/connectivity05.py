"""CONNECTIVITY05: does the DNSKEY response arrive, and over which transport? RFC 6891, 9715, 7766."""

from __future__ import annotations

from typing import Any, Final

from dns.rdatatype import DNSKEY

from tests.reference.messages import Reply
from tests.reference.network import PAYLOAD, SMALL_PAYLOAD, Question, do
from tests.reference.subject import Findings, Notes, Server, Subject

LARGEST: Final = 4096
STEP: Final = 256


def connectivity05(subject: Subject) -> Findings:
    servers, tags = subject.open_servers(subject.both, "DNSKEY")
    yield from tags
    notes, fits = Notes(), list[tuple[int, list[Server]]]()
    for address, names in servers:
        for tag, size, payload in _path(subject, address):
            if tag == "CN05_ANSWER_FITS_UDP":
                fits.append((size, names))
            else:
                notes.add(tag, names, size=size, payload=payload, query_type="DNSKEY")
    if fits:
        every = [server for _, names in fits for server in names]
        largest = max(size for size, _ in fits)
        notes.add("CN05_ANSWER_FITS_UDP", every, size=largest, payload=PAYLOAD, query_type="DNSKEY")
    yield from notes


def _path(subject: Subject, address: str) -> list[tuple[str, int, int]]:
    """Return tag, size and payload of the path to one address."""
    question = do(subject.zone, DNSKEY)
    reply = subject.ask(address, question)
    if reply is None:
        return _loss(subject, address)
    if not reply.is_noerror:
        return []
    if reply.transport == "udp" and not reply.tc:
        return [("CN05_ANSWER_FITS_UDP", reply.size, PAYLOAD)]
    if reply.transport == "udp":
        return []  # TC and no response over TCP: another case reports it
    if reply.tc:
        return [("CN05_TCP_ANSWER_TRUNCATED", reply.size, PAYLOAD)]
    return [("CN05_ANSWER_NEEDS_TCP", reply.size, PAYLOAD), *_probe(subject, address, reply.size)]


def _probe(subject: Subject, address: str, size: int) -> list[tuple[str, int, int]]:
    if size <= PAYLOAD or size > LARGEST:
        return []
    payload = min((size // STEP + 1) * STEP, LARGEST)
    reply = subject.ask(address, _udp(subject, payload=payload))
    if reply is None:
        return [("CN05_LARGE_ANSWER_NO_UDP_ANSWER", size, payload)]
    if reply.tc:
        return [("CN05_SERVER_CAPS_UDP_ANSWER", size, payload)]
    return [("CN05_LARGE_ANSWER_DELIVERED_UDP", reply.size, payload)] if reply.is_noerror else []


def _loss(subject: Subject, address: str) -> list[tuple[str, int, int]]:
    small = subject.ask(address, _udp(subject, payload=SMALL_PAYLOAD))
    if small is None or not small.tc:
        return []
    full: Reply | None = subject.ask(address, Question(subject.zone, DNSKEY, **_dnssec(PAYLOAD), transport="tcp"))
    if full is None or not full.is_noerror:
        return []
    tag = "CN05_TCP_ANSWER_TRUNCATED" if full.tc else "CN05_UDP_LOSS_SIZE_DEPENDENT"
    return [(tag, full.size, PAYLOAD)]


def _udp(subject: Subject, *, payload: int) -> Question:
    return Question(subject.zone, DNSKEY, **_dnssec(payload), transport="udp")


def _dnssec(payload: int) -> dict[str, Any]:
    return {"dnssec": True, "payload": payload}
