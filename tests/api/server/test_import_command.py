"""`gonemaster-server import zonemaster`, on a separate database."""

from __future__ import annotations

from pathlib import Path

import pytest

from gonemaster_api.server.cli import main
from tests.support.zonemaster_backend import Backend, recorded


def test_the_command_imports_and_reports(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GONEMASTER_DATA_DIR", str(tmp_path / "data"))
    content, source = Backend(), tmp_path / "zonemaster.sqlite"
    content.add("a.example", next(iter(recorded().values())))
    content.add("a..b")
    content.write_sqlite(source)
    assert main(["db", "upgrade"]) == 0
    assert main(["import", "zonemaster", str(source)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "1 runs and 0 batches imported; 0 runs were already imported"
    assert lines[1] == "1 tests of a name that is not valid, such as a..b"
    assert "API keys were not imported" in lines[2]
    assert main(["import", "zonemaster", str(source)]) == 0
    assert capsys.readouterr().out.startswith("0 runs and 0 batches imported; 1 runs were already imported")
    assert main(["import", "zonemaster", str(tmp_path / "none")]) == 2
    assert "there is no file" in capsys.readouterr().err
