"""Tests of zone files: what is found, and what is left out."""

from __future__ import annotations

import socket

import pytest

from gonemaster_engine.context import DSInfo
from gonemaster_engine.entries import Level
from gonemaster_engine.errors import EngineError
from gonemaster_engine.findings.messages import zonefile as texts
from gonemaster_engine.testcases.catalogue import cases
from gonemaster_engine.zonefile.check import _NEEDS
from gonemaster_engine.zonefile.findings import LEVELS
from tests.engine.zonefile.zones import GOOD, NSEC, NSEC3, OPT_OUT, SOA, changed, check, signed_text, tags
from tests.support.dnsworld.spec import Signing

UNSIGNED = {"DS07_NOT_SIGNED", "DS07_NOT_SIGNED_ON_SERVER"}


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test of a file may open a socket to another host."""

    def refuse(*_: object) -> None:
        raise AssertionError("a packet left the process")

    for name in ("connect", "sendto", "sendmsg"):
        monkeypatch.setattr(socket.socket, name, refuse)


def test_a_good_zone_has_no_findings() -> None:
    found = check(GOOD)
    assert tags(found) <= UNSIGNED
    assert found.result.unfinished == []
    assert found.contents is not None


@pytest.mark.parametrize("signing", [NSEC, NSEC3, OPT_OUT], ids=["nsec", "nsec3", "opt-out"])
def test_a_good_signed_zone_has_no_errors(signing: Signing) -> None:
    found = check(signed_text(signing))
    assert tags(found, level="ERROR") == set()
    assert not {tag for tag in tags(found, level="INFO") if tag.startswith("ZF_")}


@pytest.mark.parametrize(
    ("line", "tag"),
    [
        ("@ NS ns3", "IN_DOMAIN_GLUE_MISSING"),
        ("mail CNAME www", "ZF_SYNTAX"),
        ("@ MX 5 www", "MX_RECORD_IS_CNAME"),
        ('@ TXT "v=spf1 -all"', "Z11_"),
        ("ns1 A 10.0.0.1", "A01_LOCAL_USE_ADDR"),
        ('@ CAA 0 issue "a b c="', "Z15_"),
        ("x.example.net. A 9.9.9.9", "ZF_OUT_OF_ZONE"),
        ("@ NS www", "NS_IS_CNAME"),
    ],
)
def test_faults_of_a_zone_are_found(line: str, tag: str) -> None:
    found = tags(check(f"{GOOD}{line}\n"), level="NOTICE") - UNSIGNED
    assert any(each.startswith(tag) for each in found), found


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        ("", "ZF_NO_SOA"),
        ("$TTL 1\n@ NS ns1\n", "ZF_NO_SOA"),
        (SOA, "ZF_NO_NS"),
        ("\x00\x01\n", "ZF_SYNTAX"),
        ("words that are no zone\n", "ZF_SYNTAX"),
    ],
)
def test_a_file_that_no_name_server_loads(text: str, tag: str) -> None:
    found = check(text)
    assert [entry.level for entry in found.result.entries][:1] == [Level.CRITICAL]
    assert tag in tags(found)
    assert found.result.queries == 0
    assert found.contents is None


def test_records_that_fit_in_no_message_are_reported() -> None:
    found = check(f"{GOOD}$GENERATE 1-300 large TXT {'x' * 240}$\n$GENERATE 1-300 $ TXT {'x' * 240}\n")
    (entry,) = (entry for entry in found.result.entries if entry.tag == "ZF_RRSET_TOO_LARGE")
    about = {"query_name": "large.example.org", "query_type": "TXT", "count": 300, "limit": 65535}
    assert (entry.level, entry.args) == (Level.ERROR, about)
    assert found.contents is not None
    assert tags(check(f"{GOOD}$GENERATE 1-200 large TXT {'x' * 240}$\n")) <= UNSIGNED


def test_name_servers_that_fit_in_no_message_end_the_test() -> None:
    found = check(f"{GOOD}$GENERATE 1-9000 @ NS n$\n")
    assert tags(found) == {"ZF_NS_TOO_LARGE"}
    assert (found.contents, found.left_out) == (None, {})
    compressed = check(f"{GOOD}$GENERATE 1-3000 @ NS n$\n", tests=["basic01"])  # 60 kB with compressed names
    assert "ZF_NS_TOO_LARGE" not in tags(compressed)
    assert compressed.contents is not None


@pytest.mark.parametrize(
    ("signing", "expected"),
    [
        (Signing.expired(), {"DS04_RRSIG_EXPIRED", "RRSIG_EXPIRED", "ZF_SIGNATURE_INVALID"}),
        (changed(NSEC, bogus_types=("MX",)), {"ZF_SIGNATURE_INVALID"}),
        (changed(NSEC3, unsigned_types=("A",)), {"ZF_NO_SIGNATURE"}),
    ],
    ids=["expired", "bogus", "missing"],
)
def test_faulty_signatures_of_any_name_are_found(signing: Signing, expected: set[str]) -> None:
    found = tags(check(signed_text(signing)), level="ERROR")
    assert found & expected


@pytest.mark.parametrize("signing", [NSEC, NSEC3], ids=["nsec", "nsec3"])
def test_a_broken_chain_is_found(signing: Signing) -> None:
    text = signed_text(signing)
    lines = text.splitlines()
    kind = " NSEC3 " if signing.nsec3 else " NSEC "
    place = [number for number, line in enumerate(lines) if kind in line and "RRSIG" not in line.split()[3]][3]
    del lines[place]
    assert "ZF_DENIAL_BROKEN" in tags(check("\n".join(lines) + "\n"))


def test_ds_records_are_compared_with_the_keys() -> None:
    wrong = DSInfo(1, 13, 2, "00" * 32)
    found = check(signed_text(NSEC), ds=[wrong])
    assert "DS02_NO_MATCHING_DNSKEY" in tags(found) or any(tag.startswith("DS02") for tag in tags(found))
    assert "ds" not in found.left_out
    assert any(tag.startswith("DS") for tag in tags(check(GOOD, ds=[wrong]), level="ERROR"))


def test_name_servers_outside_of_the_zone_get_placeholders() -> None:
    text = GOOD + "@ NS ns.example.net.\n"
    assert tags(check(text)) <= UNSIGNED
    found = check(text, nameservers=[("ns.example.net", "10.0.0.1")])
    assert "A01_LOCAL_USE_ADDR" in tags(found)


def test_what_needs_the_internet_is_left_out_and_named() -> None:
    left_out = check(GOOD).left_out
    assert left_out.keys() == {"servers", "networks", "parent", "other_zones", "ds"}
    assert "connectivity01" in left_out["servers"]
    assert check(GOOD, tests=["zone"], exclude=["zone13"]).left_out == {"servers": ["zone01"]}
    only = check(GOOD, tests=["zone01"])
    assert (only.result.entries, only.result.queries) == ([], 0)


def test_each_test_case_that_is_left_out_exists() -> None:
    named = [case_id for ids in _NEEDS.values() for case_id in ids.split()]
    assert len(named) == len(set(named))
    assert set(named) <= cases().keys()
    assert _NEEDS.keys() == texts.LABELS.keys()
    assert LEVELS.keys() == texts.TEXTS.keys() == texts.ADVICE.keys()


def test_the_root_zone_cannot_be_tested() -> None:
    with pytest.raises(EngineError, match="root zone"):
        check(GOOD, domain=".")
