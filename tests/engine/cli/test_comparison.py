"""The command `gonemaster diff`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gonemaster_engine.cli.main import main
from tests.engine.cli.conftest import Call

Capture = pytest.CaptureFixture[str]


def entry(tag: str, level: str = "WARNING", message: str = "Text.", **args: Any) -> dict[str, Any]:
    return {
        "module": "ZONE", "testcase": "zone01", "tag": tag, "level": level, "message": message, "args": args
    }  # fmt: skip


def line(domain: str, *entries: dict[str, Any]) -> str:
    return json.dumps({"domain": domain, "entries": list(entries)}) + "\n"


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, str]:
    first, second = tmp_path / "a", tmp_path / "b"
    first.write_text(
        line("a.example", entry("STAYS", serial=1), entry("CLEARED"), entry("CHANGED"), entry("LOW", "INFO"))
        + line("gone.example")
    )
    second.write_text(
        line("a.example", entry("STAYS", serial=2), entry("CHANGED", "ERROR"), entry("N|", message="<b>"))
        + line("new.example")
    )  # fmt: skip
    return str(first), str(second)


def test_differences_are_listed(files: tuple[str, str], capsys: Capture) -> None:
    assert main(["diff", *files]) == 1
    assert capsys.readouterr().out.splitlines() == [
        "Appeared:",
        "  WARNING             a.example zone01 N|: <b>",
        "Cleared:",
        "  WARNING             a.example zone01 CLEARED: Text.",
        "Level changed:",
        "  WARNING > ERROR     a.example zone01 CHANGED: Text.",
        "gone.example is only in the first file.",
        "new.example is only in the second file.",
    ]


def test_differences_as_json_and_markdown(files: tuple[str, str], capsys: Capture) -> None:
    assert main(["diff", *files, "--format", "json", "--min-level", "info"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert [change["tag"] for change in document["cleared"]] == ["CLEARED", "LOW"]
    (changed,) = document["level_changed"]
    assert (changed["domain"], changed["before"], changed["after"]) == ("a.example", "WARNING", "ERROR")
    assert document["only_in_first"] == ["gone.example"]
    assert main(["diff", *files, "--format", "markdown", "--locale", "sv"]) == 1
    out = capsys.readouterr().out
    assert r"| a.example | WARNING | zone01 | \<b\> |" in out
    assert "### Tillkommit" in out


def test_equal_files(files: tuple[str, str], capsys: Capture) -> None:
    assert main(["diff", files[0], files[0]]) == 0
    assert capsys.readouterr().out == "The findings are the same.\n"


@pytest.mark.parametrize("shape", ["--json", "--json-stream", "--format=json-lines"])
def test_each_json_format_can_be_compared(call: Call, tmp_path: Path, capsys: Capture, shape: str) -> None:
    files = [str(tmp_path / name) for name in ("good", "lame", "lines")]
    for domain, file in zip(("good.xa", "lame.xa"), files, strict=False):
        assert call(domain, "--testcase", "delegation04", shape, "--causes", "--output", file)[0] == 0
    assert call("lame.xa", "--testcase", "delegation04", "--format", "json-lines", "--output", files[2])[0] == 0
    assert main(["diff", files[0], files[0]]) == 0
    assert main(["diff", files[1], files[2]]) == 0
    capsys.readouterr()
    if shape != "--format=json-lines":  # else other domains
        assert main(["diff", files[0], files[1]]) == 1
        assert "delegation04 IS_NOT_AUTHORITATIVE" in capsys.readouterr().out


@pytest.mark.parametrize(
    "text", ["{}", "words", '[{"tag": "X"}]', '{"entries": [1]}', "null", "[" * 100_000, '{"entries": 5}', "\x00"]
)
def test_files_without_results(tmp_path: Path, capsys: Capture, text: str) -> None:
    file = tmp_path / "file"
    file.write_text(text)
    assert main(["diff", str(file), str(file)]) == 2
    assert f"{file} does not contain results in the format" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("/nowhere", "/nowhere"), "cannot read /nowhere: No such file or directory"),
        (("/", "/"), "cannot read /: Is a directory"),
        (("a",), "the following arguments are required"),
        (("a", "b", "--formt", "json"), "unknown option --formt; is --format meant?"),
    ],
)
def test_wrong_use(capsys: Capture, args: tuple[str, ...], message: str) -> None:
    assert main(["diff", *args]) == 2
    assert message in capsys.readouterr().err


def test_a_message_of_a_file_is_printed_without_control_characters(tmp_path: Path, capsys: Capture) -> None:
    file, empty = tmp_path / "file", tmp_path / "empty"
    file.write_text(line("", entry("T", message="\x1b[31m")))
    empty.write_text("")
    assert main(["diff", str(empty), str(file)]) == 1
    assert "\x1b" not in capsys.readouterr().out
