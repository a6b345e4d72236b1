from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path

import dns.flags
import dns.message
import pytest

from gonemaster_engine.errors import CacheFileError
from gonemaster_engine.net.cache import QueryKey
from gonemaster_engine.net.wire.messages import DNSSEC_EDNS, RD, Edns
from gonemaster_engine.recording.cachefile import read_cache

# Zonemaster::Engine::Nameserver::query builds this text, whose digest is the key.
QUESTIONS = {
    "plain": ("NAMEa.exampleTYPESOACLASSINDNSSEC0USEVC0RECURSE0EDNS_UDP_SIZE0", QueryKey("a.example", "SOA")),
    "dnssec": (
        "NAMEa.exampleTYPESOACLASSINDNSSEC1USEVC0RECURSE0EDNS_UDP_SIZE1232",
        QueryKey("a.example", "SOA", edns=DNSSEC_EDNS),
    ),
    "tcp": (
        "NAMEa.exampleTYPESOACLASSINDNSSEC0USEVC1RECURSE0EDNS_UDP_SIZE0",
        QueryKey("a.example", "SOA", tcp=True),
    ),
    "recurse": (
        "NAMEa.exampleTYPESOACLASSINDNSSEC0USEVC0RECURSE1EDNS_UDP_SIZE0",
        QueryKey("a.example", "SOA", flags=RD),
    ),
    "edns version 1": (
        "NAMEa.exampleTYPESOACLASSINDNSSEC0USEVC0RECURSE0EDNS_VERSION1EDNS_Z0EDNS_EXTENDED_RCODE0EDNS_DATAEDNS_UDP_SIZE512",
        QueryKey("a.example", "SOA", edns=Edns(version=1)),
    ),
    "edns option": (
        "NAMEa.exampleTYPESOACLASSINDNSSEC0USEVC0RECURSE0EDNS_VERSION0EDNS_Z0EDNS_EXTENDED_RCODE0EDNS_DATA8978432EDNS_UDP_SIZE512",
        QueryKey("a.example", "SOA", edns=Edns(options=((137, b""),))),
    ),
    "other spelling": (
        "NAMEA.exAmpleTYPESOACLASSINDNSSEC0USEVC0RECURSE0EDNS_UDP_SIZE0",
        QueryKey("a.example", "SOA", qname_octets=b"\1A\7exAmple\0"),
    ),
}


def digest(text: str) -> str:
    return base64.b64encode(hashlib.md5(text.encode()).digest()).decode().rstrip("=")


TEXTS = [QUESTIONS["plain"][0], QUESTIONS["tcp"][0], QUESTIONS["recurse"][0]]
TIMES = [1763115224.459, 1763115259.179, 1763115230.0]


def packet(qname: str, *, timestamp: float = 1.0) -> dict[str, object]:
    query = dns.message.make_query(qname, "SOA")
    response = dns.message.make_response(query)
    response.flags |= dns.flags.AA
    wire = bytearray(response.to_wire())
    wire[12 : 12 + len(qname) + 2] = b"".join(bytes([len(x)]) + x.encode() for x in qname.split(".")) + b"\0"
    inner = {"answerfrom": "192.0.2.1", "data": base64.b64encode(wire).decode(), "timestamp": timestamp, "querytime": 0}
    return {"Zonemaster::Engine::Packet": {"Zonemaster::LDNS::Packet": inner}}


@pytest.mark.parametrize(("text", "key"), QUESTIONS.values(), ids=QUESTIONS)
def test_question_of_a_recorded_answer_is_found(tmp_path: Path, text: str, key: QueryKey) -> None:
    qname = text[4 : text.index("TYPE")]
    cache = read_cache(recording(tmp_path, {digest(text): packet(qname)}), strict=True)
    assert [(address, asked) for address, asked, _ in cache.answers] == [
        ("192.0.2.1", key),
        ("192.0.2.1", key._replace(fallback=False)),
    ]
    assert all(response and response.aa for _, _, response in cache.answers)


def test_question_without_answer_is_found_by_the_names_of_others(tmp_path: Path) -> None:
    answered, _ = QUESTIONS["plain"]
    silent = answered.replace("TYPESOA", "TYPENS")
    cache = read_cache(recording(tmp_path, {digest(answered): packet("a.example"), digest(silent): None}), strict=True)
    assert (cache.answers[-1].key.qtype, cache.answers[-1].response) == ("NS", None)


def test_answer_to_an_unknown_question_is_reported(tmp_path: Path) -> None:
    cache = read_cache(recording(tmp_path, {digest("anything"): None}))
    assert cache.answers == []
    assert cache.problems == ["1 answers belong to queries that could not be determined"]


def test_time_of_the_last_packet_is_the_time_of_the_recording(tmp_path: Path) -> None:
    answers: dict[str, object] = {
        digest(text): packet("a.example", timestamp=time) for text, time in zip(TEXTS, TIMES, strict=True)
    }
    assert read_cache(recording(tmp_path, answers)).recorded_at == max(TIMES)


def test_damaged_line_is_passed_over(tmp_path: Path) -> None:
    text, _ = QUESTIONS["plain"]
    file = recording(tmp_path, {digest(text): packet("a.example")})
    whole = file.read_text(encoding="utf-8")
    file.write_text(f"ns1.a.example 192.0.2.2 {{broken\nshort\n{whole}", encoding="utf-8")
    cache = read_cache(file)
    assert (len(cache.answers), len(cache.problems)) == (2, 2)
    file.write_text(whole[:-9], encoding="utf-8")
    with pytest.raises(CacheFileError, match="the recording is truncated"):
        read_cache(file)


def recording(directory: Path, answers: dict[str, object]) -> Path:
    file = directory / "recording.data"
    file.write_text(f"ns1.a.example 192.0.2.1 {json.dumps(answers)}\n", encoding="utf-8")
    return file
