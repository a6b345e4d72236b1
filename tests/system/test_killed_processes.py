"""Processes are killed in the middle of a zone check, of an import, and of a test of the JSON-RPC API."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import closing, suppress
from functools import partial
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.engine.zonefile.zones import GOOD
from tests.support.service import Service, processes_of, wait_for
from tests.support.zonemaster_backend import Backend, recorded

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300), pytest.mark.xdist_group("killed_processes")]
TESTS = 4_000


@pytest.fixture(scope="module")
def own_service(in_demo_world: dict[str, str]) -> Iterator[Service]:
    """A service with one worker process, whose jobs are soon requeued when it is lost."""
    environ = in_demo_world | {"GONEMASTER_ZONEMASTER_API": "true"}
    with Service(environ=environ, lease_seconds=5, reap_interval_seconds=2) as shared:
        yield shared.wait_until_ready()


def zone_processes(service: Service) -> list[int]:
    return [pid for pid, command in service.processes().items() if "gonemaster_engine.zonefile" in command]


def send_zone(service: Service) -> HTTPConnection:
    """Send a zone, and stop the process that tests it."""
    before = zone_processes(service)
    connection = HTTPConnection(urlsplit(service.url).netloc, timeout=60)
    body = json.dumps({"domain": "example.org", "zone": GOOD})
    connection.request("POST", "/api/v1/zone-checks", body, {"Content-Type": "application/json"})
    (pid,) = wait_for(lambda: set(zone_processes(service)) - set(before), what="process of the zone")
    os.kill(pid, signal.SIGSTOP)
    return connection


def test_a_killed_zone_check_says_so_and_frees_its_position(own_service: Service) -> None:
    for _ in range(3):  # one more than can run at a time
        with closing(send_zone(own_service)) as connection:
            (pid,) = zone_processes(own_service)
            os.kill(pid, signal.SIGKILL)
            response = connection.getresponse()
            error = json.load(response)["error"]
        assert (response.status, error["code"]) == (422, "zone_check_failed")
        assert "SIGKILL" in error["message"]


def test_a_client_that_disconnects_ends_its_zone_check(own_service: Service) -> None:
    for _ in range(2):
        connections = [send_zone(own_service) for _ in range(2)]
        status, document = own_service.call("POST", "/api/v1/zone-checks", {"domain": "example.org", "zone": GOOD})
        assert (status, document["error"]["code"]) == (503, "too_many_zone_checks")
        for connection in connections:
            connection.close()
        wait_for(lambda: not zone_processes(own_service), timeout_s=20, what="end of the processes")
    assert own_service.post("/zone-checks", {"domain": "example.org", "zone": GOOD})["loadable"]


def rpc(service: Service, method: str, **params: Any) -> Any:
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
    request = urllib.request.Request(f"{service.url}/zonemaster/api", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)["result"]


def test_progress_never_falls_when_the_worker_is_killed(own_service: Service) -> None:
    test_id = rpc(own_service, "start_domain_test", domain="silent.xa")  # waits for a server that does not respond
    seen: list[int] = []

    def progress(least: int) -> bool:
        seen.append(rpc(own_service, "test_progress", test_id=test_id))
        return seen[-1] >= least

    wait_for(lambda: progress(2), what="a test in progress")
    assert seen[-1] < 100
    os.kill(own_service.pids("worker-1")[-1], signal.SIGKILL)
    wait_for(lambda: progress(100), timeout_s=200, what="end of the test")
    assert len(rpc(own_service, "get_test_results", id=test_id, language="en")["results"]) > 20
    assert seen == sorted(seen)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with tests of many domains and two batches."""
    content = Backend()
    numbers = [content.add_batch("anna", "2025-11-01 09:59:00"), content.add_batch("bo", "2025-11-01 09:59:00"), None]
    results = list(recorded().items())
    for number in range(TESTS):
        domain, entries = results[number % len(results)]
        content.add(f"n{number % 1000}.{domain}", entries[:20], batch_id=numbers[number % 3])
    path = tmp_path_factory.mktemp("zonemaster") / "zonemaster.sqlite"
    content.write_sqlite(path)
    return path


class ImportTarget:
    """A database of gonemaster, and imports into it as an operator starts them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        assert self.command(["db", "upgrade"]).wait(60) == 0

    def command(self, words: list[str]) -> subprocess.Popen[bytes]:
        environ = {**os.environ, "GONEMASTER_DATA_DIR": str(self.folder)}
        command = [sys.executable, "-m", "gonemaster_api.server", *words]
        return subprocess.Popen(command, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def start(self, source: Path) -> subprocess.Popen[bytes]:
        return self.command(["import", "zonemaster", str(source)])

    def rows(self, query: str) -> list[Any]:
        (path,) = self.folder.glob("*.db")
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
            return database.execute(query).fetchall()

    def run_count(self) -> int:
        with suppress(sqlite3.OperationalError):  # the database is being created
            return int(self.rows("SELECT count(*) FROM runs")[0][0])
        return 0

    def has_more_than(self, runs: int) -> bool:
        return self.run_count() > runs

    def content(self) -> list[Any]:
        """Return what an import writes, without numbers that depend on the order."""
        of_runs = (
            "SELECT r.id, r.public_id, d.name, r.batch_key, r.score, r.grade, r.entry_count, r.findings_hash,"
            " length(t.document) FROM runs r JOIN domains d ON d.id = r.domain_id"
            " LEFT JOIN run_documents t ON t.run_key = r.key ORDER BY r.id"
        )
        queries = (
            of_runs,
            "SELECT name, run_count, latest_run_id, latest_score FROM domains ORDER BY name",
            "SELECT batch_key, status, level, grade, sum(runs) FROM run_counters GROUP BY 1, 2, 3, 4",
            "SELECT id, domain_count FROM batches ORDER BY id",
        )
        return [sorted(self.rows(query), key=str) for query in queries]


def test_an_import_that_is_killed_continues(source: Path, tmp_path: Path) -> None:
    killed, whole = ImportTarget(tmp_path / "killed"), ImportTarget(tmp_path / "whole")
    counts = []
    for _ in range(2):
        before = killed.run_count()
        process = killed.start(source)
        wait_for(partial(killed.has_more_than, before), what="some runs")
        process.kill()
        assert process.wait(60) == -signal.SIGKILL
        wait_for(lambda: not processes_of(killed.folder), timeout_s=20, what="end of its processes")
        counts.append(killed.run_count())
    assert 0 < counts[0] < counts[-1] < TESTS, "killed in the middle"
    assert killed.start(source).wait(200) == 0
    assert whole.start(source).wait(200) == 0
    assert whole.run_count() == TESTS
    assert killed.content() == whole.content()
