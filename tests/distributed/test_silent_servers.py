"""When a server is unavailable, the API soon reports it: responses of a real process, whose times are printed."""

import json
import logging
import os
import signal
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from gonemaster_db.core.settings import StoreSettings
from gonemaster_db.migrations.runner import upgrade
from gonemaster_tasks.broker.client import Broker
from gonemaster_tasks.broker.embedded import EmbeddedRedis
from tests.distributed.test_health import fill, small_disk
from tests.support.networks import hosts
from tests.support.postgres import USER, PostgresServer
from tests.support.workers import Farm, open_farm, wait_until

log = logging.getLogger(__name__)

HANGS_S = 15  # far above 2 s, and below the time of a request that waits for a silent server


def ask(farm: Farm, path: str, body: Any = None) -> tuple[int, Any]:
    """Return status and document; print the time."""
    start = time.monotonic()
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{farm.environ['URL']}{path}", data, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=HANGS_S) as answer:
            status, document = answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            status, document = error.code, json.load(error)
    log.info("%s: %d after %.2f s", path, status, time.monotonic() - start)
    return status, document


def _fate(farm: Farm, path: str) -> str:
    """Show the effect on a request without a time limit."""
    try:
        return "refused" if ask(farm, path)[0] == 503 else "answered"
    except TimeoutError:
        return "hangs"


def kinds(farm: Farm) -> set[str]:
    status, document = ask(farm, "/queue/health")
    assert status == 200
    return {issue["kind"] for issue in document["issues"]}


@contextmanager
def stopped(*pids: int) -> Iterator[None]:
    """Stop processes for a block, like a suspended machine."""
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


@contextmanager
def serving(broker: Broker, settings: StoreSettings, directory: Path) -> Iterator[Farm]:
    """An API process on this database, with a waiting job."""
    with open_farm(broker, settings, directory) as farm, socket.create_server(("127.0.0.1", 0)) as listener:
        upgrade(farm.store)
        farm.submit("waiting.test")
        farm.start_api("api", listener.fileno())
        farm.environ["URL"] = f"http://127.0.0.1:{listener.getsockname()[1]}/api/v1"
        wait_until(lambda: _is_ready(farm), within_s=180, what="the API is ready")
        yield farm


def _is_ready(farm: Farm) -> bool:
    try:
        return ask(farm, "/readyz")[0] == 200 and ask(farm, "/queue")[0] == 200
    except OSError:
        return False


@pytest.fixture
def postgres() -> Iterator[PostgresServer]:
    with PostgresServer() as server:
        yield server


@pytest.fixture
def own_broker(own_redis: EmbeddedRedis) -> Iterator[Broker]:
    with closing(Broker.open(own_redis.url)) as broker:
        yield broker


def test_a_stopped_postgresql_a_stopped_redis_and_both(
    postgres: PostgresServer, own_redis: EmbeddedRedis, own_broker: Broker, tmp_path: Path
) -> None:
    settings = StoreSettings(driver="postgres", dsn=postgres.url(postgres.create_database()))
    assert own_redis.process is not None
    redis_pid = own_redis.process.pid
    with serving(own_broker, settings, tmp_path) as farm:
        with stopped(*postgres.pids()):
            status, document = ask(farm, "/queue")
            assert (status, document["error"]["code"]) == (503, "store_unavailable")
            assert ask(farm, "/queue")[0] == 503
            status, document = ask(farm, "/readyz")
            assert (status, document["parts"]["database"]) == (503, "does not answer")
            assert "database_unavailable" in document["failing"]
            assert "database_unavailable" in kinds(farm)
            wait_until(lambda: "refused" in _fate(farm, "/jobs"), within_s=120, what="no request waits any more")
        wait_until(lambda: _is_ready(farm), within_s=120, what="the database is back")
        with stopped(redis_pid):
            status, document = ask(farm, "/queue")
            assert (status, document["workers"]) == (200, None)
            assert [job["domain"] for job in document["items"]] == ["waiting.test"]
            assert "broker_unavailable" in ask(farm, "/readyz")[1]["failing"]
            assert "broker_unavailable" in kinds(farm)
        wait_until(lambda: _is_ready(farm), within_s=120, what="Redis is back")
        with stopped(redis_pid, *postgres.pids()):
            assert ask(farm, "/queue")[0] == 503
            assert {"database_unavailable", "broker_unavailable"} <= kinds(farm)
            assert ask(farm, "/healthz")[0] == 200


@pytest.mark.root
@pytest.mark.slow
def test_a_database_behind_a_network_that_drops_packets(own_broker: Broker, tmp_path: Path) -> None:
    with hosts(1) as (host,), PostgresServer(on=host) as server:
        dsn = f"host={host.address} user={USER} dbname={server.create_database()}"
        with serving(own_broker, StoreSettings(driver="postgres", dsn=dsn), tmp_path) as farm:
            host.cut()
            for _ in range(8):  # with existing connections, and with connections that are being reopened
                assert ask(farm, "/queue")[0] == 503
                assert "database_unavailable" in kinds(farm)
            host.join()
            wait_until(lambda: _is_ready(farm), within_s=120, what="the database is back")


@pytest.mark.root
def test_a_full_disk_of_postgresql_refuses_submissions_and_readiness(own_broker: Broker, tmp_path: Path) -> None:
    with PostgresServer() as server, small_disk(64, server.owner) as disk:
        with server.cursor("postgres") as cursor:
            cursor.execute(f"CREATE TABLESPACE small LOCATION '{disk}'")
            cursor.execute("CREATE DATABASE service TABLESPACE small")
        with serving(own_broker, StoreSettings(driver="postgres", dsn=server.url("service")), tmp_path) as farm:
            filler = fill(disk)
            refused = wait_until(lambda: _refused_batch(farm), what="a submission that the disk refuses")
            assert refused["error"]["code"] == "store_unavailable"
            assert refused["error"]["details"] == {"issue": "disk_full"}
            status, document = ask(farm, "/readyz")
            assert (status, document["parts"]["database"]) == (503, "its disk is full")
            assert "disk_full" in document["failing"]
            filler.unlink()
            wait_until(lambda: _is_ready(farm), within_s=120, what="readiness after the disk has room")
            assert _refused_batch(farm) is None


def _refused_batch(farm: Farm) -> Any:
    """Submit a batch; return the document of a 503, None if it was accepted."""
    status, document = ask(farm, "/jobs/batch", {"domains": [f"n{number}.test" for number in range(2000)]})
    assert status in (202, 503)
    return document if status == 503 else None
