"""`--insecure-open` logs a warning at each start, and foreign host names are still rejected."""

import http.client
from contextlib import closing
from pathlib import Path

import pytest

from gonemaster_db.core.settings import StoreSettings
from gonemaster_tasks.broker.embedded import EmbeddedRedis
from tests.hostile._http import port_of
from tests.support.service import START_S, Service
from tests.support.stores import MakeSettings

TOKEN = f"ops=sha256:{'0f' * 32}"


@pytest.fixture
def store_settings(make_store_settings: MakeSettings) -> StoreSettings:
    """One database kind is enough: the queries do not differ here."""
    return make_store_settings("sqlite")


@pytest.mark.thorough
def test_insecure_open_warns_at_each_start(
    tmp_path: Path, redis_server: EmbeddedRedis, store_settings: StoreSettings
) -> None:
    flags = {"db_driver": store_settings.driver, "db_dsn": store_settings.dsn, "broker_url": redis_server.url}
    open_to_all = {"listen": "0.0.0.0:0", "environ": {"GONEMASTER_INSECURE_OPEN": "true"}}
    with Service("api", worker_processes=None, **open_to_all, **flags) as service:  # type: ignore[arg-type]
        service.wait_for_log("event='serving'", timeout_s=START_S)
        assert "INSECURE: no login is required" in service.log
        port = port_of(service)
        assert {host: status_for(port, host) for host in ("127.0.0.1", f"localhost:{port}", "evil.example")} == {
            "127.0.0.1": 200,
            f"localhost:{port}": 200,
            "evil.example": 421,
        }


def status_for(port: int, host: str) -> int:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
        connection.request("GET", "/api/v1/healthz", headers={"Host": host})
        return connection.getresponse().status
