"""The commands against the demo world, in this process or in a separate one, and what they print."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gonemaster_engine.cli.main import main
from tests.support.dnsworld import World

Run = Callable[..., subprocess.CompletedProcess[str]]
Call = Callable[..., tuple[int, str, str]]

GONEMASTER = [sys.executable, "-m", "gonemaster_engine.cli"]


@pytest.fixture
def world_args(demo_world: World, demo_hints: Path) -> list[str]:
    return ["--hints", str(demo_hints), "--dns-port", str(demo_world.port), "--allow-non-global", "--no-progress"]


@pytest.fixture
def run(world_args: list[str]) -> Run:
    """Run the command in a separate process."""

    def run_command(*args: str) -> subprocess.CompletedProcess[str]:
        command = [*GONEMASTER, *world_args, *args]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    return run_command


@pytest.fixture
def call(world_args: list[str], capsys: pytest.CaptureFixture[str]) -> Call:
    """Run the command in this process; return exit code, standard output and standard error."""

    def call_main(*args: str) -> tuple[int, str, str]:
        code = main([*world_args, *args])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call_main


def entries_of(text: str) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = json.loads(text)
    return entries


def tags_of(text: str) -> list[str]:
    return [entry["tag"] for entry in entries_of(text)]
