"""Every command in the pages about deployment runs here, or is in the page's table of commands that no test runs."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.deploy.files import tools_python
from tests.support.sources import ROOT

PAGES = ("deploy", "going-public", "autoscaling")
_BLOCK = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
_ROW = re.compile(r"^\| (`.*?`) \|", re.MULTILINE)


def page(name: str) -> str:
    return (ROOT / "docs" / "howto" / f"{name}.md").read_text(encoding="utf-8")


def commands(name: str) -> list[str]:
    return [line for block in _BLOCK.findall(page(name)) for line in block.splitlines()]


def excused(name: str) -> list[re.Pattern[str]]:
    """Return patterns of the commands that no test runs: the start of each; `...` matches anything."""
    table = page(name).partition("## Commands that no test runs")[2]
    starts = [start for cell in _ROW.findall(table) for start in re.findall(r"`([^`]+)`", cell)]
    return [re.compile(re.escape(start).replace(re.escape("..."), ".*") + r"(\s|$)") for start in starts]


def to_run(name: str) -> list[str]:
    return [command for command in commands(name) if not any(start.match(command) for start in excused(name))]


@pytest.mark.parametrize("name", PAGES)
def test_the_table_names_only_commands_of_the_page(name: str) -> None:
    for start in excused(name):
        assert any(start.match(command) for command in commands(name)), start.pattern


@pytest.mark.parametrize("name", PAGES)
def test_commands_are_in_blocks_that_are_read(name: str) -> None:
    """The test does not run indented blocks: the ones on these pages contain only settings."""
    indented = re.findall(r"^    (\S.*)$", page(name), re.MULTILINE)
    assert not [line for line in indented if re.match(r"[a-z/.-]+ ", line)]


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """The folders of a machine, and a copy of the clone's files that the pages change."""
    for folder in ("etc/systemd/system", "usr/lib/sysusers.d", "etc/nginx/conf.d", "etc/caddy", "clone"):
        (tmp_path / folder).mkdir(parents=True)
    shutil.copytree(ROOT / "deploy", tmp_path / "clone" / "deploy", ignore=shutil.ignore_patterns("secrets", ".env"))
    settings = re.search(r"^    \{\n(?:    .*\n)+", page("deploy"), re.MULTILINE)
    assert settings
    (tmp_path / "clone" / "gonemaster.json").write_text(json.dumps(json.loads(settings[0])))
    return tmp_path


def here(command: str, machine: Path) -> str:
    """Return the command with the folders of this machine instead of those of a real one."""
    for folder in ("/etc/", "/usr/lib/sysusers.d/"):
        command = re.sub(rf"(?<![\w.]){folder}", f"{machine}{folder}", command)
    command = re.sub(r"^deploy/install", f"deploy/install --root {machine}", command)
    command = command.replace("/opt/gonemaster/bin/gonemaster-server", f"{sys.executable} -m gonemaster_api.server")
    if command.startswith("docker compose") and shutil.which("docker-compose"):
        command = command.replace("docker compose", "docker-compose", 1)
    return command.replace("YOUR.HOST", "dns.example")


NEEDS = {"systemd-analyze", "nginx", "caddy", "docker"}  # tests/deploy/test_check.py checks that they exist
ELSEWHERE = {  # slow commands have a separate test with the same program
    "make dist": "tests/deploy/test_release.py",
    "python3 -m venv /opt/gonemaster": "tests/deploy/test_release.py",
    "nginx -t": "tests/deploy/test_check.py",
    **dict.fromkeys(
        (line for line in commands("autoscaling") if line.startswith("curl ")), "tests/deploy/test_prepared_service.py"
    ),
}


@pytest.mark.parametrize("name", PAGES)
def test_the_commands_run(name: str, machine: Path) -> None:
    skipped = []
    for command in to_run(name):
        if command in ELSEWHERE:
            assert (ROOT / ELSEWHERE[command]).exists()
            continue
        program = command.split()[0]
        if program in NEEDS and not (shutil.which(program) or (program == "docker" and shutil.which("docker-compose"))):
            skipped.append(program)
            continue
        done = subprocess.run(
            ["bash", "-euc", here(command, machine)],
            cwd=machine / "clone",
            env={**os.environ, "PYTHONPATH": str(ROOT), "HOME": str(machine), "XDG_DATA_HOME": str(machine)},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    if skipped:
        pytest.skip(f"NOT RUN: not on this machine: {', '.join(skipped)}")


def test_the_commands_have_effects(machine: Path) -> None:
    """Checks the results of the commands, which proves that each ran on its target."""
    for name in ("deploy", "going-public"):
        for command in to_run(name):
            if command.split()[0] in {"cp", "install", "sed", "deploy/install"}:
                subprocess.run(["bash", "-euc", here(command, machine)], cwd=machine / "clone", check=True)
    assert (machine / "etc/systemd/system/gonemaster-worker@.service").exists()
    assert (machine / "etc/gonemaster/gonemaster.json").stat().st_mode & 0o777 == 0o600
    assert "dns.example" in (machine / "etc/nginx/conf.d/gonemaster.conf").read_text()


@pytest.mark.parametrize("command", [line for line in commands("autoscaling") if line.startswith("helm ")])
def test_the_values_of_helm_commands_are_accepted(command: str) -> None:
    settings = re.findall(r"--set (\S+)", command)
    program = (
        "import helm_python, sys, json, functools\n"
        "values = helm_python.parse_set_string(','.join(sys.argv[1:]))\n"
        "chart = helm_python.Chart.load('deploy/helm/gonemaster')\n"
        "print(chart.render(values, name='gonemaster', namespace='dns')['gonemaster/templates/autoscaling.yaml'])\n"
    )
    done = subprocess.run(
        [tools_python(), "-c", program, *settings], cwd=ROOT, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert "kind: ScaledObject" in done.stdout
