"""Every command of the tutorials works in the order of the page, against real parts on loopback addresses."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.dnsworld import World
from tests.support.service import Service
from tests.support.sources import ROOT
from tests.system.conftest import StartService

PAGES = ROOT / "docs/tutorials"
TOOLS = ("bash", "curl", "jq")

pytestmark = pytest.mark.skipif(
    any(shutil.which(tool) is None for tool in TOOLS), reason=f"NOT RUN: needs {', '.join(TOOLS)}"
)


def script_of(page: str, **words: str) -> str:
    """Return all commands of a page, with some words replaced; each word occurs."""
    text = (PAGES / page).read_text(encoding="utf-8")
    script = "".join(re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL))
    for old, new in words.items():
        assert old in script
        script = script.replace(old, new)
    return f"set -euo pipefail\n{script}"


def follow(script: str, folder: Path) -> str:
    """Run the commands in a folder, and return what they print."""
    path = f"{folder}:{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=folder, env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False, timeout=500,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_each_tutorial_has_a_test() -> None:
    source = Path(__file__).read_text(encoding="utf-8")
    assert [page.name for page in PAGES.glob("*.md") if f'"{page.name}"' not in source] == []


@pytest.mark.slow
def test_your_own_domain(tmp_path: Path, demo_world: World, demo_hints: Path) -> None:
    options = f"--hints {demo_hints} --dns-port {demo_world.port} --allow-non-global --no-ipv6 --timeout 1 --retry 1"
    command = tmp_path / "gonemaster"
    command.write_text(
        "#!/bin/sh\n"
        f'case "$1" in diff|--explain) exec {sys.executable} -m gonemaster_engine.cli "$@";; esac\n'
        f'exec {sys.executable} -m gonemaster_engine.cli {options} --retrans 1 "$@"\n'
    )
    command.chmod(0o755)
    printed = follow(script_of("your-own-domain.md", **{"example.com": "lame.xa"}), tmp_path)
    assert "lame.xa needs attention" in printed
    assert re.search(r"^A01_LOCAL_USE_ADDR$", printed, re.MULTILINE), printed
    assert "Configure and load the zone on the name server" in printed


@pytest.mark.slow
def test_many_domains(start: StartService, tmp_path: Path) -> None:
    service: Service = start(worker_processes=2)
    names = ["good.xa", "signed.xa", "lame.xa"]
    (tmp_path / "customers.txt").write_text("".join(f"{name}\n" for name in names))
    printed = follow(script_of("many-domains.md", **{"http://127.0.0.1:8080": service.url}), tmp_path)
    assert re.search(r"^lame\.xa\t[A-Z0-9_]+$", printed, re.MULTILINE), printed
    assert re.search(r"^\d{4}-\d\d-\d\dT", printed, re.MULTILINE), "the next test by the schedule"
