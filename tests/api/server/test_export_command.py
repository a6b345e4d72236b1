"""`gonemaster-server export`, on a separate database."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from gonemaster_api.server.cli import main
from gonemaster_db.core.session import open_store
from gonemaster_db.core.settings import StoreSettings
from tests.support.analysis.cohorts import make_batch
from tests.support.analysis.runs import run_batch


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "data"
    monkeypatch.setenv("GONEMASTER_DATA_DIR", str(folder))
    assert main(["db", "upgrade"]) == 0
    with closing(open_store(StoreSettings(dsn=str(folder / "gonemaster.db")))) as store:
        run_batch(store, make_batch(store), ["a.example", "b.example"])
    return folder


def test_the_command_exports_and_reports(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert data.is_dir()
    output = tmp_path / "facts"
    capsys.readouterr()
    assert main(["export", "--output", str(output), "--cohort", "tld", "--since", "2020-01-31T12:00:00Z"]) == 0
    assert capsys.readouterr().out == f"2 runs in {output}\n"
    assert sorted(path.name for path in output.iterdir()) == ["facts-00001.parquet", "facts.json"]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ((), "--output"),
        (("--output", "{new}", "--batch", "0123456789abcdef"), "--batch: there is no batch 0123456789abcdef"),
        (("--output", "{new}", "--cohort", "nobody"), "--cohort: there is no tag nobody"),
        (("--output", "{new}", "--since", "yesterday"), "--since "),
        (("--output", "{new}", "--format", "xlsx"), "parquet"),
        (("--output", "{used}"), "is not empty; choose a new one"),
        (("--output", "{used}/file/facts"), "Not a directory"),
    ],
)
def test_wrong_options_are_refused_and_nothing_is_written(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], options: tuple[str, ...], expected: str
) -> None:
    assert data.is_dir()
    used = tmp_path / "used"
    used.mkdir()
    (used / "file").touch()
    capsys.readouterr()
    assert main(["export", *(each.format(new=tmp_path / "new", used=used) for each in options)]) == 2
    assert expected in capsys.readouterr().err
    assert not (tmp_path / "new").exists()
    assert [path.name for path in used.iterdir()] == ["file"]
