"""DNSSEC19: weak and compromised keys."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from gonemaster_engine.dnssec.blocklist import LIST_FILE, NAMES_FILE
from tests.support.case_runs import A1, BOTH, S1, Found, findings
from tests.support.dnssec_worlds import only_key, secure, tag_of, tags, with_fault
from tests.support.dnsworld import World, faults
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

NO_LIST: Found = ("DS19_BLOCKLIST_NOT_FOUND", {})
CURVE = {"algo_num": 13, "algo_descr": "ECDSA Curve P-256 with SHA-256", "servers": BOTH}
KEYS_OK: list[Found] = [("DS19_KEY_OK", {"keytag": tag, **CURVE}) for tag in sorted(tags())]
WEAK = {
    "DS19_BADKEY_FERMAT": (rsa_rdata(65537, CLOSE_MODULUS), {}),
    "DS19_BADKEY_PATTERN": (rsa_rdata(65537, PATTERN_MODULUS), {}),
    "DS19_BADKEY_ROCA": (rsa_rdata(65537, ROCA_MODULUS), {}),
    "DS19_BADKEY_RSA_INVALID": (rsa_rdata(1, STRONG_MODULUS), {"subtest": "invalid_e"}),
    "DS19_BADKEY_SMALL_FACTORS": (rsa_rdata(65537, SMALL_FACTOR_MODULUS), {}),
    "DS19_BADKEY_SMALL_D": (rsa_rdata(WIENER_EXPONENT, WIENER_MODULUS), {}),
    "DS19_KEY_OK": (rsa_rdata(65537, STRONG_MODULUS), {}),
}


def rsa(rdata: bytes) -> dict[str, object]:
    return {"keytag": tag_of(rdata), "algo_num": 8, "algo_descr": "RSA/SHA-256"}


@pytest.mark.parametrize("tag", WEAK)
def test_key_is_examined(tag: str, tmp_path: Path) -> None:
    rdata, special = WEAK[tag]
    world = with_fault(secure(), only_key(rdata), qtype="DNSKEY")
    found = findings(world, "dnssec19", badkeys_path=str(tmp_path))
    assert found == [(tag, {**rsa(rdata), **special, "servers": BOTH}), NO_LIST]


def test_exponent_above_the_modulus(tmp_path: Path) -> None:
    rdata = rsa_rdata(EXPONENT_ABOVE_MODULUS, STRONG_MODULUS)
    world = with_fault(secure(), only_key(rdata), A1, qtype="DNSKEY")
    found = findings(world, "dnssec19", badkeys_path=str(tmp_path))
    expected = ("DS19_BADKEY_RSA_INVALID", {**rsa(rdata), "subtest": "e_too_large", "servers": [S1]})
    assert expected in found


def write_list(folder: Path, number: int) -> None:
    octets = number.to_bytes((number.bit_length() + 7) // 8)
    (folder / LIST_FILE).write_bytes(hashlib.sha256(octets).digest()[:15] + b"\x02")
    names = {"blocklists": [{"id": 2, "name": "debianssl"}]}
    (folder / NAMES_FILE).write_text(json.dumps(names), encoding="utf-8")


def test_key_that_is_on_the_list_and_weak(tmp_path: Path) -> None:
    write_list(tmp_path, CLOSE_MODULUS)
    rdata = rsa_rdata(65537, CLOSE_MODULUS)
    world = with_fault(secure(), only_key(rdata), qtype="DNSKEY")
    assert findings(world, "dnssec19", badkeys_path=str(tmp_path)) == [
        ("DS19_BADKEY_FERMAT", {**rsa(rdata), "servers": BOTH}),
        ("DS19_BADKEY_BLOCKLIST", {**rsa(rdata), "blocklist_name": "debianssl", "servers": BOTH}),
    ]


def test_keys_that_are_not_on_the_list(tmp_path: Path) -> None:
    write_list(tmp_path, STRONG_MODULUS)
    assert findings(secure(), "dnssec19", badkeys_path=str(tmp_path)) == KEYS_OK


ABSENT: dict[str, tuple[World, list[Found]]] = {
    "curves without a list": (secure(), [*KEYS_OK, NO_LIST]),
    "no keys": (secure(False), [NO_LIST, ("DS19_NO_DNSKEY", {"servers": BOTH})]),
    "no keys, and no answer": (
        with_fault(secure(False), faults.rcode("REFUSED"), "127.9.2.1", qtype="DNSKEY"),
        [NO_LIST, ("DS19_NO_DNSKEY", {"servers": [S1]})],
    ),
    "no usable answer": (
        with_fault(secure(), faults.rcode("REFUSED"), qtype="DNSKEY"),
        [NO_LIST, ("DS19_NO_RESPONSE", {"servers": BOTH})],
    ),
    "a key that cannot be read": (with_fault(secure(), only_key(b"\1\1\3\x08\3"), qtype="DNSKEY"), [NO_LIST]),
}


def test_list_that_was_not_requested_is_not_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gonemaster_engine.dnssec.blocklist.default_folders", lambda: iter((tmp_path,)))
    assert findings(secure(), "dnssec19") == KEYS_OK


@pytest.mark.parametrize("name", ABSENT)
def test_without_a_list(name: str, tmp_path: Path) -> None:
    world, expected = ABSENT[name]
    assert findings(world, "dnssec19", badkeys_path=str(tmp_path)) == expected
