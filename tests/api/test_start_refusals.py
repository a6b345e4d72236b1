"""A service whose files cannot be used says so at once, instead of failing later in each run."""

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize(
    ("flag", "key"), [("--profile", "profile_path: resolvr"), ("--scoring-config", "scoring_config_path: resolvr")]
)
def test_file_of_the_settings_that_is_wrong(tmp_path: Path, flag: str, key: str) -> None:
    file = tmp_path / "wrong.yaml"
    file.write_text("resolvr: {}\n")
    command = [sys.executable, "-m", "gonemaster_api.server", "--data-dir", str(tmp_path / "data"), flag, str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 2
    assert key in done.stderr


def test_source_address_that_this_host_does_not_have(tmp_path: Path) -> None:
    flags = ["--data-dir", str(tmp_path / "data"), "--sourceaddr4", "192.0.2.53"]
    command = [sys.executable, "-m", "gonemaster_api.server", "all", *flags]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 2
    assert "cannot send from the source address 192.0.2.53" in done.stderr
