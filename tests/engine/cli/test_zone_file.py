"""`gonemaster --zone-file`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gonemaster_engine.cli.main import main
from tests.engine.cli.conftest import Call
from tests.engine.zonefile.zones import GOOD

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def zone(tmp_path: Path) -> str:
    file = tmp_path / "example.zone"
    file.write_text(GOOD + "www A 9.9.9.9\nbad FOO\n")
    return str(file)


@pytest.fixture
def good(tmp_path: Path) -> str:
    file = tmp_path / "good.zone"
    file.write_text(GOOD)
    return str(file)


def test_a_zone_is_tested_and_what_is_left_out_is_named(good: str, capsys: Capture) -> None:
    assert main(["--zone-file", good, "example.org", "--fail-level", "ERROR"]) == 0
    out = capsys.readouterr().out
    assert "dnssec07" in out
    assert "Not tested, because it needs the networks of the name servers: address02, address03" in out


def test_errors_have_line_and_column_in_each_format(zone: str, capsys: Capture) -> None:
    line = GOOD.count("\n") + 1
    assert main(["--zone-file", zone, "example.org", "--fail-level", "ERROR"]) == 1
    assert f"{zone}:{line}:14: an alias (CNAME) cannot have other data" in capsys.readouterr().out
    assert main(["--zone-file", zone, "example.org", "--format", "sarif"]) == 1
    captured = capsys.readouterr()
    first, second = json.loads(captured.out)["runs"][0]["results"]
    places = [each["locations"][0]["physicalLocation"] for each in (first, second)]
    assert [place["region"]["startLine"] for place in places] == [line, line + 1]
    assert places[0]["artifactLocation"]["uri"] == zone
    assert "Nothing else was tested, because name servers cannot serve this file." in captured.err
    assert "Not tested" not in captured.err


def test_a_zone_from_standard_input(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    import io

    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"\xff\xfe no zone\n")))
    assert main(["--zone-file", "-", "example.org", "--json"]) == 1
    (entry,) = json.loads(capsys.readouterr().out)
    assert (entry["module"], entry["tag"], entry["level"]) == ("ZONEFILE", "ZF_SYNTAX", "CRITICAL")


def test_the_published_zone_is_compared(call: Call, tmp_path: Path) -> None:
    file = tmp_path / "zone"
    file.write_text(GOOD.replace("@ NS ns1", "@ NS ns9").replace("ns1 A", "ns9 A").replace("ns1 AAAA", "ns9 AAAA"))
    options = ("--zone-file", str(file), "lame.xa", "--testcase", "syntax01", "--retry", "1", "--retrans", "1")
    code, out, _ = call(*options, "--timeout", "1", "--no-ipv6", "--also-delegation", "--format", "json-lines")
    assert code == 0
    found = {entry["tag"] for entry in json.loads(out)["entries"]}
    assert {"ZF_NS_ADDED", "ZF_GLUE_MISSING", "ZF_DS_NO_LONGER_VALIDATES"} & found


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("--zone-file", "/nowhere", "a.example"), "cannot read /nowhere: No such file"),
        (("--zone-file", "x"), "no domain name given"),
        (("--zone-file", "x", "a.example", "b.example"), "takes a single domain"),
        (("--zone-file", "x", "a.example", "--save", "y"), "--save cannot be combined with --zone-file"),
        (("--also-delegation", "a.example"), "--also-delegation needs --zone-file"),
        (("--zone-file", "/dev/null", "."), "the root zone cannot be tested from a file"),
    ],
)
def test_wrong_use(capsys: Capture, args: tuple[str, ...], message: str) -> None:
    assert main([*args]) == 2
    assert message in capsys.readouterr().err
