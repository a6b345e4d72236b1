"""Recordings of Zonemaster-Engine 9 in CBOR: queries, responses and times, in any nesting, and hostile files."""

from __future__ import annotations

import gzip
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import cbor2
import dns.edns
import dns.flags
import dns.message
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gonemaster_engine.errors import CacheFileError
from gonemaster_engine.net.cache import QueryKey
from gonemaster_engine.net.wire.messages import DNSSEC_EDNS, RD, Edns
from gonemaster_engine.recording.cachefile import PacketCache, read_cache
from gonemaster_engine.zonemaster import cbor_recording
from gonemaster_engine.zonemaster.cbor_recording import read_cbor
from tests.support.examples import examples

A = "192.0.2.1"
NOON = 1780315200.25


def query(qname: str = "a.example", qtype: str = "SOA", *, flags: int = 0, tcp: bool = False, **edns: Any) -> bytes:
    message = dns.message.make_query(qname, qtype, use_edns=False, flags=flags)
    message.id = int(tcp)
    if edns:
        message.use_edns(**edns)
    return message.to_wire()


def response(asked: bytes) -> bytes:
    message = dns.message.make_response(dns.message.from_wire(asked))
    message.flags |= dns.flags.AA
    message.id = 4711
    return message.to_wire()


QUERIES = {
    "plain": (query(), QueryKey("a.example", "SOA")),
    "dnssec": (query(edns=0, payload=1232, ednsflags=0x8000), QueryKey("a.example", "SOA", edns=DNSSEC_EDNS)),
    "tcp": (query(tcp=True), QueryKey("a.example", "SOA", tcp=True)),
    "transfer": (query(qtype="AXFR", tcp=True), QueryKey("a.example", "AXFR", tcp=True)),
    "recurse": (query(flags=dns.flags.RD), QueryKey("a.example", "SOA", flags=RD)),
    "edns version 1": (query(edns=1, payload=512), QueryKey("a.example", "SOA", edns=Edns(version=1))),
    "edns flags": (query(edns=0, payload=512, ednsflags=3), QueryKey("a.example", "SOA", edns=Edns(z=3))),
    "edns option": (
        query(edns=0, payload=512, options=[dns.edns.GenericOption(dns.edns.OptionType.make(137), b"")]),
        QueryKey("a.example", "SOA", edns=Edns(options=((137, b""),))),
    ),
    "other spelling": (query("A.exAmple"), QueryKey("a.example", "SOA", qname_octets=b"\1A\7exAmple\0")),
    "root": (query(".", "NS"), QueryKey(".", "NS")),
    "unknown type": (query(qtype="TYPE65280"), QueryKey("a.example", "TYPE65280")),
}
PLAIN, SILENT = query(), query(qtype="NS")
ANSWER = {"data": response(PLAIN), "answerfrom": A, "timestamp": NOON, "querytime": 3}
SHAPES: dict[str, Any] = {
    "by name and address": {"ns1.a.example": {A: {PLAIN: ANSWER, SILENT: None}}},
    "by server": {f"ns1.a.example/{A}": {PLAIN: ANSWER, SILENT: None}},
    "texts as bytes": {b"ns1.a.example": {A.encode(): {PLAIN: {b"data": response(PLAIN), b"at": NOON}, SILENT: None}}},
    "list of servers": [{"name": "ns1.a.example", "address": A, "cache": {PLAIN: ANSWER, SILENT: None}}],
    "list of answers": {A: [[PLAIN, response(PLAIN), NOON], [SILENT, None]]},
    "named fields": {
        A: [{"query": PLAIN, "response": response(PLAIN), "at": NOON}, {"query": SILENT, "response": None}]
    },
    "header and version": ["zonemaster", 1, {A: {PLAIN: [response(PLAIN), NOON], SILENT: []}}],
    "several packets": {A: {PLAIN: {"packets": [response(PLAIN), response(PLAIN)], "time": NOON}, SILENT: None}},
}


def cache_of(directory: Path, *items: Any, octets: bytes | None = None) -> PacketCache:
    file = directory / "recording.data"
    file.write_bytes(b"".join(map(cbor2.dumps, items)) if octets is None else octets)
    return read_cache(file)


@pytest.mark.parametrize(("asked", "key"), QUERIES.values(), ids=QUERIES)
def test_key_is_read_from_the_query_packet(tmp_path: Path, asked: bytes, key: QueryKey) -> None:
    cache = cache_of(tmp_path, {A: {asked: response(asked)}})
    assert cache.problems == []
    assert [(address, found) for address, found, _ in cache.answers] == [(A, key), (A, key._replace(fallback=False))]
    assert all(each and each.aa and each.over_tcp == key.tcp for _, _, each in cache.answers)


@pytest.mark.parametrize("shape", SHAPES)
def test_any_nesting_is_read(tmp_path: Path, shape: str) -> None:
    cache = cache_of(tmp_path, SHAPES[shape])
    assert cache.problems == []
    assert [(address, key.qtype, answer is not None) for address, key, answer in cache.answers[::2]] == [
        (A, "SOA", True),
        (A, "NS", False),
    ]
    assert cache.recorded_at == NOON


@pytest.mark.parametrize("marked", [b"", b"\xd9\xd9\xf7"], ids=["plain", "self-described"])
def test_compressed_and_marked_files_are_read(tmp_path: Path, marked: bytes) -> None:
    octets = gzip.compress(marked + cbor2.dumps(SHAPES["by server"]))
    assert len(cache_of(tmp_path, octets=octets).answers) == 4


def test_items_in_sequence_and_repeated_strings_are_read(tmp_path: Path) -> None:
    other = {"2001:db8::1": {PLAIN: ANSWER}}
    cache = cache_of(tmp_path, SHAPES["by server"], other)
    assert {address for address, _, _ in cache.answers} == {A, "2001:db8::1"}
    packed = cbor2.dumps([SHAPES["by server"], SHAPES["by server"]], string_referencing=True)
    assert len(cache_of(tmp_path, octets=packed).answers) == 8


def test_damaged_answers_are_skipped_with_their_reason(tmp_path: Path) -> None:
    broken = {query("b.example"): b"\0\0\x80" + b"\xff" * 20, PLAIN[:-2]: None, PLAIN: response(PLAIN)}
    cache = cache_of(tmp_path, [{A: broken}, {SILENT: None}])
    assert [key.qname for _, key, _ in cache.answers] == ["a.example"] * 2
    assert len(cache.problems) == 3
    assert "a query belongs to no address" in cache.problems


HOSTILE: dict[str, tuple[bytes, str]] = {
    "truncated": (cbor2.dumps(SHAPES["by server"])[:-9], "truncated"),
    "long array": (b"\x9b\x7f\xff\xff\xff\xff\xff\xff\xff\0", "truncated|not a recording"),
    "long string": (b"\x81\x5b\0\0\0\xff\xff\xff\xff\xff\0", "truncated|not a recording"),
    "deep": (b"\x81" * 100_000 + b"\0", "depth"),
    "deep maps": (b"\xa1\x61a" * 100_000 + b"\0", "depth"),
    "numbers as keys": (cbor2.dumps({number * 2**61: None for number in range(50)}), "key"),
    "cycle": (b"\xd8\x1c\x81\xd8\x1d\0", "tag"),
    "large number": (b"\x81\xc2\x5a\0\1\0\0" + b"\xff" * 65_536, "tag"),
    "decimal": (cbor2.dumps([Decimal("1e1000")]), "tag"),
    "pattern": (b"\xd8\x23\x64(a+)", "tag"),
    "unknown tag": (b"\xd9\x12\x34\1", "tag"),
    "break": (b"\x9f\xff\xff", "not a recording"),
    "no answers": (cbor2.dumps([1, 2.5, "x", None, {"a": b"b"}]), "not a recording"),
}


@pytest.mark.parametrize(("octets", "reason"), HOSTILE.values(), ids=HOSTILE)
def test_hostile_file_is_refused_with_a_reason(tmp_path: Path, octets: bytes, reason: str) -> None:
    with pytest.raises(CacheFileError, match=reason):
        cache_of(tmp_path, octets=octets)


def test_size_and_number_of_values_are_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    octets = cbor2.dumps(SHAPES["by server"])
    many = cbor2.dumps([{f"192.0.2.{number}": {PLAIN: None}} for number in range(250)])
    monkeypatch.setattr(cbor_recording, "MAX_ITEMS", 700)
    with pytest.raises(ValueError, match="at most 700 values"):
        read_cbor(many, [])
    monkeypatch.setattr(cbor_recording, "MAX_OCTETS", len(octets) - 1)
    with pytest.raises(ValueError, match=f"at most {len(octets) - 1} bytes"):
        read_cbor(octets, [])


def test_largest_file_takes_bounded_work(tmp_path: Path) -> None:
    nothing = cbor_recording.MAX_OCTETS - 5
    with pytest.raises(CacheFileError, match="at most 1000000 values"):
        cache_of(tmp_path, octets=b"\x9a" + nothing.to_bytes(4, "big") + b"\xf6" * nothing)


@settings(max_examples=examples(60, 2_000), deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.sampled_from([PLAIN, A]),
        lambda inner: (
            st.lists(inner, max_size=5)
            | st.dictionaries(st.text() | st.binary() | st.sampled_from([PLAIN, A]), inner, max_size=5)
        ),
        max_leaves=20,
    )
)
def test_any_document_is_read_or_refused(document: Any) -> None:
    problems: list[str] = []
    try:
        found = read_cbor(cbor2.dumps(document), problems)
    except ValueError:
        return
    assert found.answers


@settings(max_examples=examples(60, 2_000), deadline=None)
@given(st.integers(0, 400), st.binary(min_size=1, max_size=6))
def test_any_damage_is_read_or_refused(position: int, damage: bytes) -> None:
    octets = bytearray(cbor2.dumps(SHAPES["list of servers"]))
    octets[position % len(octets) : position % len(octets) + len(damage)] = damage
    try:
        read_cbor(bytes(octets), [])
    except ValueError:
        return


def test_missing_library_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cbor2", None)
    octets = b"\xa0"
    with pytest.raises(CacheFileError, match=r"pip install 'gonemaster\[recordings\]'"):
        cache_of(tmp_path, octets=octets)
