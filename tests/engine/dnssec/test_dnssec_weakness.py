"""Weak and compromised keys: numbers constructed to have each weakness, and the list of compromised keys."""

from __future__ import annotations

import hashlib
import json
import math
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from hypothesis import given
from hypothesis import strategies as st

from gonemaster_engine.dnssec import blocklist
from gonemaster_engine.dnssec.blocklist import Blocklist
from gonemaster_engine.dnssec.records import Dnskey, dnskey
from gonemaster_engine.dnssec.weakness import Weakness, is_square, key_number, weaknesses
from tests.support.weak_keys import (
    CLOSE_MODULUS,
    EXPONENT_ABOVE_MODULUS,
    PATTERN_MODULUS,
    ROCA_MODULUS,
    SMALL_FACTOR_MODULUS,
    STRONG_MODULUS,
    WIENER_EXPONENT,
    WIENER_MODULUS,
    rsa_rdata,
)

MODULI = {
    Weakness.FERMAT: (CLOSE_MODULUS, 65537),
    Weakness.PATTERN: (PATTERN_MODULUS, 65537),
    Weakness.ROCA: (ROCA_MODULUS, 65537),
    Weakness.INVALID_EXPONENT: (STRONG_MODULUS, 1),
    Weakness.EXPONENT_TOO_LARGE: (STRONG_MODULUS, EXPONENT_ABOVE_MODULUS),
    Weakness.SMALL_FACTORS: (SMALL_FACTOR_MODULUS, 65537),
    Weakness.SMALL_PRIVATE_EXPONENT: (WIENER_MODULUS, WIENER_EXPONENT),
}


@pytest.mark.parametrize(("weakness", "numbers"), MODULI.items(), ids=[weakness.name for weakness in MODULI])
def test_weakness_is_found_and_no_other(weakness: Weakness, numbers: tuple[int, int]) -> None:
    modulus, exponent = numbers
    assert weaknesses(8, rsa_rdata(exponent, modulus)[4:]) == (weakness,)


def test_new_rsa_key_has_no_weakness() -> None:
    numbers = rsa.generate_private_key(65537, 1024).public_key().public_numbers()
    assert weaknesses(8, rsa_rdata(numbers.e, numbers.n)[4:]) == ()


def test_only_rsa_keys_are_examined() -> None:
    octets = rsa_rdata(1, STRONG_MODULUS)[4:]
    assert weaknesses(8, octets) == (Weakness.INVALID_EXPONENT,)
    assert weaknesses(13, octets) == ()
    assert weaknesses(8, b"") == weaknesses(8, b"\x03\x01\x00\x01") == ()


@given(st.integers(0, 2**300))
def test_square_is_recognised(number: int) -> None:
    assert is_square(number * number)
    assert is_square(number) == (math.isqrt(number) ** 2 == number)
    assert not is_square(-number - 1)


def read(algorithm: int, octets: bytes) -> Dnskey:
    key = dnskey(b"\x01\x01\x03" + bytes((algorithm,)) + octets)
    assert key is not None
    return key


def test_number_that_names_a_key() -> None:
    point = ec.derive_private_key(4711, ec.SECP256R1()).public_key().public_numbers()
    octets = point.x.to_bytes(32) + point.y.to_bytes(32)
    raw = ed25519.Ed25519PrivateKey.from_private_bytes(bytes(32)).public_key().public_bytes_raw()
    dsa = b"\x08" + bytes(20) + bytes(128) * 2 + (4711).to_bytes(128)
    assert key_number(read(13, octets)) == point.x
    assert key_number(read(14, b"\1" + bytes(95))) == 1 << 376
    assert key_number(read(15, raw)) == int.from_bytes(raw)
    assert key_number(read(16, b"\1" + bytes(56))) == 1 << 448
    assert key_number(read(3, dsa)) == 4711
    assert key_number(read(8, rsa_rdata(3, STRONG_MODULUS)[4:])) == STRONG_MODULUS


@pytest.mark.parametrize(
    ("algorithm", "octets"),
    [
        (13, b"\1" * 63),
        (14, b"\1" * 64),
        (15, b"\1" * 31),
        (16, b"\1" * 32),
        (3, b"\x08" + bytes(20)),
        (3, b"\x09"),
        (8, b"\3"),
    ],
)
def test_malformed_key_has_no_number(algorithm: int, octets: bytes) -> None:
    assert key_number(read(algorithm, octets)) is None


def write_list(folder: Path, known: dict[int, int], *, names: object = None) -> None:
    """Write a list of numbers, each with its source list."""
    records = sorted(
        hashlib.sha256(number.to_bytes((number.bit_length() + 7) // 8)).digest()[:15] + bytes((origin,))
        for number, origin in known.items()
    )
    (folder / blocklist.LIST_FILE).write_bytes(b"".join(records))
    if names is not None:
        (folder / blocklist.NAMES_FILE).write_text(json.dumps(names), encoding="utf-8")


def test_key_is_found_in_the_list(tmp_path: Path) -> None:
    known = {number: number % 7 for number in range(1000, 1100)} | {STRONG_MODULUS: 3}
    write_list(tmp_path, known, names={"blocklists": [{"id": 3, "name": "debianssl"}]})
    found = Blocklist.find(str(tmp_path))
    assert found is not None
    assert found.lookup(read(8, rsa_rdata(65537, STRONG_MODULUS)[4:])) == "debianssl"
    assert found.lookup(read(8, rsa_rdata(65537, CLOSE_MODULUS)[4:])) is None
    for number in range(1000, 1100):
        assert found.lookup(read(15, number.to_bytes(32))) == ("debianssl" if number % 7 == 3 else f"id{number % 7}")
    for number in (999, 1100):
        assert found.lookup(read(15, number.to_bytes(32))) is None


@pytest.mark.parametrize("names", [None, [], {"blocklists": [{"id": "x"}]}, {"blocklists": 5}])
def test_list_without_usable_names_gives_the_number_of_the_list(tmp_path: Path, names: object) -> None:
    write_list(tmp_path, {STRONG_MODULUS: 9}, names=names)
    found = Blocklist.find(str(tmp_path))
    assert found is not None
    assert found.lookup(read(8, rsa_rdata(3, STRONG_MODULUS)[4:])) == "id9"


def test_empty_list_has_no_key(tmp_path: Path) -> None:
    write_list(tmp_path, {})
    found = Blocklist.find(str(tmp_path))
    assert found is not None
    assert found.lookup(read(8, rsa_rdata(3, STRONG_MODULUS)[4:])) is None
    assert found.lookup(read(8, b"")) is None


def test_list_is_looked_for_in_the_usual_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    folder = tmp_path / "badkeys"
    folder.mkdir()
    assert Blocklist.find(str(tmp_path)) is None
    write_list(folder, {1: 1})
    assert Blocklist.find("") == Blocklist(folder)
    assert Blocklist.find(str(tmp_path)) is None  # a configured folder is the only one
    monkeypatch.delenv("XDG_CACHE_HOME")
    home = tmp_path / "home" / ".local" / "share" / "badkeys"
    home.mkdir(parents=True)
    write_list(home, {1: 1})
    assert Blocklist.find("") == Blocklist(home)
