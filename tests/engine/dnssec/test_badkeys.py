"""DNSSEC19 compared with the badkeys package, an optional extra: same verdicts, same list of compromised keys."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from gonemaster_engine.cli.main import main
from gonemaster_engine.dnssec.blocklist import LIST_FILE, NAMES_FILE
from tests.support.case_runs import findings
from tests.support.dnssec_worlds import only_key, secure, with_fault
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

needs_badkeys = pytest.mark.skipif(
    find_spec("badkeys") is None, reason="the badkeys package is not installed (pip install gonemaster[dnssec-badkeys])"
)
CHECKS = {
    "fermat": "DS19_BADKEY_FERMAT",
    "pattern": "DS19_BADKEY_PATTERN",
    "roca": "DS19_BADKEY_ROCA",
    "rsainvalid": "DS19_BADKEY_RSA_INVALID",
    "smallfactors": "DS19_BADKEY_SMALL_FACTORS",
    "smalld": "DS19_BADKEY_SMALL_D",
    "blocklist": "DS19_BADKEY_BLOCKLIST",
}
TOLD = {"rsainvalid", "blocklist"}  # checks whose subtest our arguments contain
ASK_PACKAGE = """
import json, sys
from badkeys.dnssec import checkdnskey
records, checks = json.load(sys.stdin)
found = {name: checkdnskey(record, checks)["results"] for name, record in records.items()}
print(json.dumps({name: {check: each.get("subtest", "") for check, each in of.items()} for name, of in found.items()}))
"""
LISTED = STRONG_MODULUS + 2
LIST_ID, LIST_NAME = 3, "debianssl"


def point(algorithm: int, number: int, octets: int) -> bytes:
    """Return the rdata of a DNSKEY whose key starts with that number."""
    half = octets // 2 if algorithm in {13, 14} else octets
    return b"\x01\x01\x03" + bytes((algorithm,)) + number.to_bytes(half) + b"\x01" * (octets - half)


KEYS = {
    "close primes": rsa_rdata(65537, CLOSE_MODULUS),
    "pattern": rsa_rdata(65537, PATTERN_MODULUS),
    "ROCA": rsa_rdata(65537, ROCA_MODULUS),
    "exponent 1": rsa_rdata(1, STRONG_MODULUS),
    "exponent above the modulus": rsa_rdata(EXPONENT_ABOVE_MODULUS, STRONG_MODULUS),
    "small factors": rsa_rdata(65537, SMALL_FACTOR_MODULUS),
    "small private exponent": rsa_rdata(WIENER_EXPONENT, WIENER_MODULUS),
    "good RSA": rsa_rdata(65537, STRONG_MODULUS),
    "listed RSA": rsa_rdata(65537, LISTED),
    "listed P-256": point(13, 1001, 64),
    "listed P-384": point(14, 1002, 96),
    "listed Ed25519": point(15, 1003, 32),
    "listed Ed448": point(16, 1004, 57),
    "good P-256": point(13, 2001, 64),
    "good Ed25519": point(15, 2003, 32),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A list of compromised keys in the package's default folder."""
    made = tmp_path_factory.mktemp("cache") / "badkeys"
    made.mkdir()
    numbers = [LISTED, *range(1000, 1010)]
    hashes = sorted(hashlib.sha256(number.to_bytes((number.bit_length() + 7) // 8)).digest()[:15] for number in numbers)
    (made / LIST_FILE).write_bytes(b"".join(each + bytes((LIST_ID,)) for each in hashes))
    (made / NAMES_FILE).write_text(json.dumps({"blocklists": [{"id": LIST_ID, "name": LIST_NAME}]}), encoding="utf-8")
    return made


@pytest.fixture(scope="module")
def verdicts_of_package(folder: Path) -> dict[str, set[tuple[str, str]]]:
    """The package's result for each key, from a separate process, because it caches the path of the list."""
    records = {name: f"257 3 {rdata[3]} {base64.b64encode(rdata[4:]).decode()}" for name, rdata in KEYS.items()}
    done = subprocess.run(
        [sys.executable, "-c", ASK_PACKAGE],
        input=json.dumps([records, list(CHECKS)]),
        env={**os.environ, "XDG_CACHE_HOME": str(folder.parent)},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return {
        name: {(CHECKS[check], subtest if check in TOLD else "") for check, subtest in found.items()}
        for name, found in json.loads(done.stdout).items()
    }


def our_verdict(rdata: bytes, folder: Path) -> set[tuple[str, str]]:
    found = findings(with_fault(secure(), only_key(rdata), qtype="DNSKEY"), "dnssec19", badkeys_path=str(folder))
    assert found
    return {
        (tag, args.get("subtest") or args.get("blocklist_name") or "") for tag, args in found if tag != "DS19_KEY_OK"
    }


@needs_badkeys
@pytest.mark.parametrize("name", KEYS)
def test_package_and_case_find_the_same(
    name: str, folder: Path, verdicts_of_package: dict[str, set[tuple[str, str]]]
) -> None:
    ours = our_verdict(KEYS[name], folder)
    assert ours == verdicts_of_package[name]
    assert bool(ours) is not name.startswith("good")
    assert (("DS19_BADKEY_BLOCKLIST", LIST_NAME) in ours) is name.startswith("listed")


@needs_badkeys
def test_list_that_cannot_be_fetched_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")  # no server listens there
    assert main(["--badkeys-update", "--badkeys-path", str(tmp_path / "list")]) == 2
    assert "cannot download the list of compromised keys: " in capsys.readouterr().err
    assert not (tmp_path / "list").exists()


@pytest.mark.skipif(find_spec("badkeys") is not None, reason="the badkeys package is installed")
def test_missing_package_is_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--badkeys-update", "--badkeys-path", str(tmp_path)]) == 2
    assert "install gonemaster[dnssec-badkeys]" in capsys.readouterr().err
