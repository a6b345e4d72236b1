"""Recordings of the `gonemaster` command: saved packets, and runs that restore them."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.engine.cli.conftest import Call, entries_of
from tests.support.dnsworld.demo_world import DOMAINS


def test_packet_cache_that_cannot_be_written_is_refused_before_the_test(call: Call) -> None:
    code, out, err = call("good.xa", "--save", "/nowhere/cache")
    assert (code, out) == (2, "")
    assert err == "gonemaster: cannot write to /nowhere/cache: /nowhere is not a directory\n"


def without_times(text: str) -> str:
    return re.sub(r'"timestamp": [0-9.e-]+', '"timestamp": 0', text)


def test_restored_packets_are_judged_as_of_when_they_came(call: Call, tmp_path: Path) -> None:
    """The world is signed for a few days, so a saved run with a clock one year ahead finds expired signatures."""
    file = str(tmp_path / "packets.gz")
    arguments = ("good.xa", "--test", "dnssec", "--json")
    _, saved, _ = call(*arguments, "--now", "2062-01-01T00:00:00Z", "--save", file)
    assert "DS08_DNSKEY_RRSIG_EXPIRED" in {entry["tag"] for entry in entries_of(saved)}
    _, restored, _ = call(*arguments, "--restore", file)
    assert without_times(restored) == without_times(saved)
    _, other, _ = call(*arguments, "--restore", file, "--now", datetime.now(UTC).isoformat())
    assert "DS08_DNSKEY_RRSIG_EXPIRED" not in {entry["tag"] for entry in entries_of(other)}


@pytest.mark.parametrize("domain", DOMAINS)
def test_restored_packets_give_the_same_octets_without_a_query(call: Call, tmp_path: Path, domain: str) -> None:
    file = str(tmp_path / "packets.gz")
    arguments = (
        domain,
        "--json",
        "--min-level",
        "DEBUG3",
        "--now",
        "2026-11-25T12:00:00Z",
        "--timeout",
        "1",
        "--retry",
        "1",
    )
    _, first, err = call(*arguments, "--save", file, "--cache-stats")
    assert "saved: " in err
    assert len(entries_of(first)) > 10
    for order in (["--parallel", "1"], ["--parallel", "2"], ["--parallel", "64"], ["--ordered"]):
        code, again, err = call(*arguments, *order, "--restore", file, "--cache-stats", "--cache-strict")
        assert code == 0
        assert without_times(again) == without_times(first)
        assert "sent: 0 queries" in err


def test_restored_run_sends_nothing_by_default_and_reports_what_is_missing(call: Call, tmp_path: Path) -> None:
    file, other = str(tmp_path / "packets"), str(tmp_path / "other")
    call("good.xa", "--test", "basic01", "--save", file)
    arguments = ("good.xa", "--test", "zone11", "--json", "--cache-stats", "--restore", file)
    code, _, err = call(*arguments, "--save", other)
    assert code == 0
    assert "sent: 0 queries" in err
    assert f"{file} lacks the responses to these queries, which were not sent" in err
    assert re.search(r"--restore-live sends them: .*good\.xa NS to 127\.", err)
    _, _, again = call(*arguments[:-1], other)  # the recording does not contain the missing response as silence
    assert "good.xa NS to 127." in again
    _, live, err = call(*arguments, "--restore-live", "--save", other)
    assert "sent: 0 queries" not in err
    assert "lacks" not in err
    _, restored, err = call(*arguments[:-1], other)
    assert "lacks" not in err
    assert without_times(restored) == without_times(live)


def test_files_of_packets_are_reported_with_the_queries(call: Call, tmp_path: Path) -> None:
    file = str(tmp_path / "packets")
    _, _, err = call("good.xa", "--test", "syntax01", "--debug-queries", "--save", file)
    assert f"Packets were written to {file}." in err
    _, _, err = call("good.xa", "--test", "syntax01", "--debug-queries", "--restore", file)
    assert f"Packets were read from {file}." in err


def test_damaged_cache_is_passed_over_unless_strict(call: Call, tmp_path: Path) -> None:
    file = tmp_path / "packets"
    call("good.xa", "--testcase", "basic01", "--save", str(file))
    file.write_text(file.read_text(encoding="utf-8").replace('"checksum":"', '"checksum":"0'), encoding="utf-8")
    code, _, err = call("good.xa", "--testcase", "basic01", "--restore", str(file))
    assert code == 0
    assert "the checksum does not match" in err
    code, _, err = call("good.xa", "--testcase", "basic01", "--restore", str(file), "--cache-strict")
    assert code == 2
    assert "damaged" in err


@pytest.mark.parametrize("name", ["packets", "packets.gz"])
def test_truncated_cache_ends_with_2_and_one_sentence(call: Call, tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    call("good.xa", "--testcase", "basic01", "--save", str(file))
    file.write_bytes(file.read_bytes()[:-30])
    code, out, err = call("good.xa", "--testcase", "basic01", "--json", "--restore", str(file))
    assert code == 2
    assert (out, err.count("\n")) == ("", 1)
    assert f"cannot read the packet cache {file}" in err


def test_cache_with_too_many_entries_is_not_written(call: Call, tmp_path: Path) -> None:
    file = tmp_path / "packets"
    code, out, err = call("good.xa", "--testcase", "basic01", "--json", "--save", str(file), "--save-max-entries", "2")
    assert code == 2
    assert entries_of(out) == []
    assert "the limit is 2" in err
    assert not file.exists()
