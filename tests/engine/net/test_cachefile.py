from __future__ import annotations

import base64
import gzip
import json
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any

import dns.flags
import dns.message
import pytest

from gonemaster_engine.asn.cache import Code, Origin
from gonemaster_engine.errors import CacheFileError
from gonemaster_engine.net.cache import QueryKey
from gonemaster_engine.net.server.pending import Undecided
from gonemaster_engine.net.wire.messages import DNSSEC_EDNS, RD, Edns, Response
from gonemaster_engine.recording.cachefile import CachedAnswer, checksum, read_cache, write_cache

ORIGINS = {"192.0.2.1": Origin(Code.AS_FOUND, (64500, 64501), "192.0.2.0/24", "64500 | 192.0.2.0/24", "asn.example")}


def reply(qname: str, qtype: str, *, over_tcp: bool = False) -> Response:
    message = dns.message.make_response(dns.message.make_query(qname, qtype))
    message.flags |= dns.flags.AA
    return Response(message.to_wire(), source="192.0.2.1", over_tcp=over_tcp)


ANSWERS = [
    CachedAnswer("192.0.2.1", QueryKey("a.example", "SOA"), reply("a.example", "SOA")),
    CachedAnswer("192.0.2.1", QueryKey("a.example", "SOA", tcp=True), reply("a.example", "SOA", over_tcp=True)),
    CachedAnswer("192.0.2.1", QueryKey("a.example", "NS", edns=DNSSEC_EDNS, fallback=False), None),
    CachedAnswer("2001:db8::1", QueryKey("version.bind", "TXT", "CH", RD), reply("version.bind", "TXT")),
    CachedAnswer("2001:db8::1", QueryKey("a.example", "SOA", edns=Edns(version=1, options=((3, b"x"),))), None),
    CachedAnswer("2001:db8::1", QueryKey("a.example", "A", qname_octets=b"\1A\7eXample\0", any_source=True), None),
    CachedAnswer("2001:db8::1", QueryKey("a.example", "AXFR", tcp=True), reply("a.example", "AXFR", over_tcp=True)),
]


def comparable(answers: list[CachedAnswer]) -> set[tuple[Any, ...]]:
    return {
        (address, key, (response.wire, response.source, response.over_tcp) if response else None)
        for address, key, response in answers
    }


@pytest.mark.parametrize("name", ["cache.json", "cache.json.gz"])
def test_what_was_written_is_read_back(tmp_path: Path, name: str) -> None:
    count = write_cache(tmp_path / name, ANSWERS, origins=ORIGINS)
    cache = read_cache(tmp_path / name, strict=True)
    assert count == len(ANSWERS) + 1
    assert comparable(cache.answers) == comparable(ANSWERS)
    assert cache.origins == ORIGINS


def test_queries_without_a_verdict_stay_undecided(tmp_path: Path) -> None:
    query = Undecided("ns1.example", ANSWERS[0].address, ANSWERS[0].key, 6, 0.25)
    write_cache(tmp_path / "cache", ANSWERS, undecided=[query])
    assert read_cache(tmp_path / "cache", strict=True).undecided == [query]


def test_file_does_not_depend_on_the_order_of_answers(tmp_path: Path) -> None:
    write_cache(tmp_path / "one.gz", ANSWERS, origins=ORIGINS)
    write_cache(tmp_path / "other.gz", reversed(ANSWERS), origins=ORIGINS)
    assert (tmp_path / "one.gz").read_bytes() == (tmp_path / "other.gz").read_bytes()


def test_compression_is_recognised_by_content(tmp_path: Path) -> None:
    plain, packed = tmp_path / "plain", tmp_path / "packed"
    write_cache(plain, ANSWERS)
    write_cache(packed, ANSWERS, compress=True)
    assert packed.stat().st_size < plain.stat().st_size
    assert gzip.decompress(packed.read_bytes()) == plain.read_bytes()
    assert comparable(read_cache(packed).answers) == comparable(read_cache(plain).answers)


def test_document_has_the_parts_of_the_format(tmp_path: Path) -> None:
    document = written(tmp_path)
    assert (document["format"], document["version"]) == ("gonemaster.packet-cache", 3)
    assert len(document["checksum"]) == 64
    assert [entry["key"]["qtype"] for entry in document["zone_transfers"]] == ["AXFR"]
    assert len(document["nameservers"]) == len(ANSWERS) - 1
    assert document["asn"][0] == {
        "ip": "192.0.2.1",
        "asns": [64500, 64501],
        "prefix": "192.0.2.0/24",
        "raw": "64500 | 192.0.2.0/24",
        "code": "AS_FOUND",
        "source": "asn.example",
    }


def test_too_many_entries_leave_no_file(tmp_path: Path) -> None:
    with pytest.raises(CacheFileError, match="the limit is 3"):
        write_cache(tmp_path / "cache", ANSWERS, max_entries=3)
    assert list(tmp_path.iterdir()) == []


def test_file_that_was_there_stays_when_writing_fails(tmp_path: Path) -> None:
    with pytest.raises(CacheFileError, match="cannot write"):
        write_cache(tmp_path / "absent" / "cache", ANSWERS)


def test_version_2_is_read_without_transport(tmp_path: Path) -> None:
    document = written(tmp_path)
    document["version"] = 2
    for entry in document["nameservers"] + document["zone_transfers"]:
        entry.pop("transport", None)
    cache = read_cache(rewritten(tmp_path, document), strict=True)
    assert comparable(cache.answers) == comparable(ANSWERS)


def test_answer_of_the_recursor_counts_for_each_server(tmp_path: Path) -> None:
    message = base64.b64encode(reply("a.example", "A").wire).decode()
    document = written(tmp_path) | {
        "nameservers": [],
        "zone_transfers": [],
        "recursor": [
            {
                "name": "A.example.",
                "qtype": "A",
                "qclass": "IN",
                "nameservers": ["ns1.example/192.0.2.7", "192.0.2.8"],
                "message": message,
            },
        ],
    }
    answers = read_cache(rewritten(tmp_path, document), strict=True).answers
    assert [(address, key.qname) for address, key, _ in answers] == [
        ("192.0.2.7", "a.example"),
        ("192.0.2.8", "a.example"),
    ]


DAMAGE: dict[str, Any] = {
    "message is not base64": lambda document: document["nameservers"][0].update(message="%", no_message=False),
    "message is not DNS": lambda document: document["nameservers"][0].update(message="AAAA", no_message=False),
    "key is missing": lambda document: document["nameservers"][0].pop("key"),
    "key has another field": lambda document: document["nameservers"][0]["key"].update(more=1),
    "address is none": lambda document: document["nameservers"][0].update(address="somewhere"),
    "transport is none": lambda document: document["zone_transfers"][0].update(transport="pigeon"),
    "entry is no map": lambda document: document["nameservers"].append(7),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_damaged_entry_is_passed_over(tmp_path: Path, damage: Any) -> None:
    document = written(tmp_path)
    damage(document)
    file = rewritten(tmp_path, document)
    cache = read_cache(file)
    assert len(cache.problems) == 1
    assert len(cache.answers) >= len(ANSWERS) - 1
    with pytest.raises(CacheFileError, match="damaged"):
        read_cache(file, strict=True)


def test_wrong_checksum_is_reported_and_fails_only_if_strict(tmp_path: Path) -> None:
    document = written(tmp_path) | {"checksum": "0" * 64}
    file = tmp_path / "cache"
    file.write_text(json.dumps(document), encoding="utf-8")
    cache = read_cache(file)
    assert cache.problems == ["the checksum does not match"]
    assert len(cache.answers) == len(ANSWERS)
    with pytest.raises(CacheFileError, match="checksum"):
        read_cache(file, strict=True)


@pytest.mark.parametrize("octets", [b"", b"no json", b"[]", b"{}", b'{"format":"gonemaster.packet-cache","version":9}'])
def test_file_of_another_format_is_an_error(tmp_path: Path, octets: bytes) -> None:
    file = tmp_path / "cache"
    file.write_bytes(octets)
    for strict in (False, True):
        with pytest.raises(CacheFileError, match="cannot read"):
            read_cache(file, strict=strict)


def test_truncated_file_is_an_error(tmp_path: Path) -> None:
    """Each entry that is missing would be queried from the network instead."""
    write_cache(tmp_path / "whole", ANSWERS)
    whole = (tmp_path / "whole").read_bytes()
    for size in (1, len(whole) // 2, len(whole) - 3):
        (tmp_path / "cut").write_bytes(whole[:size])
        with pytest.raises(CacheFileError, match="cannot read"):
            read_cache(tmp_path / "cut")


def test_file_that_is_not_there_or_cut_short_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CacheFileError, match="cannot read"):
        read_cache(tmp_path / "absent")
    write_cache(tmp_path / "cut.gz", ANSWERS)
    (tmp_path / "cut.gz").write_bytes((tmp_path / "cut.gz").read_bytes()[:-20])
    with pytest.raises(CacheFileError, match="cannot read"):
        read_cache(tmp_path / "cut.gz")


def written(directory: Path) -> dict[str, Any]:
    write_cache(directory / "written", ANSWERS, origins=ORIGINS)
    document: dict[str, Any] = json.loads((directory / "written").read_bytes())
    return document


def rewritten(directory: Path, document: dict[str, Any]) -> Path:
    file = directory / "rewritten"
    file.write_text(json.dumps(document | {"checksum": checksum(document)}), encoding="utf-8")
    return file


@pytest.mark.parametrize("seed", range(20))
def test_random_damage_never_raises_anything_else(tmp_path: Path, seed: int) -> None:
    random = Random(seed)
    write_cache(tmp_path / "whole", ANSWERS, origins=ORIGINS)
    whole = (tmp_path / "whole").read_bytes()
    for _ in range(50):
        damaged = bytearray(whole)
        for _ in range(random.randrange(1, 6)):
            damaged[random.randrange(len(damaged))] = random.choice(b'0aZ"{}[]:,\\\x00\xff -')
        (tmp_path / "damaged").write_bytes(damaged)
        with suppress(CacheFileError):
            assert len(read_cache(tmp_path / "damaged").answers) <= len(ANSWERS) + 1
