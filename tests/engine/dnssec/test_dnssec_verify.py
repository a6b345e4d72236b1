"""Signatures: the same verdict as dnspython, each computed once, and hostile keys do no harm."""

from __future__ import annotations

import asyncio
import base64
import dataclasses
import hashlib
import importlib
from collections.abc import Callable

import dns.dnssec
import dns.name
import dns.rdata
import dns.rdataset
import dns.rrset
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from dns.rdataclass import IN
from hypothesis import given, settings
from hypothesis import strategies as st

from gonemaster_engine.dnssec import verify
from gonemaster_engine.dnssec.records import Dnskey, Rrset, Rrsig, dnskey, rrsig
from gonemaster_engine.dnssec.rsa import RsaKey, rsa_key, verifies
from gonemaster_engine.dnssec.verify import SignatureVerdict, Verifier, is_supported
from tests.support.dnsworld.keys import ZoneKey, zone_key
from tests.support.examples import examples

ZONE = "example.xa"
ORIGIN = dns.name.from_text(ZONE)
NOW = 1_800_000_000
HOUR_S = 3600
TEXTS = ("192.0.2.1", "192.0.2.2", "10.0.0.1")
SIGNING_ALGORITHMS = (5, 7, 8, 10, 13, 14, 15, 16)


def made_key(algorithm: int = 13, *, label: str = "ksk", bits: int = 1024, exponent: int = 65537) -> ZoneKey:
    return zone_key(f"{label}/verify", algorithm=algorithm, flags=257, bits=bits, exponent=exponent)


def signed_by(key: ZoneKey, *, owner: str = f"www.{ZONE}", signer: str = ZONE) -> tuple[Rrset, Rrsig]:
    name = dns.name.from_text(owner)
    records = dns.rrset.from_text_list(name, 300, "IN", "A", TEXTS)
    made = dns.dnssec.sign(
        records,
        key.private,
        dns.name.from_text(signer),
        key.dnskey,
        inception=NOW - HOUR_S,
        expiration=NOW + HOUR_S,
        policy=dns.dnssec.allow_all_policy,
    )
    dns.dnssec.validate_rrsig(
        records,
        made,
        {made.signer: dns.rrset.from_rdata(made.signer, 300, key.dnskey)},
        now=NOW,
        policy=dns.dnssec.allow_all_policy,
    )  # fmt: skip - the verdict of dnspython on the same signature
    read = rrsig(made.to_wire() or b"")
    assert read is not None
    return Rrset(owner.lower().rstrip("."), 1, tuple(sorted(rdata.to_digestable() for rdata in records))), read


def read_key(key: ZoneKey) -> Dnskey:
    read = dnskey(key.dnskey.to_wire() or b"")
    assert read is not None
    return read


def verdict(rrset: Rrset, signature: Rrsig, *keys: Dnskey, now: int = NOW, zone: str = ZONE) -> SignatureVerdict:
    return verified(Verifier(), rrset, signature, *keys, now=now, zone=zone)


def verified(
    verifier: Verifier, rrset: Rrset, signature: Rrsig, *keys: Dnskey, now: int = NOW, zone: str = ZONE
) -> SignatureVerdict:
    return asyncio.run(verifier.verify(rrset, signature, keys, now=now, zone=zone))


@pytest.mark.parametrize("algorithm", SIGNING_ALGORITHMS)
def test_signature_that_dnspython_accepts_is_valid(algorithm: int) -> None:
    key = made_key(algorithm)
    rrset, signature = signed_by(key)
    assert verdict(rrset, signature, read_key(key)) is SignatureVerdict.VALID


@pytest.mark.parametrize("algorithm", SIGNING_ALGORITHMS)
def test_each_change_makes_a_signature_invalid(algorithm: int) -> None:
    key = made_key(algorithm)
    rrset, signature = signed_by(key)
    read = read_key(key)
    flipped = signature.signature[:-1] + bytes((signature.signature[-1] ^ 1,))
    changes: list[tuple[Rrset, Rrsig]] = [
        (rrset, dataclasses.replace(signature, signature=flipped, rdata=b"flipped")),
        (rrset, dataclasses.replace(signature, signature=signature.signature[:-1], rdata=b"short")),
        (rrset, dataclasses.replace(signature, signature=b"", rdata=b"empty")),
        (rrset, dataclasses.replace(signature, ttl=301, rdata=b"ttl")),
        (dataclasses.replace(rrset, rdatas=rrset.rdatas[1:]), signature),
        (dataclasses.replace(rrset, owner=f"w3.{ZONE}"), signature),
        (dataclasses.replace(rrset, type=16), signature),
    ]
    for changed, by in changes:
        assert verdict(changed, by, read) is SignatureVerdict.INVALID


def test_wildcard_expansion_verifies() -> None:
    key = made_key()
    rrset, signature = signed_by(key, owner=f"*.{ZONE}")
    assert verdict(dataclasses.replace(rrset, owner=f"a.b.{ZONE}"), signature, read_key(key)) is SignatureVerdict.VALID
    assert verdict(dataclasses.replace(rrset, owner="a.other.xa"), signature, read_key(key)) is SignatureVerdict.INVALID


def test_times_come_before_all_else() -> None:
    key = made_key()
    rrset, signature = signed_by(key)
    assert verdict(rrset, signature, now=NOW - HOUR_S - 1) is SignatureVerdict.NOT_YET_VALID
    assert verdict(rrset, signature, now=NOW + HOUR_S + 1) is SignatureVerdict.EXPIRED
    assert verdict(rrset, signature, read_key(key), now=NOW + HOUR_S) is SignatureVerdict.VALID


def test_signature_of_a_key_that_is_not_there() -> None:
    rrset, signature = signed_by(made_key())
    assert verdict(rrset, signature, read_key(made_key(label="other"))) is SignatureVerdict.NO_KEY
    assert verdict(rrset, signature) is SignatureVerdict.NO_KEY


def test_signer_must_be_the_zone_of_the_keys() -> None:
    key = made_key()
    rrset, signature = signed_by(key, signer="xa")
    assert verdict(rrset, signature, read_key(key)) is SignatureVerdict.INVALID
    assert verdict(rrset, signature, read_key(key), zone="xa") is SignatureVerdict.VALID


def test_right_key_is_found_among_keys_of_one_tag() -> None:
    key = made_key()
    rrset, signature = signed_by(key)
    right = read_key(key)
    wrong = dataclasses.replace(read_key(made_key(label="other")), tag=right.tag)
    assert verdict(rrset, signature, wrong, right) is SignatureVerdict.VALID
    assert verdict(rrset, signature, wrong) is SignatureVerdict.INVALID


@pytest.mark.parametrize("algorithm", [1, 3, 6, 12, 17, 23, 253])
def test_algorithm_that_cannot_be_verified_is_said_to_be_so(algorithm: int) -> None:
    rrset, signature = signed_by(made_key())
    changed = dataclasses.replace(signature, algorithm=algorithm)
    assert verdict(rrset, changed) is SignatureVerdict.UNSUPPORTED_ALGORITHM
    assert SignatureVerdict.UNSUPPORTED_ALGORITHM.is_uncheckable
    assert not is_supported(algorithm)


def test_ml_dsa_44_verifies() -> None:
    mldsa = pytest.importorskip("cryptography.hazmat.primitives.asymmetric.mldsa")
    private = mldsa.MLDSA44PrivateKey.generate()
    key = dnskey(b"\x01\x01\x03\x12" + private.public_key().public_bytes_raw())
    assert key is not None
    head = b"\0\x01\x12\x03" + (300).to_bytes(4) + (NOW + 1).to_bytes(4) + (NOW - 1).to_bytes(4) + key.tag.to_bytes(2)
    head += ORIGIN.to_wire() or b""
    unsigned = rrsig(head)
    assert unsigned is not None
    rrset, _ = signed_by(made_key())
    signed = rrsig(head + private.sign(rrset.canonical(unsigned)))
    assert signed is not None
    assert verdict(rrset, signed, key) is SignatureVerdict.VALID
    assert verdict(dataclasses.replace(rrset, rdatas=rrset.rdatas[1:]), signed, key) is SignatureVerdict.INVALID


def test_ml_dsa_is_unsupported_where_cryptography_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def without(name: str) -> object:
        if name.endswith("mldsa"):
            raise ImportError(name)
        return importlib.import_module(name)

    monkeypatch.setattr("gonemaster_engine.dnssec.verify.importlib.import_module", without)
    rrset, signature = signed_by(made_key())
    key = dnskey(b"\x01\x01\x03\x12" + bytes(1312))
    assert key is not None
    changed = dataclasses.replace(signature, algorithm=18, tag=key.tag)
    assert verdict(rrset, changed, key) is SignatureVerdict.UNSUPPORTED_ALGORITHM


def rsa_dnskey(exponent: int, modulus: int, *, algorithm: int = 8) -> Dnskey:
    length = (exponent.bit_length() + 7) // 8
    head = bytes((length,)) if 0 < length < 256 else b"\0" + length.to_bytes(2)
    octets = head + exponent.to_bytes(length) + modulus.to_bytes((modulus.bit_length() + 7) // 8)
    key = dnskey(b"\x01\x01\x03" + bytes((algorithm,)) + octets)
    assert key is not None
    return key


def own_rsa_signature(exponent: int, *, sign: Callable[[int, int], int] | None = None) -> SignatureVerdict:
    """Sign with an RSA key of any exponent, using the matching private exponent."""
    private = made_key(8).private
    assert isinstance(private, rsa.RSAPrivateKey)
    numbers = private.private_numbers()
    modulus, phi = numbers.public_numbers.n, (numbers.p - 1) * (numbers.q - 1)
    key = rsa_dnskey(exponent, modulus)
    rrset, signature = signed_by(made_key(8))
    signature = dataclasses.replace(signature, tag=key.tag)
    padded = padded_digest(rrset.canonical(signature) or b"", (modulus.bit_length() + 7) // 8)
    made = sign(padded, modulus) if sign else pow(padded, pow(exponent, -1, phi), modulus)
    octets = made.to_bytes((modulus.bit_length() + 7) // 8)
    return verdict(rrset, dataclasses.replace(signature, signature=octets, rdata=octets), key)


def padded_digest(signed: bytes, octets: int) -> int:
    """Pad as in RFC 8017 section 9.2, in an independent implementation."""
    digest_info = bytes.fromhex("3031300d060960864801650304020105000420") + hashlib.sha256(signed).digest()
    return int.from_bytes(b"\0\1" + b"\xff" * (octets - 3 - len(digest_info)) + b"\0" + digest_info)


@pytest.mark.parametrize("exponent", [65537, 2**31 + 11, 2**32 + 15, 2**63 + 29, 2**64 - 59])
def test_rsa_exponent_of_up_to_64_bits_is_verified(exponent: int) -> None:
    assert own_rsa_signature(exponent) is SignatureVerdict.VALID


@pytest.mark.parametrize("exponent", [2**64 + 13, 2**2047 + 1])
def test_rsa_exponent_above_64_bits_is_not_checkable(exponent: int) -> None:
    assert own_rsa_signature(exponent, sign=lambda padded, _: padded) is SignatureVerdict.UNSUPPORTED_EXPONENT
    assert SignatureVerdict.UNSUPPORTED_EXPONENT.is_uncheckable


@pytest.mark.parametrize("exponent", [0, 1, 2, 65536])
def test_rsa_exponent_that_protects_nothing_makes_no_valid_signature(exponent: int) -> None:
    assert own_rsa_signature(exponent, sign=lambda padded, _: padded) is SignatureVerdict.INVALID


def test_rsa_key_of_512_bits_is_verified() -> None:
    """The limits of DNSSEC14 allow 512-bit keys, but crypto libraries refuse to load them."""
    p, q = 2**256 - 189, 2**255 - 19
    exponent, modulus = 65537, p * q
    key = rsa_dnskey(exponent, modulus)
    rrset, signature = signed_by(made_key(8))
    signature = dataclasses.replace(signature, tag=key.tag)
    padded = padded_digest(rrset.canonical(signature) or b"", 64)
    made = pow(padded, pow(exponent, -1, (p - 1) * (q - 1)), modulus).to_bytes(64)
    assert verdict(rrset, dataclasses.replace(signature, signature=made, rdata=made), key) is SignatureVerdict.VALID


def test_rsa_key_is_read_with_either_length_of_its_exponent() -> None:
    short, long = b"\x03\x01\x00\x01" + b"\xc5" * 64, b"\0\0\x03\x01\x00\x01" + b"\xc5" * 64
    assert rsa_key(short) == rsa_key(long)
    assert [rsa_key(octets) for octets in (b"", b"\x01\x03", b"\0\0", b"\x09\x01\x01", b"\0\0\0\x05")] == [None] * 5


@given(algorithm=st.integers(0, 255), key=st.binary(max_size=140), signature=st.binary(max_size=140))
@settings(max_examples=examples(30, 300))
def test_hostile_keys_and_signatures_get_a_verdict(algorithm: int, key: bytes, signature: bytes) -> None:
    hostile = dnskey(b"\x01\x01\x03" + bytes((algorithm,)) + key)
    assert hostile is not None
    rrset, good = signed_by(made_key())
    made = dataclasses.replace(good, algorithm=algorithm, tag=hostile.tag, signature=signature, rdata=signature)
    assert verdict(rrset, made, hostile) is not SignatureVerdict.VALID


@pytest.mark.parametrize("algorithm", [13, 14, 15, 16])
def test_key_of_the_right_length_that_is_no_point_gets_a_verdict(algorithm: int) -> None:
    length = {13: 64, 14: 96, 15: 32, 16: 57}[algorithm]
    rrset, good = signed_by(made_key(algorithm))
    for octets in (bytes(length), b"\xff" * length):
        hostile = dnskey(b"\x01\x01\x03" + bytes((algorithm,)) + octets)
        assert hostile is not None
        assert verdict(rrset, dataclasses.replace(good, tag=hostile.tag), hostile) is SignatureVerdict.INVALID


def test_signature_is_computed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    loads: list[bytes] = []
    load = verify._LOADERS[13]

    def counted(key: bytes) -> verify.Check:
        loads.append(key)
        return load(key)

    monkeypatch.setitem(verify._LOADERS, 13, counted)
    key = made_key()
    rrset, signature = signed_by(key)
    checks: list[bytes] = []
    verifier = Verifier()
    read = read_key(key)
    for _ in range(3):
        assert verified(verifier, rrset, signature, read) is SignatureVerdict.VALID
    check = verifier._checks[13, read.key]
    assert callable(check)
    verifier._checks[13, read.key] = lambda signature, signed: checks.append(signed)
    assert verified(verifier, rrset, signature, read) is SignatureVerdict.VALID
    assert (len(loads), checks) == (1, [])


def test_work_of_a_run_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run with only new, costly signatures stops verifying after several hundred of them."""
    computed: list[RsaKey] = []

    def counted(key: RsaKey, signature: bytes, *, signed: bytes, algorithm: int) -> bool:
        computed.append(key)
        return verifies(key, signature, signed=signed, algorithm=algorithm)

    monkeypatch.setattr("gonemaster_engine.dnssec.rsa.verifies", counted)
    key = rsa_dnskey(2**64 - 59, int.from_bytes(b"\xf1" * 512))
    rrset, good = signed_by(made_key(8))
    verifier = Verifier()
    for number in range(5000):
        octets = number.to_bytes(512)
        made = dataclasses.replace(good, tag=key.tag, signature=octets, rdata=octets)
        assert verified(verifier, rrset, made, key) is SignatureVerdict.INVALID
    assert 100 < len(computed) < 1000


EXAMPLE_6605 = (  # RFC 6605 section 6.1
    "www.example.net. 3600 IN A 192.0.2.1",
    (
        "A 13 3 3600 20100909100439 20100812100439 55648 example.net. "
        "qx6wLYqmh+l9oCKTN6qIc+bw6ya+KJ8oMz0YP107epXAyGmt+3SNruPFKG7tZoLBLlUzGGus7ZwmwWep666VCw=="
    ),
    "257 3 13 GojIhhXUN/u4v54ZQqGSnyhWJwaubCvTmeexv7bR6edbkrSqQpF64cYbcB7wNcP+e+MAnLr+Wi9xMWyQLc8NAA==",
)
EXAMPLE_8080 = (  # RFC 8080 section 6.1
    "example.com. 3600 IN MX 10 mail.example.com.",
    (
        "MX 15 2 3600 1440021600 1438207200 3613 example.com. "
        "oL9krJun7xfBOIWcGHi7mag5/hdZrKWw15jPGrHpjQeRAvTdszaPD+QLs3fx8A4M3e23mRZ9VrbpMngwcrqNAg=="
    ),
    "257 3 15 l02Woi0iS8Aa25FQkUd9RMzZHJpBoRQwAQEX1SxZJA4=",
)
EXAMPLE_8080_ED448 = (  # RFC 8080 section 6.2
    "example.com. 3600 IN MX 10 mail.example.com.",
    (
        "MX 16 2 3600 1440021600 1438207200 9713 example.com. "
        "3cPAHkmlnxcDHMyg7vFC34l0blBhuG1qpwLmjInI8w1CMB29FkEAIJUA0amxWndkmnBZ6SKiwZSAxGILn/NBtOXft0+Gj7FSvOKxE/07+4RQ"
        "vE581N3Aj/JtIyaiYVdnYtyMWbSNyGEY2213WKsJlwEA"
    ),
    "257 3 16 3kgROaDjrh0H2iuixWBrc8g2EpBBLCdGzHmn+G2MpTPhpj/OiBVHHSfPodx1FYYUcJKm1MDpJtIA",
)


@pytest.mark.parametrize(
    ("record", "signature_text", "key_text"),
    [EXAMPLE_6605, EXAMPLE_8080, EXAMPLE_8080_ED448],
    ids=["RFC 6605", "RFC 8080, Ed25519", "RFC 8080, Ed448"],
)
def test_example_of_an_rfc_verifies(record: str, signature_text: str, key_text: str) -> None:
    owner, ttl, _, rdtype, text = record.split(maxsplit=4)
    data = dns.rdata.from_text(IN, rdtype, text).to_digestable()
    signature = rrsig(dns.rdata.from_text(IN, "RRSIG", signature_text).to_wire() or b"")
    key = dnskey(dns.rdata.from_text(IN, "DNSKEY", key_text).to_wire() or b"")
    assert signature is not None
    assert key is not None
    rrset = Rrset(owner.rstrip("."), signature.covered, (data,))
    now = signature.inception + 1
    zone = signature.signer
    assert verdict(rrset, signature, key, now=now, zone=zone) is SignatureVerdict.VALID
    assert int(ttl) == signature.ttl
    assert len(base64.b64decode(signature_text.split()[-1])) == len(signature.signature)
