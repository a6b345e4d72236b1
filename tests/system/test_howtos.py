"""The commands of how-to pages work literally as described, on a reader's server."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.support.service import Service, wait_for
from tests.support.sources import ROOT
from tests.system.conftest import StartService

PAGES = Path(__file__).parents[2] / "docs" / "howto"
DOMAINS = ["good.xa", "signed.xa", "lame.xa"]
TOOLS = ("bash", "curl", "jq")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(any(shutil.which(tool) is None for tool in TOOLS), reason=f"needs {', '.join(TOOLS)}"),
]


def blocks(page: str) -> list[str]:
    """Return the commands of a page: its indented blocks without the responses."""
    text = (PAGES / page).read_text(encoding="utf-8")
    found = re.findall(r"(?:^    .*\n)+", text, re.MULTILINE)
    return [block for block in found if not block.lstrip().startswith("{")]


class Reader:
    """A reader who types commands; `names.txt` is in the working directory, as on the page."""

    def __init__(self, service: Service, directory: Path) -> None:
        self._service, self._directory = service, directory
        self._before: list[str] = []
        (directory / "names.txt").write_text("".join(f"{name}\n" for name in DOMAINS), encoding="utf-8")

    def define(self, block: str) -> None:
        """Add lines that apply to all later blocks."""
        self._before.append(self._with_service_url(block))

    def run(self, block: str, **words: str) -> list[Any]:
        """Run a block with some words replaced. Return the printed documents, none of which is an error."""
        for old, new in words.items():
            assert old in block
            block = block.replace(old, new)
        script = "\n".join(["set -euo pipefail", *self._before, self._with_service_url(block)])
        done = subprocess.run(
            ["bash", "-c", script], cwd=self._directory, capture_output=True, text=True, check=False, timeout=120
        )
        assert done.returncode == 0, done.stderr
        documents = _documents(done.stdout)
        assert not any("error" in one for one in documents if isinstance(one, dict)), documents
        return documents

    def _with_service_url(self, text: str) -> str:
        assert "8080" not in text or "http://127.0.0.1:8080" in text
        return text.replace("http://127.0.0.1:8080", self._service.url)


def _documents(text: str) -> list[Any]:
    decoder, found = json.JSONDecoder(), []
    while text := text.lstrip():
        document, end = decoder.raw_decode(text)
        found.append(document)
        text = text[end:]
    return found


def test_monitor_a_tld(start: StartService, tmp_path: Path) -> None:
    api, demo, fill, cohort, schedule, at_once, snapshots, read, watch, polite, elsewhere = blocks("monitor-a-tld.md")
    service = start(
        analysis_projection_interval_seconds=1,
        analysis_capture_interval_seconds=1,
        smtp_url="smtp://127.0.0.1:1",
        smtp_from="gonemaster@example.net",
    )
    assert demo.split()[0] == ".venv/bin/python"
    run_command(demo.replace("500", "5").replace("12", "2"), tmp_path)  # fewer domains and months
    assert json.loads(run_command(f"{elsewhere.strip()} --dump-config", tmp_path))["external_data.enabled"]["value"]
    reader = Reader(service, tmp_path)
    reader.define(api)
    reader.run(fill)
    assert service.get("/tags/mytld/domains")["total"] == len(DOMAINS)
    ((made,),) = [reader.run(cohort)]
    assert made["id"] == 1
    planned, preview = reader.run(schedule)
    assert (planned["enabled"], len(preview["next"])) == (True, 5)
    for number in (1, 2):
        reader.run(at_once)
        several = partial(lambda number_expected: len(captured(reader.run(snapshots)[0])) == number_expected, number)
        wait_for(several, timeout_s=120, what="the snapshot")
    slugs = captured(reader.run(snapshots)[0])
    shown, trends, report = reader.run(read, **{"2026-10-01-...": slugs[-1], "2026-11-01-...": slugs[0]})
    assert shown["counts"]["domain_count"] == len(DOMAINS)
    assert [point["slug"] for point in trends["points"]] == slugs[::-1]
    assert report["totals"]["common"] == len(DOMAINS)
    (notification,) = reader.run(watch)
    assert notification["tag"] == "mytld"
    reader.run(polite)
    assert [service.get("/settings")[key]["value"] for key in ("nameserver_qps", "nameserver_outstanding")] == [40, 20]
    assert "Traceback" not in service.log


def captured(listed: list[dict[str, Any]]) -> list[str]:
    """Return the slugs of the captured snapshots, newest first."""
    return [one["slug"] for one in listed if one["status"] == "captured"]


def run_command(command: str, directory: Path) -> str:
    """Run a command of a page on a separate store; return its output."""
    words = command.split()
    environ = {**os.environ, "GONEMASTER_DATA_DIR": str(directory / "demo")}
    done = subprocess.run(
        [Path(sys.executable).parent / Path(words[0]).name, *words[1:]], cwd=ROOT,
        env=environ, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_test_regularly(start: StartService, tmp_path: Path) -> None:
    fill, preview, setting, looking = blocks("test-regularly.md")
    service = start()
    reader = Reader(service, tmp_path)
    address, _, adding = fill.partition("\n")
    reader.define(address)
    reader.run(adding)
    assert service.get("/tags/mine/domains")["total"] == 2
    (shown,) = reader.run(preview)
    assert (shown["summary"], len(shown["next"])) == ("Weekly, Monday and Thursday, 02:30 Europe/Stockholm", 5)
    (made,) = reader.run(setting)
    schedule, batches = reader.run(looking)
    assert schedule == made
    assert schedule["next_run_at"] in shown["next"]
    assert batches["total"] == 0


def test_quickstart_and_readme(start: StartService, tmp_path: Path) -> None:
    """The commands of the first quarter of an hour, with domains of the demo."""
    service = start()
    reader = Reader(service, tmp_path)
    examples = {"example.com": DOMAINS[0], "example.net": DOMAINS[1], "example.org": DOMAINS[2]}
    quickstart, readme = (fenced(ROOT / name) for name in ("docs/quickstart.md", "README.md"))
    (first,) = [block for block in readme if "curl" in block]
    job, listed = reader.run(first, **{"example.com": DOMAINS[0]})
    assert (job["domain"], "items" in listed) == (DOMAINS[0], True)
    submit, read, pause, settings = [block for block in quickstart if "curl" in block]
    (batch,) = reader.run(submit, **examples)
    watched = read.replace("batch_...", batch["batch_id"]).replace("job_...", batch["job_ids"][0])
    *documents, events = watched.splitlines()
    assert [("status" in one, "items" in one) for one in reader.run("\n".join(documents))] == [
        (True, True),  # a batch has its jobs
        (False, True),
    ]
    shown = subprocess.run(
        ["bash", "-c", "\n".join([*documents[:2], events]).replace("http://127.0.0.1:8080", service.url)],
        capture_output=True, text=True, check=True, timeout=120,
    )  # fmt: skip
    assert "event: done" in shown.stdout
    paused, resumed = reader.run(pause)
    assert paused != resumed
    assert reader.run(settings) == [{"status": "ok"}]
    assert service.get("/settings")["worker_count"]["value"] == 32
    for block in quickstart:
        if "--dump-config" in block:
            assert "worker_count" in run_command(block, tmp_path)


def fenced(page: Path) -> list[str]:
    """Return the commands of a page: its fenced blocks without a language."""
    return re.findall(r"^```\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
