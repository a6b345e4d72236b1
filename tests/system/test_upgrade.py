"""A sweep continues while the database is migrated and the processes of a release are replaced by those of the next."""

import http.client
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import pytest

from gonemaster_db.core.settings import Driver
from gonemaster_db.migrations.runner import check_schema, current_revision
from gonemaster_tasks.broker.client import Broker
from tests.support.faults import SLOTS, Load
from tests.support.next_release import following, make_next_release
from tests.support.stores import DRIVERS, MakeSettings
from tests.support.workers import ROOT, Farm, open_farm, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
_JOBS = 100
_BUSY = "overloaded"
PAUSE_S = 0.1  # between two requests of the client


@dataclass
class Client:
    """A client that keeps submitting and reading during the upgrade; each request has a separate connection."""

    port: int
    job_ids: list[str] = field(default_factory=list)
    answers: list[tuple[str, str]] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)

    def work(self) -> None:
        """Send requests until stopped."""
        while not self._stop.wait(PAUSE_S):
            number = len(self.job_ids)
            self._ask("POST", "/api/v1/jobs", json.dumps({"domain": f"c{number}-50.test"}))
            self._ask("GET", "/api/v1/readyz")
            self._ask("GET", "/api/v1/queue")

    def _ask(self, method: str, path: str, body: str | None = None) -> None:
        """Repeat a request while the machine is too busy, which is independent of the release."""
        while self._asked(method, path, body) == _BUSY and not self._stop.wait(PAUSE_S):
            pass

    def _asked(self, method: str, path: str, body: str | None) -> str:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, path, body, {"Content-Type": "application/json"})
            response = connection.getresponse()
            text = response.read().decode()
            if response.status == 503 and f'"{_BUSY}"' in text:
                return _BUSY
            if response.status >= 400:
                self.refused.append(f"{method} {path}: {response.status} {text}")
            elif method == "POST":
                self.job_ids.append(json.loads(text)["id"])
        except (OSError, http.client.HTTPException) as error:
            self.refused.append(f"{method} {path}: {error!r}")
        finally:
            connection.close()
        return ""

    def stop(self) -> None:
        self._stop.set()


@contextmanager
def client_of(port: int) -> Iterator[Client]:
    client = Client(port)
    thread = threading.Thread(target=client.work)
    thread.start()
    try:
        yield client
    finally:
        client.stop()
        thread.join()


@pytest.mark.parametrize("driver", DRIVERS)
def test_no_job_is_lost_and_no_request_refused_while_a_release_is_replaced(
    driver: str, own_broker: Broker, make_store_settings: MakeSettings, tmp_path: Path
) -> None:
    settings = make_store_settings(cast("Driver", driver))
    environ = {"GONEMASTER_WORKER_COUNT": SLOTS, "GONEMASTER_LEASE_SECONDS": "30", "GONEMASTER_API_PROCESSES": "1"}
    later = make_next_release(tmp_path / "next")
    with (
        socket.create_server(("127.0.0.1", 0), backlog=128) as listener,
        open_farm(own_broker, settings, tmp_path, **environ) as farm,
    ):
        farm.start_beat()
        for name in ("one", "two"):
            farm.start_worker(name, ready=False)
        farm.start_api("api", listener.fileno())
        for name in ("one", "two"):
            farm.wait_ready(name)
        with client_of(listener.getsockname()[1]) as client:
            load = Load(farm)
            load.submit(_JOBS)
            load.wait_until_running(0.1)
            _migrate(farm, later)
            _replace(farm, later, listener.fileno())
            submitted = len(client.job_ids)
            wait_until(lambda: len(client.job_ids) > submitted + 5, what="jobs for the new API")
        load.job_ids += client.job_ids
        load.assert_each_ended_once()
        assert client.refused == []
        logs = "".join(path.read_text() for path in tmp_path.glob("*.log"))
        assert "Traceback" not in logs


def _migrate(farm: Farm, later: Path) -> None:
    """Migrate as the next release does; the processes of this release continue, and more of them may start."""
    farm.release = later
    assert "can keep running; replace them one by one afterwards" in farm.run_server("db", "plan")
    farm.run_server("db", "upgrade")
    farm.release = ROOT
    assert current_revision(farm.store) == following(2)
    check_schema(farm.store)
    assert "compatible with this release" in farm.run_server("db", "check")
    farm.start_worker("late", ready=False)


def _replace(farm: Farm, later: Path, descriptor: int) -> None:
    farm.release = later
    farm.start_worker("next-one", ready=False)
    farm.start_worker("next-two", ready=False)
    farm.start_api("next-api", descriptor)
    assert farm.stop("api") == 0
    assert farm.stop("beat") == 0
    farm.start_beat("next-beat")
    farm.wait_ready("next-one")
    assert farm.stop("one") == 0
    farm.wait_ready("next-two")
    assert farm.stop("two") == 0
    farm.wait_ready("late")
    assert farm.stop("late") == 0
