"""A real server configured by the files in deploy/: settings and tokens of prepare.py, health checks, metrics."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from gonemaster_tasks.config.loader import load_settings
from tests.deploy.files import COMPOSE, DEPLOY, compose, module, rendered
from tests.deploy.test_howto import commands
from tests.support.service import Service
from tests.support.sources import ROOT

pytestmark = [pytest.mark.xdist_group("prepared_service"), pytest.mark.thorough]  # one server

ELSEWHERE: dict[str, Any] = {
    "broker_url": "",
    "db_driver": "sqlite",
    "db_dsn": "",
}  # as flags: the servers of the compose file do not exist here


@dataclass(frozen=True)
class Prepared:
    service: Service
    admin: str
    monitor: str
    settings: Path

    def call(self, method: str, path: str, token: str = "", body: Any = None) -> tuple[int, Any]:
        return self.service.call(method, path, body, **({"Authorization": f"Bearer {token}"} if token else {}))


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prepared]:
    """The API listens on all addresses, as in its container, which is allowed because tokens exist."""
    folder = tmp_path_factory.mktemp("compose")
    admin = module("deploy/compose/prepare.py").prepare(folder, host="dns.example", bind="127.0.0.1")
    settings = folder / "secrets" / "gonemaster.json"
    port = _free_port()
    values = {
        **{name: value for name, value in environment("api").items() if name.startswith("GONEMASTER_")},
        "GONEMASTER_CONFIG": str(settings),
        "GONEMASTER_LISTEN": f"0.0.0.0:{port}",
        "GONEMASTER_LOG_FORMAT": "text",
    }
    with Service(environ=values, listen=None, **ELSEWHERE) as service:
        service.wait_until_ready()
        yield Prepared(service, admin, (folder / "secrets" / "metrics_token").read_text(), settings)


def _free_port() -> int:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return int(unused.getsockname()[1])


def environment(name: str) -> dict[str, str]:
    """Return the variables of a service of compose.yaml, with the host filled in."""
    values: dict[str, str] = compose()["services"][name]["environment"]
    return {key: re.sub(r"\$\{GONEMASTER_HOST[^}]*\}", "dns.example", value) for key, value in values.items()}


@pytest.mark.parametrize("name", ["migrate", "api", "worker-1", "worker-2", "beat", "flower"])
def test_the_settings_of_each_container_are_valid(name: str, prepared: Prepared) -> None:
    values = {**environment(name), "GONEMASTER_CONFIG": str(prepared.settings)}
    settings = load_settings({}, values)
    assert settings.db_driver == "postgres"
    assert [token.label for token in settings.admin_tokens] == ["admin", "prometheus"]


def test_requests_without_a_token_are_refused(prepared: Prepared) -> None:
    assert prepared.call("GET", "/api/v1/jobs")[0] == 401
    assert prepared.call("GET", "/api/v1/jobs", "gm_" + "x" * 43)[0] == 401
    assert prepared.call("GET", "/api/v1/healthz")[0] == 200


def test_the_admin_token_may_everything_and_that_of_prometheus_may_read(prepared: Prepared) -> None:
    assert prepared.call("POST", "/api/v1/queue/pause", prepared.admin, {})[0] == 200
    assert prepared.call("POST", "/api/v1/queue/resume", prepared.admin, {})[0] == 200
    assert prepared.call("POST", "/api/v1/jobs", prepared.monitor, {"domain": "example.org"})[0] == 403


def test_prometheus_reads_what_its_configuration_asks_for(prepared: Prepared) -> None:
    config = yaml.safe_load((COMPOSE / "prometheus.yml").read_text(encoding="utf-8"))
    (job,) = [job for job in config["scrape_configs"] if job["job_name"] == "gonemaster"]
    assert job["params"] == {"format": ["prom"]}
    assert job["static_configs"] == [{"targets": ["api:8080"]}]
    assert "api" in environment("api")["GONEMASTER_ALLOWED_HOSTS"].split(",")
    assert job["authorization"]["credentials_file"] == "/run/secrets/metrics_token"
    text = fetch(f"{prepared.service.url}{job['metrics_path']}?format=prom", prepared.monitor, host="api:8080")
    assert re.search(r"^gonemaster_\w+ ", text, re.MULTILINE)


def test_the_scaler_finds_the_depth_of_the_queue(prepared: Prepared) -> None:
    (scaled,) = [thing for thing in rendered("everything") if thing["kind"] == "ScaledObject"]
    metadata = scaled["spec"]["triggers"][0]["metadata"]
    path = metadata["url"].partition("/api/v1")[2]
    status, found = prepared.call("GET", f"/api/v1{path}", prepared.monitor)
    assert status == 200
    for part in metadata["valueLocation"].split("."):
        found = found[part]
    assert found == 0


def fetch(url: str, token: str, *, host: str) -> str:
    command = [
        "curl",
        "--silent",
        "--fail",
        "--header",
        f"Authorization: Bearer {token}",
        "--header",
        f"Host: {host}",
        url,
    ]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout


@pytest.mark.parametrize("command", [line for line in commands("autoscaling") if line.startswith("curl ")])
def test_the_command_that_reads_the_depth(command: str, prepared: Prepared) -> None:
    line = command.replace("http://127.0.0.1:8080", prepared.service.url.replace("0.0.0.0", "127.0.0.1"))
    done = subprocess.run(
        ["bash", "-euc", line],
        env={**os.environ, "GONEMASTER_TOKEN": prepared.monitor},
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["health"]["queue_depth"] == 0


def health(prepared: Prepared, name: str, **changed: str) -> subprocess.CompletedProcess[str]:
    """Run the health check of a container as its engine does: with the variables of the server."""
    # In the server, flags take precedence over the file; here, variables do.
    flags = {"GONEMASTER_BROKER_URL": "", "GONEMASTER_DB_DRIVER": "sqlite", "GONEMASTER_DB_DSN": ""}
    command = [sys.executable, str(DEPLOY / "image" / "healthcheck.py"), name]
    environ = {**prepared.service.environ, **flags, "PYTHONPATH": str(ROOT), **changed}
    return subprocess.run(command, env=environ, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize("name", ["api", "worker", "beat"])
def test_the_health_check_of_a_part_that_works(name: str, prepared: Prepared) -> None:
    done = health(prepared, name)
    assert (done.returncode, done.stdout) == (0, f"{name}: healthy\n"), done.stderr


@pytest.mark.parametrize("name", ["api", "worker", "beat"])
def test_the_health_check_of_a_part_that_does_not(name: str, prepared: Prepared, tmp_path: Path) -> None:
    """There is no listener and no broker: the output is one line without a traceback."""
    away = {"GONEMASTER_LISTEN": "0.0.0.0:9", "GONEMASTER_BROKER_URL": "redis://127.0.0.1:9/0"}
    done = health(prepared, name, **away)
    assert done.returncode == 1
    assert done.stderr.startswith(f"healthcheck: {name}: ")
    assert len(done.stderr.splitlines()) == 1


def test_an_unknown_health_check_is_refused(prepared: Prepared) -> None:
    assert health(prepared, "database").returncode == 2
