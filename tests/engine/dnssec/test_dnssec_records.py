"""Keys, signatures and digests parsed from wire format, compared with the examples of the RFCs and dnspython."""

from __future__ import annotations

import dns.dnssec
import dns.name
import dns.rdata
import dns.rdatatype
import pytest
from dns.rdataclass import IN
from hypothesis import given
from hypothesis import strategies as st

from gonemaster_engine.dnssec.algorithms import AlgorithmStatus, algorithm, digest_type
from gonemaster_engine.dnssec.digests import DsSet, digest_matches
from gonemaster_engine.dnssec.records import Rrset, dnskey, ds, make_ds, read_name, rrsig

DSKEY_4034 = (
    "256 3 5 AQOeiiR0GOMYkDshWoSKz9XzfwJr1AYtsmx3TGkJaNXVbfi/2pHm822aJ5iI9BMzNXxeYCmZDRD99WYwYqUSdjMmmAphXdvx"
    "egXd/M5+X7OrzKBaMbCVdFLUUh6DhweJBjEVv5f2wwjM9XzcnOf+EPbtG9DMBmADjFDc2w/rljwvFw=="
)
KEY_6605 = (
    "257 3 14 xKYaNhWdGOfJ+nPrL8/arkwf2EY3MDJ+SErKivBVSum1w/egsXvSADtNJhyem5RCOpgQ6K8X1DRSEkrbYQ+OB+v8/uX45NBwY8rp"
    "65F6Glur8I/mlVNgF6W/qTI37m40"
)
DS_EXAMPLES = [  # RFC 4034 section 5.4, RFC 4509 section 2.3, RFC 6605 section 6.1 and 6.2, RFC 8080 section 6
    ("dskey.example.com", DSKEY_4034, "60485 5 1 2BB183AF5F22588179A53B0A98631FAD1A292118"),
    (
        "dskey.example.com",
        DSKEY_4034,
        "60485 5 2 D4B7D520E7BB5F0F67674A0CCEB1E3E0614B93C4F9E99B8383F6A1E4469DA50A",
    ),
    (
        "example.net",
        "257 3 13 GojIhhXUN/u4v54ZQqGSnyhWJwaubCvTmeexv7bR6edbkrSqQpF64cYbcB7wNcP+e+MAnLr+Wi9xMWyQLc8NAA==",
        "55648 13 2 b4c8c1fe2e7477127b27115656ad6256f424625bf5c1e2770ce6d6e37df61d17",
    ),
    (
        "example.net",
        KEY_6605,
        "10771 14 4 72d7b62976ce06438e9c0bf319013cf801f09ecc84b8d7e9495f27e305c6a9b0563a9b5f4d288405c3008a946df983d6",
    ),
    (
        "example.com",
        "257 3 15 l02Woi0iS8Aa25FQkUd9RMzZHJpBoRQwAQEX1SxZJA4=",
        "3613 15 2 3aa5ab37efce57f737fc1627013fee07bdf241bd10f3b1964ab55c78e79a304b",
    ),
    (
        "example.com",
        "257 3 16 3kgROaDjrh0H2iuixWBrc8g2EpBBLCdGzHmn+G2MpTPhpj/OiBVHHSfPodx1FYYUcJKm1MDpJtIA",
        "9713 16 2 6ccf18d5bc5d7fc2fceb1d59d17321402f2aa8d368048db93dd811f5cb2b19c7",
    ),
]


def rdata(rdtype: str, text: str) -> bytes:
    return dns.rdata.from_text(IN, rdtype, text).to_digestable()


@pytest.mark.parametrize(("owner", "key_text", "ds_text"), DS_EXAMPLES, ids=[text[:9] for _, _, text in DS_EXAMPLES])
def test_ds_of_an_example_matches_its_key(owner: str, key_text: str, ds_text: str) -> None:
    key, found = dnskey(rdata("DNSKEY", key_text)), ds(rdata("DS", ds_text))
    assert key is not None
    assert found is not None
    assert key.tag == found.tag
    assert DsSet(owner, [found]).matches(key) is True
    assert DsSet(f"other.{owner}", [found]).matches(key) is False


def test_ds_of_another_algorithm_matches_no_key() -> None:
    key, found = dnskey(rdata("DNSKEY", DSKEY_4034)), ds(rdata("DS", DS_EXAMPLES[0][2].replace(" 5 1 ", " 7 1 ")))
    assert key is not None
    assert found is not None
    assert digest_matches("dskey.example.com", key, found) is True
    assert DsSet("dskey.example.com", [found]).matches(key) is False


def test_digest_type_that_cannot_be_computed_leaves_the_match_open() -> None:
    key = dnskey(rdata("DNSKEY", DSKEY_4034))
    assert key is not None
    gost = make_ds(tag=key.tag, algorithm=key.algorithm, digest_type=3, digest=bytes(32))
    assert DsSet("dskey.example.com", [gost]).matches(key) is None


def test_key_tag_of_rsamd5_comes_from_the_modulus() -> None:
    text = DSKEY_4034.replace(" 3 5 ", " 3 1 ")
    key = dnskey(rdata("DNSKEY", text))
    assert key is not None
    assert key.tag == dns.dnssec.key_id(dns.rdata.from_text(IN, "DNSKEY", text))  # type: ignore[arg-type]


@given(flags=st.integers(0, 65535), algorithm=st.integers(2, 255), key=st.binary(max_size=300))
def test_key_tag_is_that_of_dnspython(flags: int, algorithm: int, key: bytes) -> None:
    octets = flags.to_bytes(2) + bytes((3, algorithm)) + key
    read = dnskey(octets)
    theirs = dns.rdata.from_wire(IN, dns.rdatatype.DNSKEY, octets, 0, len(octets))
    assert read is not None
    assert read.tag == dns.dnssec.key_id(theirs)  # type: ignore[arg-type]
    assert (read.flags, read.protocol, read.algorithm, read.key) == (flags, 3, algorithm, key)


@pytest.mark.parametrize(
    ("flags", "is_zone_key", "is_sep", "is_revoked"),
    [(256, True, False, False), (257, True, True, False), (385, True, True, True), (1, False, True, False)],
)
def test_flags_of_a_key(flags: int, is_zone_key: bool, is_sep: bool, is_revoked: bool) -> None:
    key = dnskey(flags.to_bytes(2) + b"\x03\x0dkey")
    assert key is not None
    assert (key.is_zone_key, key.is_sep, key.is_revoked) == (is_zone_key, is_sep, is_revoked)
    assert key.validates is (is_zone_key and not is_revoked)


SIGNATURE = "MX 8 3 3600 20260201000000 20260101000000 4711 Example.COM. c2lnbmF0dXJl"


def test_signature_is_read_with_its_signer_in_lower_case() -> None:
    octets = dns.rdata.from_text(IN, "RRSIG", SIGNATURE).to_wire()
    assert octets is not None
    read = rrsig(octets)
    assert read is not None
    assert (read.covered, read.algorithm, read.labels, read.ttl, read.tag) == (15, 8, 3, 3600, 4711)
    assert (read.signer, read.signature) == ("example.com", b"signature")
    assert read.signed == octets[: -len(b"signature")].replace(b"Example", b"example").replace(b"COM", b"com")
    assert read.duration == 31 * 86400


@pytest.mark.parametrize(
    ("inception", "expiration", "now", "is_not_yet_valid", "is_expired", "remaining"),
    [
        (100, 200, 150, False, False, 50),
        (100, 200, 99, True, False, 101),
        (100, 200, 100, False, False, 100),
        (100, 200, 200, False, False, 0),
        (100, 200, 201, False, True, -1),
        (2**32 - 100, 100, 2**32 + 50, False, False, 50),  # across the end of 32 bits, RFC 4034 section 3.1.5
        (2**32 - 100, 100, 2**32 - 200, True, False, 300),
        (2**32 - 100, 100, 2**32 + 101, False, True, -1),
    ],
)
def test_validity_period(
    inception: int, expiration: int, now: int, is_not_yet_valid: bool, is_expired: bool, remaining: int
) -> None:
    times = b"".join((value % 2**32).to_bytes(4) for value in (expiration, inception))
    read = rrsig(b"\0\x01\x08\x01" + (3600).to_bytes(4) + times + b"\0\x01\0signature")
    assert read is not None
    assert (read.is_not_yet_valid(now), read.is_expired(now)) == (is_not_yet_valid, is_expired)
    assert read.remaining(now) == remaining


@given(st.binary(max_size=120))
def test_no_octets_break_the_readers(octets: bytes) -> None:
    for read in (dnskey, ds, rrsig):
        read(octets)
    read_name(octets, 0)


@pytest.mark.parametrize(
    "octets",
    [b"", b"\x03abc", b"\xc0\x0c", b"\x40" + b"a" * 64 + b"\0", (b"\x3f" + b"a" * 63) * 4 + b"\0"],
    ids=["empty", "cut", "pointer", "long label", "long name"],
)
def test_malformed_name_is_no_name(octets: bytes) -> None:
    assert read_name(octets, 0) is None


def test_wildcard_replaces_the_labels_that_were_not_signed() -> None:
    octets = dns.rdata.from_text(IN, "RRSIG", SIGNATURE.replace("MX 8 3", "A 8 2")).to_wire()
    assert octets is not None
    read = rrsig(octets)
    assert read is not None
    expanded = Rrset("a.b.example.com", 1, (b"\x01\x02\x03\x04",)).canonical(read)
    assert expanded == Rrset("*.example.com", 1, (b"\x01\x02\x03\x04",)).canonical(read)
    assert Rrset("com", 1, (b"\x01\x02\x03\x04",)).canonical(read) is None


def test_registries_know_every_number() -> None:
    assert {algorithm(number).status for number in range(256)} == set(AlgorithmStatus) - {AlgorithmStatus.NOT_DS}
    assert {digest_type(number).status for number in range(256)} == {
        AlgorithmStatus.OK,
        AlgorithmStatus.DEPRECATED,
        AlgorithmStatus.NOT_DS,
        AlgorithmStatus.RESERVED,
        AlgorithmStatus.UNASSIGNED,
        AlgorithmStatus.PRIVATE,
    }
    assert algorithm(122).status is algorithm(24).status is AlgorithmStatus.UNASSIGNED
    assert algorithm(123).status is algorithm(251).status is AlgorithmStatus.RESERVED
    assert digest_type(127).status is digest_type(255).status is AlgorithmStatus.UNASSIGNED
    assert digest_type(128).status is digest_type(252).status is AlgorithmStatus.RESERVED
