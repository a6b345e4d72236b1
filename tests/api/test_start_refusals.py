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


def refusal(*flags: str) -> str:
    command = [sys.executable, "-m", "gonemaster_api.server", *flags]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 2
    return done.stderr


def test_root_hints_that_are_none(tmp_path: Path) -> None:
    """Each worker would die of them, again and again."""
    file = tmp_path / "hints"
    file.write_text("root:x:0:0:root:/root:/bin/bash\n")
    told = refusal("--data-dir", str(tmp_path / "data"), "--root-hints", str(file))
    assert f"root_hints_path: the root hints file {file} cannot be used" in told
    assert "Traceback" not in told


def test_data_directory_that_is_none(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    told = refusal("--data-dir", str(file))
    assert told == (
        f"gonemaster-server: the data directory {file} cannot be used: it is not a directory;"
        " name another one with --data-dir\n"
    )


def test_commands_say_nothing_of_their_connections(tmp_path: Path) -> None:
    """What the command prints is what it was asked for."""
    command = [sys.executable, "-m", "gonemaster_api.server", "db", "current", "--data-dir", str(tmp_path / "data")]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert (done.stdout, done.stderr) == ("none\n", "")


def test_source_address_that_this_host_does_not_have(tmp_path: Path) -> None:
    flags = ["--data-dir", str(tmp_path / "data"), "--sourceaddr4", "192.0.2.53"]
    command = [sys.executable, "-m", "gonemaster_api.server", "all", *flags]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 2
    assert "cannot send from the source address 192.0.2.53" in done.stderr
