"""NSEC and NSEC3: hashes, bitmaps, ranges and order, against the examples of the RFCs and dnspython."""

from __future__ import annotations

import asyncio

import dns.dnssec
import dns.name
import dns.rdata
import dns.rdatatype
import pytest
from dns.rdataclass import IN
from dns.rdtypes.ANY.NSEC import NSEC
from dns.rdtypes.ANY.NSEC3 import NSEC3
from hypothesis import given, settings
from hypothesis import strategies as st

from gonemaster_engine.dnssec import denial, verify
from gonemaster_engine.dnssec.denial import Nsec, Nsec3, TypeBitmap, in_range, nsec3_hash, order
from gonemaster_engine.dnssec.verify import Verifier
from tests.support.examples import examples

HASHES = {  # RFC 5155 appendix A, salt aabbccdd, 12 iterations
    "example": "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom",
    "a.example": "35mthgpgcu1qg68fab165klnsnk3dpvl",
    "ai.example": "gjeqe526plbf1g8mklp59enfd789njgi",
    "ns1.example": "2t7b4g4vsa5smi47k61mv5bv1a22bojr",
    "*.w.example": "r53bq7cc2uvmubfu5ocmm6pers9tk9en",
    "xx.example": "t644ebqk9bibcna874givr6joj62mlhv",
}
SALT = bytes.fromhex("aabbccdd")


@pytest.mark.parametrize(("name", "label"), HASHES.items())
def test_hash_of_an_example(name: str, label: str) -> None:
    assert nsec3_hash(name, salt=SALT, iterations=12) == label


@given(st.binary(max_size=20), st.integers(0, 20))
def test_hash_is_that_of_dnspython(salt: bytes, iterations: int) -> None:
    theirs = dns.dnssec.nsec3_hash("www.example.com", salt or None, iterations, 1)
    assert nsec3_hash("www.example.com", salt=salt, iterations=iterations) == theirs.lower()


def test_hash_is_computed_once_and_only_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    computed: list[str] = []

    def counting(name: str, *, salt: bytes, iterations: int) -> str:
        computed.append(name)
        return nsec3_hash(name, salt=salt, iterations=1)

    monkeypatch.setattr(verify, "nsec3_hash", counting)
    verifier = Verifier()
    record = Nsec3("x.example", 1, 0, 65535, SALT)
    labels = [asyncio.run(verifier.nsec3_label("a.example", record)) for _ in range(3)]
    assert labels == [nsec3_hash("a.example", salt=SALT, iterations=1)] * 3
    others = [asyncio.run(verifier.nsec3_label(f"{number}.example", record)) for number in range(100)]
    assert len(computed) < 25
    assert others[-1] is None


def test_only_the_one_hash_algorithm_is_known() -> None:
    assert asyncio.run(Verifier().nsec3_label("example", Nsec3("x.example", 2, 0, 0, b""))) is None


@settings(max_examples=examples(5, 100))  # each reads 65,536 bits
@given(st.sets(st.integers(1, 65535), max_size=40))
def test_bitmap_is_read_as_dnspython_writes_it(types: set[int]) -> None:
    texts = " ".join(f"TYPE{number}" for number in sorted(types))
    octets = dns.rdata.from_text(IN, "NSEC", f"next.example. {texts}").to_digestable()
    record = denial._nsec("example", octets)
    assert record is not None
    assert (record.owner, record.next) == ("example", "next.example")
    assert {number for number in range(65536) if number in record.types} == types


def test_nsec3_is_read() -> None:
    text = f"1 1 12 aabbccdd {HASHES['a.example']} NS SOA MX RRSIG DNSKEY NSEC3PARAM"
    record = denial._nsec3(f"{HASHES['example']}.example", dns.rdata.from_text(IN, "NSEC3", text).to_digestable())
    assert record is not None
    assert record.parameters == (1, 12, SALT)
    assert (record.label, record.zone, record.next) == (HASHES["example"], "example", HASHES["a.example"])
    assert record.opt_out
    assert record.has("NS", "NSEC3PARAM")
    assert not record.has("NS", "NSEC3")
    assert not record.has_any("NSEC", "NSEC3")


@given(st.binary(max_size=60))
def test_octets_are_read_where_dnspython_reads_them(octets: bytes) -> None:
    for rdtype, read, theirs in ((dns.rdatatype.NSEC, denial._nsec, NSEC), (dns.rdatatype.NSEC3, denial._nsec3, NSEC3)):
        try:
            expected = dns.rdata.from_wire(IN, rdtype, octets, 0, len(octets))
        except Exception:  # noqa: BLE001 - their parser raises various types
            continue
        assert isinstance(expected, theirs)
        found = read("example", octets)
        assert found is not None
        assert len(found.types) == sum(octet.bit_count() for _, bitmap in expected.windows for octet in bitmap)


@pytest.mark.parametrize(
    ("value", "start", "end", "inside"),
    [
        ("b", "a", "c", True),
        ("a", "a", "c", False),
        ("c", "a", "c", False),
        ("d", "a", "c", False),
        ("d", "c", "a", True),  # wraps around
        ("0", "c", "a", True),
        ("b", "c", "a", False),
        ("b", "a", "a", True),  # the only record of its zone
        ("a", "a", "a", False),
    ],
)
def test_range_of_a_denial(value: str, start: str, end: str, inside: bool) -> None:
    assert in_range(value, start, end) is inside


def test_canonical_order_is_that_of_the_example() -> None:
    names = ["example", "a.example", "yljkjljk.a.example", "z.a.example", "zabc.a.example", "z.example"]
    names += ["\\001.z.example", "*.z.example", "\\200.z.example"]  # RFC 4034 section 6.1
    assert sorted(set(names), key=order) == names


def test_nsec_covers_what_lies_between() -> None:
    record = Nsec("b.example", "d.example", TypeBitmap())
    assert record.covers("c.example")
    assert record.covers("x.b.example")
    assert not record.covers("b.example")
    assert not record.covers("e.example")
    assert Nsec("z.example", "example", TypeBitmap()).covers("zz.example")
