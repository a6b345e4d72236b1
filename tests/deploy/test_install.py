"""`deploy/install` installs the units once, shows its steps without doing them, and removes what it installed."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.deploy.files import DEPLOY, UNITS

HERE = {
    "gonemaster.sysusers": "usr/lib/sysusers.d/gonemaster.conf",
    "gonemaster.tmpfiles": "usr/lib/tmpfiles.d/gonemaster.conf",
}


def install(root: Path, *options: str) -> str:
    command = [str(DEPLOY / "install"), "--root", str(root), *options]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def installed(root: Path) -> set[str]:
    return {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}


def test_every_file_of_the_units_is_installed_unchanged(tmp_path: Path) -> None:
    install(tmp_path)
    for file in UNITS.iterdir():
        target = tmp_path / HERE.get(file.name, f"etc/systemd/system/{file.name}")
        assert target.read_bytes() == file.read_bytes()
        assert target.stat().st_mode & 0o777 == 0o644
    assert len(installed(tmp_path)) == len(list(UNITS.iterdir()))


def test_a_second_run_changes_nothing(tmp_path: Path) -> None:
    install(tmp_path)
    assert install(tmp_path) == "nothing to do\n"


def test_only_a_changed_file_is_replaced(tmp_path: Path) -> None:
    install(tmp_path)
    (tmp_path / "etc/systemd/system/gonemaster.target").write_text("")
    (line,) = install(tmp_path).splitlines()
    assert line.endswith("gonemaster.target")
    assert (tmp_path / "etc/systemd/system/gonemaster.target").read_text()


def test_a_dry_run_prints_the_steps_only(tmp_path: Path) -> None:
    assert "gonemaster-api.socket" in install(tmp_path, "--dry-run")
    assert installed(tmp_path) == set()


def test_removal_keeps_data_unless_it_is_purged(tmp_path: Path) -> None:
    for name in (
        "etc/gonemaster/gonemaster.json",
        "var/lib/gonemaster/gonemaster.db",
        "etc/systemd/system/other.service",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    kept = installed(tmp_path)
    install(tmp_path)
    install(tmp_path, "--uninstall")
    assert installed(tmp_path) == kept
    assert install(tmp_path, "--uninstall") == "nothing to do\n"
    install(tmp_path, "--uninstall", "--purge")
    assert installed(tmp_path) == {"etc/systemd/system/other.service"}


@pytest.mark.parametrize("options", [["--unknown"], ["--root"]])
def test_wrong_options_are_refused(options: list[str]) -> None:
    assert subprocess.run([DEPLOY / "install", *options], capture_output=True, check=False).returncode != 0
