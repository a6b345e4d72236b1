"""The wheel of the client, installed into an empty environment without the service."""

from __future__ import annotations

import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

from gonemaster_client.version import __version__
from tests.support.sources import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300), pytest.mark.xdist_group("release")]


def run(*command: str | Path, cwd: Path) -> str:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, timeout=280)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_wheel_installs_and_runs_without_the_service(tmp_path: Path) -> None:
    pip = ("-m", "pip", "--quiet", "--disable-pip-version-check")
    source = tmp_path / "source"  # with the linked package; a build in the clone would leave files there
    shutil.copytree(ROOT / "client", source, ignore=shutil.ignore_patterns("build", "*.egg-info", "__pycache__"))
    run(sys.executable, *pip, "wheel", "--no-deps", "--wheel-dir", tmp_path, source, cwd=tmp_path)
    [wheel] = tmp_path.glob("*.whl")
    assert wheel.name == f"gonemaster_client-{__version__}-py3-none-any.whl"
    listed = run("git", "ls-files", "--cached", "--others", "--exclude-standard", "gonemaster_client", cwd=ROOT)
    names = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert names == {name for name in listed.split() if (ROOT / name).exists()}
    venv.create(tmp_path / "venv", with_pip=True)
    python = tmp_path / "venv" / "bin" / "python"
    run(python, *pip, "install", f"{wheel}[axfr]", cwd=tmp_path)
    assert "installed client: ok" in run(python, ROOT / ".ci" / "check_client.py", cwd=tmp_path)
