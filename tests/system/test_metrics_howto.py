"""Every command of docs/howto/metrics.md, on a running service."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.service import Service, wait_for
from tests.support.sources import ROOT

PAGE = (ROOT / "docs/howto/metrics.md").read_text(encoding="utf-8")


def commands(program: str) -> list[str]:
    blocks = re.findall(r"^```sh\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line.startswith(program)]


@pytest.fixture
def environ(service: Service) -> dict[str, str]:
    """The environment of the service, with its commands in the path."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return service.environ | {"GONEMASTER": service.url, "PATH": path}


def run(command: str, environ: dict[str, str]) -> str:
    done = subprocess.run(
        ["bash", "-c", command], env=environ, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_each_command_of_the_page_is_run_here() -> None:
    programs = {command.split()[0] for command in commands("")}
    assert programs == {"curl", "promtool", "gonemaster-server"}
    assert len(commands("")) == 8


def test_metrics_are_shown(service: Service, environ: dict[str, str]) -> None:
    if shutil.which("curl") is None:
        pytest.skip("NOT RUN: no curl on this machine")
    service.finished(service.submit("example.xa"))
    document, trends, text = (run(command, environ) for command in commands("curl"))
    assert json.loads(document)["jobs"]["completed_total"] == 1
    assert list(json.loads(trends)["trends"]["windows"]) == ["1h"]
    assert "gonemaster_jobs_completed_total 1.0" in text.splitlines()


def test_promtool_accepts_rules_and_tests(environ: dict[str, str]) -> None:
    if shutil.which("promtool") is None:
        pytest.skip("NOT RUN: no promtool on this machine: .ci/apt-tools installs the package prometheus, which has it")
    for command in commands("promtool"):
        assert "SUCCESS" in run(command, environ)


def test_the_doctor_finds_no_fault_in_a_running_service(service: Service, environ: dict[str, str]) -> None:
    text_command, json_command = commands("gonemaster-server doctor")

    def is_fine() -> bool:
        done = subprocess.run(["bash", "-c", text_command], env=environ, capture_output=True, check=False, timeout=60)
        return done.returncode == 0

    wait_for(is_fine, what="a beat that has its lock")
    found = json.loads(run(json_command, environ))
    assert found["status"] == "ok"
    assert {"settings", "database", "broker", "clock", "beat", "workers", "queue", "analytics", "dns", "root"} == {
        check["name"] for check in found["checks"]
    }


@pytest.fixture
def worker(service: Service, environ: dict[str, str]) -> Iterator[Service]:
    """The worker of the page next to the service, on a free port."""
    (command,) = commands("gonemaster-server worker")
    flags = command.split()[2:]
    assert flags[0] == "--metrics-listen"
    with Service("worker", environ=environ, metrics_listen="127.0.0.1:0", listen=None) as beside:
        yield beside


def test_a_worker_serves_its_own_figures(worker: Service) -> None:
    worker.wait_for_log("metrics server started", timeout_s=60)
    (port,) = re.findall(r"metrics server started.* port=(\d+)", worker.log)
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        assert b"process_cpu_seconds_total" in answer.read()
