"""Answers full of one kind of data: records, strings, options, bitmaps. Each answer of each server differs."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable, Iterable
from functools import cache

import dns.flags
import dns.message

from tests.hostile._giants import AAAA, CAA, CNAME, MX, NS, NSEC, OCTETS, RRSIG, SOA, TXT, ZONE, A, name, record

EDE, NSID, COOKIE, PADDING, UNKNOWN = 15, 3, 10, 12, 65_001
_VARIETIES = 24  # of the answers to queries of each type
_OWNER = b"\xc0\x0c"
_SOA_RDATA = name(f"ns0.{ZONE}") + name(f"root.{ZONE}") + struct.pack("!5I", 1, 7200, 900, 99_999, 300)


def _filled(records: Iterable[bytes]) -> tuple[bytes, int]:
    """Return as many records as fit into a message, and their number."""
    made, size = [], 0
    for each in records:
        size += len(each)
        if size > OCTETS:
            break
        made.append(each)
    return b"".join(made), len(made)


def _strings(each: int, text: bytes = b"x") -> bytes:
    """Return the longest possible rdata of a TXT record with strings of the given length."""
    part = (text * each)[:each]
    return (bytes([each]) + part) * (60_000 // (each + 1))


def _options(code: int, value: bytes, source: random.Random) -> bytes:
    count = 60_000 // (4 + len(value) + 2)
    return b"".join(struct.pack("!HHH", code, len(value) + 2, source.randrange(65_536)) + value for _ in range(count))


def _reply(
    query: dns.message.Message,
    answer: tuple[bytes, int] = (b"", 0),
    *,
    additional: tuple[bytes, int] = (b"", 0),
    rcode: int = 0,
) -> bytes:
    question = query.question[0]
    asked = (question.name.to_wire() or b"") + struct.pack("!HH", question.rdtype, question.rdclass)
    header = struct.pack("!6H", query.id, dns.flags.QR | dns.flags.AA | rcode, 1, answer[1], 0, additional[1])
    return header + asked + answer[0] + additional[0]


Flood = Callable[[int, random.Random], tuple[bytes, int] | None]
"""Return the records of an answer to a query of a type, or None for a correct answer."""


def _label(source: random.Random) -> bytes:
    return b"\x08%08x" % source.getrandbits(32)


def _aliases(rtype: int, source: random.Random) -> tuple[bytes, int] | None:
    """Many aliases in a chain."""
    labels = [_label(source) for _ in range(1_800)]
    owners = [_OWNER, *(label + _OWNER for label in labels)]
    return _filled(record(owners[index], CNAME, labels[index] + _OWNER) for index in range(1_800))


def _aliases_of_one_name(rtype: int, source: random.Random) -> tuple[bytes, int] | None:
    return _filled(record(_OWNER, CNAME, _label(source) + _OWNER) for _ in range(1_800))


def _name_servers(rtype: int, source: random.Random) -> tuple[bytes, int] | None:
    return _filled(record(_OWNER, NS, _label(source) + _OWNER) for _ in range(1_800))


def _name_servers_for_all(rtype: int, source: random.Random) -> tuple[bytes, int] | None:
    """NS records for many names of the zone, in the answer to any query."""
    return _filled(record(_label(source) + _OWNER, NS, _label(source) + _OWNER) for _ in range(1_800))


def _soa_records(rtype: int, source: random.Random) -> tuple[bytes, int] | None:
    return _filled(record(_OWNER, SOA, _label(source) + _SOA_RDATA) for _ in range(1_000)) if rtype != NS else None


def _of_type(rdtype: int, rdata: Callable[[random.Random], bytes], count: int = 2_000) -> Flood:
    def flood(rtype: int, source: random.Random) -> tuple[bytes, int] | None:
        return _filled(record(_OWNER, rdtype, rdata(source)) for _ in range(count)) if rtype == rdtype else None

    return flood


def _for_others(made: Callable[[int, random.Random], bytes], count: int = 3_500) -> Flood:
    """Return the flood that answers all queries other than those for the NS and SOA records of the zone."""

    def flood(rtype: int, source: random.Random) -> tuple[bytes, int] | None:
        return None if rtype in {NS, SOA} else _filled(made(rtype, source) for _ in range(count))

    return flood


def _binary(source: random.Random) -> bytes:
    """Return the start of a name whose text form has four characters per octet."""
    return b"".join(b"\x3c" + source.randbytes(60) for _ in range(3))


def _svcb(source: random.Random) -> bytes:
    """Return an SVCB record with as many parameters as fit into a kilobyte."""
    keys = range(100, 300)
    return struct.pack("!H", 1) + b"\0" + b"".join(struct.pack("!HHB", key, 1, source.randrange(256)) for key in keys)


def _of_chaos(rtype: int, source: random.Random) -> bytes:
    """Return a record of class CH (3), of one of several types."""
    kind, rdata = source.choice(
        [
            (rtype, source.randbytes(8)),
            (A, _label(source) + _OWNER + source.randbytes(2)),
            (TXT, bytes(500)),
            (MX, b"\0\x0a" + _label(source) + _OWNER),
            (SOA, b"\x02ab" * 50 + _OWNER + b"\x02cd" * 50 + _OWNER + source.randbytes(20)),
            (17, _label(source) + _OWNER + _label(source) + _OWNER),
            (42, b"\0\x01\x08\x01\x0a" * 100),
            (NSEC, name(ZONE) + _WINDOWS[: 34 * 14]),
            (65_280, source.randbytes(4)),
        ]
    )
    return _OWNER + struct.pack("!HHIH", kind, 3, 300, len(rdata)) + rdata


_WINDOWS = b"".join(bytes([window, 32]) + b"\xff" * 32 for window in range(256))


def _signatures(rtype: int, source: random.Random) -> tuple[bytes, int] | None:
    """One record, and signatures that cover it."""
    head = struct.pack("!HBBIIIH", rtype, 13, 2, 300, 0x7FFFFFFF, 0, 4711) + name(ZONE)
    return (
        None if rtype in {NS, SOA} else _filled(record(_OWNER, RRSIG, head + source.randbytes(8)) for _ in range(1_800))
    )


FLOODS: dict[str, Flood] = {
    "aliases": _aliases,
    "aliases_of_one_name": _aliases_of_one_name,
    "name_servers": lambda rtype, source: _name_servers(rtype, source) if rtype == NS else None,
    "name_servers_for_all": lambda rtype, source: None if rtype in {NS, SOA} else _name_servers_for_all(rtype, source),
    "soa_records": _soa_records,
    "mail_servers": _of_type(MX, lambda source: b"\0\x0a" + _label(source) + _OWNER),
    "addresses": lambda rtype, source: (
        _of_type(A, lambda each: each.randbytes(4))(rtype, source)
        or _of_type(AAAA, lambda each: each.randbytes(16))(rtype, source)
    ),
    "empty_strings": _of_type(TXT, lambda source: bytes([source.randrange(1, 2), 32]) + _strings(0), 1),
    "short_strings": _of_type(TXT, lambda source: _strings(2, source.randbytes(2)), 1),
    "texts": _of_type(TXT, lambda source: b"\x0av=spf1 " + source.randbytes(3)),
    "policy_terms": _of_type(TXT, lambda source: _strings(252, b"v=spf1 " + b"a:a.a.a.a. " * 30), 1),
    "policy_blanks": _of_type(TXT, lambda source: b"\x08v=spf1  " + _strings(255, b" "), 1),
    "caa_blanks": _of_type(CAA, lambda source: b"\0\x05issue" + b" " * 60_000 + b"\0", 1),
    "caa_records": _of_type(CAA, lambda source: b"\0\x05issue" + source.randbytes(8)),
    "caa_mailboxes": _of_type(CAA, lambda source: b"\0\x05iodefmailto:" + b"a@" * 30_000, 1),
    "service_bindings": lambda rtype, source: _of_type(rtype, _svcb)(rtype, source) if rtype in {64, 65} else None,
    "bitmaps": lambda rtype, source: (
        _of_type(rtype, lambda each: name(ZONE) + _WINDOWS)(rtype, source) if rtype in {NSEC, 50, 51} else None
    ),
    "csync": _of_type(62, lambda source: source.randbytes(4) + b"\0\x03" + _WINDOWS),
    "signatures": _signatures,
    "redirections": _for_others(lambda _, source: record(_label(source) + _OWNER, 39, _label(source) + _OWNER)),
    "child_ds": _of_type(59, lambda source: source.randbytes(2) + b"\x0d\x02" + source.randbytes(32)),
    "large_keys": _of_type(48, lambda source: b"\x01\x01\x03\x08\x00\x10\x00" + source.randbytes(8_192), 7),
    "binary_mail_servers": _of_type(MX, lambda source: b"\0\x0a" + _binary(source) + _OWNER, 300),
    "binary_soa": _of_type(SOA, lambda source: _binary(source) + _OWNER + _binary(source) + _OWNER + bytes(20), 140),
    "short_service_bindings": lambda rtype, source: (
        _of_type(rtype, lambda each: _svcb(each)[: 3 + 5 * 95])(rtype, source) if rtype in {64, 65} else None
    ),
    "short_bitmaps": _of_type(NSEC, lambda source: name(ZONE) + b"".join(bytes([each, 1, 1]) for each in range(150))),
    "prefixes": _for_others(lambda _, source: record(_OWNER, 42, b"\0\x01\x08\x01\x0a" * 100)),
    "soa_of_many_labels": lambda rtype, source: (
        _filled(record(_OWNER, SOA, b"\x02ab" * 50 + _OWNER + b"\x02cd" * 50 + _OWNER + bytes(20)) for _ in range(200))
        if rtype != NS
        else None
    ),
    "chaos": _for_others(_of_chaos),
    "several_opt": _for_others(lambda _, source: b"\0" + struct.pack("!HHIHHH", 41, 1232, 0, 4, 10, 0)),
}
OPTIONS: dict[str, tuple[int, bytes]] = {
    "empty_options": (UNKNOWN, b""),
    "extended_errors": (EDE, b"text-text-"),
    "long_extended_errors": (EDE, b"t" * 400),
    "server_identifiers": (NSID, b"n" * 100),
    "cookies": (COOKIE, b"c" * 14),
    "padding": (PADDING, b"\0" * 30_000),
}


def flood(kind: str) -> Callable[[dns.message.Message], bytes | None]:
    """Return the answers of a kind: those to queries for the zone, and those to queries for other names in it."""

    @cache
    def records(rtype: int, variety: int) -> tuple[bytes, int] | None:
        return FLOODS[kind](rtype, random.Random(variety))

    @cache
    def opt(variety: int) -> bytes:
        rdata = _options(*OPTIONS[kind], random.Random(variety))
        return b"\0" + struct.pack("!HHIH", 41, 1232, 0, len(rdata)) + rdata

    def with_records(query: dns.message.Message) -> bytes | None:
        made = records(int(query.question[0].rdtype), query.id % _VARIETIES)
        return _reply(query, made) if made else None

    def with_options(query: dns.message.Message) -> bytes | None:
        if query.edns < 0:
            return None
        answer = (record(_OWNER, SOA, _SOA_RDATA), 1) if query.question[0].rdtype == SOA else (b"", 0)
        return _reply(query, answer, additional=(opt(query.id % _VARIETIES), 1))

    return with_options if kind in OPTIONS else with_records
