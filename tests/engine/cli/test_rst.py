"""The command `gonemaster rst`: exit codes, formats and refusals."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from gonemaster_engine.cli.main import main
from tests.engine.rst.code_zones import ZONES, healthy
from tests.support.dnsworld import World
from tests.support.rst_worlds import TLD, counted_network, input_of

COUNTS = re.compile(r"(\d+) passed, (\d+) failed, (\d+) undecided, (\d+) skipped")


def run(world: World, document: Any, directory: Path, *words: str, ipv6: bool = True) -> int:
    """Run the command on a document while a world is served; return the exit code."""
    file = directory / "input.json"
    file.write_text(json.dumps(document), encoding="utf-8")
    hints = world.write_hints(directory / "root.hints")
    with counted_network(), world:
        options = ("--hints", str(hints), "--dns-port", str(world.port), "--allow-non-global")
        return main(["rst", str(file), *options, "--ipv6" if ipv6 else "--no-ipv6", *words])


def test_healthy_tld_passes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    world = healthy()
    assert run(world, input_of(world), tmp_path) == 0
    text = capsys.readouterr().out
    assert [counts[1:] for counts in COUNTS.findall(text)] == [("0", "0", "0")] * 2
    assert "The rehearsal passed." in text


def test_broken_tld_fails_with_its_code_in_all_formats(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    world = ZONES["dns-zz-consistency", "DNS_INCONSISTENT_RESPONSES"].world()
    html, text = tmp_path / "report.html", tmp_path / "report.txt"
    words = ("--format", "json", "--report", f"html:{html}", "--report", f"text:{text}", "--locale", "sv")
    assert run(world, input_of(world), tmp_path, *words) == 1
    document = json.loads(capsys.readouterr().out)
    assert document["result"] == "fail"
    assert document["errorCodes"] == ["DNS_INCONSISTENT_RESPONSES"]
    assert {suite["name"]: suite["result"] for suite in document["suites"]} == {
        "StandardDNS": "fail",
        "StandardDNSSEC": "pass",
    }
    assert document["inputs"]["dns.nameservers"][0]["name"] == TLD
    page = html.read_text(encoding="utf-8")
    assert "DNS_INCONSISTENT_RESPONSES" in page
    assert not re.search(r"<script|https?://|src=", page)  # one file without others
    assert "DNS_INCONSISTENT_RESPONSES" in text.read_text(encoding="utf-8")


def test_markup_in_records_is_text_in_the_page(tmp_path: Path) -> None:
    world = healthy()
    world.zone_of(TLD).on(world.zone_of(TLD).addresses[2], records='@ TXT "<script>alert(1)</script>"')
    html = tmp_path / "report.html"
    assert run(world, input_of(world), tmp_path, "--report", f"html:{html}") == 1
    page = html.read_text(encoding="utf-8")
    assert "&lt;script&gt;" in page
    assert "<script" not in page


def test_host_without_ipv6_gets_an_undecided_result(tmp_path: Path) -> None:
    world = healthy()
    assert run(world, input_of(world), tmp_path, ipv6=False) == 4


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ([], "must be a JSON object"),
        ({"dns.nameservers": []}, "dns.nameservers: must have 1 to 20 items, not 0"),
        ({"dns.nameservers": [{"name": "a.example"}]}, "dns.nameservers[0].nameservers: is missing"),
    ],
)
def test_invalid_input_is_refused_before_a_query(
    document: Any, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    world = healthy()
    assert run(world, document, tmp_path) == 2
    assert said in capsys.readouterr().err
    assert not world.log


def test_address_that_is_not_global_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "input.json"
    file.write_text(json.dumps(input_of(healthy())), encoding="utf-8")
    assert main(["rst", str(file)]) == 2
    error = capsys.readouterr().err
    assert "--ns" not in error  # an option that this command does not have
    assert "only globally reachable addresses of other hosts are queried" in error


def test_a_report_that_cannot_be_written_is_refused_before_a_query(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    world = healthy()
    assert run(world, input_of(world), tmp_path, "--report", "html:/no/such/folder/report.html") == 2
    assert "cannot write to /no/such/folder" in capsys.readouterr().err
    assert not world.log


@pytest.mark.parametrize("words", [("--format", "pdf"), ("--report", "html"), ("--deadline", "1"), ("--doq-port", "0")])
def test_invalid_option_is_refused(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rst", "input.json", *words]) == 2
    assert "gonemaster rst --help" in capsys.readouterr().err


def test_missing_file_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rst", "/no/such/file"]) == 2
    assert "cannot read /no/such/file" in capsys.readouterr().err
