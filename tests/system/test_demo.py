"""`make demo` shows grades, a sweep in progress and the history of a cohort, until Ctrl-C."""

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from gonemaster_api.demo.world import DOMAINS, HEALTHY, STORY
from tests.support.service import open_url, wait_for
from tests.support.sources import ROOT

PATIENCE_S = 240.0
# For each domain the finding that names its fault; no finding of the domain is worse.
FAULTS = {
    "unsigned.xa": "DS07_NOT_SIGNED",
    "expired.xa": "DS08_DNSKEY_RRSIG_EXPIRED",
    "wrongds.xa": "DS02_NO_VALID_DNSKEY_FOR_ANY_DS",
    "lame.xa": "NO_RESPONSE_DNSKEY",
    "silent.xa": "CN01_NO_RESPONSE_UDP",
    "notcp.xa": "CN02_NO_RESPONSE_TCP",
    "noglue.xa": "B02_NO_WORKING_NS",
    "serials.xa": "MULTIPLE_SOA_SERIALS",
    "single.xa": "NOT_ENOUGH_NS_DEL",
    "parted.xa": "EXTRA_NAME_PARENT",
    "alias.xa": "SOA_AND_CNAME",
    "mailalias.xa": "MX_RECORD_IS_CNAME",
    "refused.xa": "B02_NO_WORKING_NS",
}


class Demo:
    """A running demo: what it has printed, and its pages."""

    def __init__(self, process: "subprocess.Popen[bytes]", output: Path) -> None:
        self.process = process
        self._output = output

    def printed(self, pattern: str) -> str:
        """Wait for output that matches, and return the first group."""

        def found() -> re.Match[str] | None:
            text = self._output.read_text()
            match = re.search(pattern, text)
            assert match or self.process.poll() is None, text
            return match

        return str(wait_for(found, timeout_s=PATIENCE_S, what=pattern)[1])

    @property
    def url(self) -> str:
        return self.printed(r"queue and results +(http://127\.0\.0\.1:\d+)/")

    def text(self, path: str) -> str:
        with open_url(self.url + path) as answer:
            return str(answer.read().decode())

    def json(self, path: str) -> Any:
        return json.loads(self.text(f"/api/v1{path}"))


@contextmanager
def running(home: Path) -> Iterator[Demo]:
    output = home / "output"
    with output.open("w") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "gonemaster_api.demo"],
            cwd=ROOT,
            env=os.environ | {"TMPDIR": str(home)},
            stdout=file,
            stderr=file,
            start_new_session=True,
        )
    try:
        yield Demo(process, output)
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(PATIENCE_S)


def processes_of(home: Path) -> list[int]:
    """Return the processes with this directory in their environment."""
    found = []
    for environ in Path("/proc").glob("[0-9]*/environ"):
        try:
            if str(home).encode() in environ.read_bytes():
                found.append(int(environ.parent.name))
        except OSError:  # the process has ended, or belongs to another user
            continue
    return found


def run_of(demo: Demo, domain: str) -> dict[str, Any]:
    (run,) = demo.json(f"/runs?domain_exact={domain}")["items"]
    return dict(run)


def worst_tags(demo: Demo, run: dict[str, Any]) -> set[str]:
    entries = demo.json(f"/jobs/{run['id']}/result")["raw"]["entries"]
    return {entry["tag"] for entry in entries if entry["level"] == run["worst_level"]}


@pytest.mark.thorough
@pytest.mark.timeout(900)
def test_the_demo_shows_grades_a_sweep_and_a_history() -> None:
    with tempfile.TemporaryDirectory(prefix="gm-d-", dir="/tmp") as name:
        home = Path(name)
        with running(home) as demo:
            assert demo.printed(rf"{HEALTHY} +│ (A\+?) ")
            healthy = run_of(demo, HEALTHY)
            assert (healthy["worst_level"], healthy["score"]) == ("INFO", 100)
            assert FAULTS.keys() | {HEALTHY} == DOMAINS.keys()
            named = {domain for domain, tag in FAULTS.items() if tag in worst_tags(demo, run_of(demo, domain))}
            assert named == FAULTS.keys()
            queue = demo.json("/queue")
            assert queue["depth"]["batch"] > 0
            assert {job["domain"] for job in queue["running"]} < set(STORY.domains)
            assert any(domain in demo.text("/") for domain in STORY.domains)
            demo.printed("/analysis/ (now shows)")
            listed = demo.text("/analysis/domains")
            assert all(domain in listed for domain in STORY.domains[:10])
            assert "IPv4 only" in demo.text("/settings/profiles")
        assert demo.process.returncode == 0
        assert processes_of(home) == []
        assert not list(home.glob("gm-demo-*"))
