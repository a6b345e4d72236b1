"""Every command of docs/howto/zone-files.md."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from gonemaster_engine.zonefile.findings import LEVELS
from tests.engine.zonefile.zones import GOOD
from tests.support.dnsworld import World
from tests.support.service import Service
from tests.support.sources import ROOT

PAGE = (ROOT / "docs/howto/zone-files.md").read_text(encoding="utf-8")
COMMANDS = [
    line for block in re.findall(r"^```sh\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL) for line in block.splitlines()
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "example.org.zone").write_text(GOOD)
    return tmp_path


def run(command: str, folder: Path, **environ: str) -> str:
    path = f"{folder}:{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=folder, env={**os.environ, "PATH": path, **environ},
        capture_output=True, text=True, check=False, timeout=100,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_commands_of_the_page(folder: Path, demo_world: World, demo_hints: Path) -> None:
    ours = [command for command in COMMANDS if command.startswith("gonemaster ")]
    assert len(ours) == 5
    options = f"--hints {demo_hints} --dns-port {demo_world.port} --allow-non-global --no-ipv6 --timeout 1 --retry 1"
    script = folder / "gonemaster"
    script.write_text(f'#!/bin/sh\nexec {sys.executable} -m gonemaster_engine.cli {options} --retrans 1 "$@"\n')
    script.chmod(0o755)
    outputs = [run(command, folder) for command in ours]
    assert all("Not tested, because it needs" in output for output in outputs)
    assert (folder / "zone.sarif").exists()
    assert "is not delegated yet" in outputs[-1]


def test_a_zone_over_http(service: Service, folder: Path) -> None:
    (command,) = [command for command in COMMANDS if command.startswith("jq ")]
    if shutil.which("jq") is None or shutil.which("curl") is None:
        pytest.skip("NOT RUN: no jq or no curl on this machine")
    document = json.loads(run(command, folder, GONEMASTER=service.url))
    assert document["loadable"]


def test_the_page_names_the_findings_of_the_comparison() -> None:
    named = dict.fromkeys(re.findall(r"`(ZF_\w+)`", PAGE))
    prefixes = ("ZF_DS", "ZF_NS", "ZF_GLUE", "ZF_SERIAL", "ZF_NO_DS", "ZF_NOT")
    compared = {tag for tag in LEVELS if tag.startswith(prefixes)} - {"ZF_NS_TOO_LARGE"}  # of the file alone
    assert set(named) == compared
