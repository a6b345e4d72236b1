"""compose.yaml and the files that prepare.py writes for it."""

from __future__ import annotations

import ipaddress
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from gonemaster_api.server.supervisor import programs
from tests.deploy.files import COMPOSE, SETTINGS, compose, seconds
from tests.deploy.test_units import default_s
from tests.support.sources import ROOT

SERVICES: dict[str, dict[str, Any]] = compose()["services"]
OURS = {"migrate", "api", "worker-1", "worker-2", "beat", "flower"}
OTHERS = {"redis", "postgres", "proxy", "prometheus", "grafana"}


def test_everything_that_the_service_needs_is_there() -> None:
    assert set(SERVICES) == OURS | OTHERS


@pytest.mark.parametrize("name", sorted(OURS | OTHERS))
def test_a_container_has_no_more_rights_than_it_needs(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service.get("cap_add", []) == (["NET_BIND_SERVICE"] if name == "proxy" else [])
    assert service["pids_limit"]
    assert name == "migrate" or service["mem_limit"]


@pytest.mark.parametrize("name", sorted(OURS | OTHERS))
def test_no_secret_is_in_the_file(name: str) -> None:
    settings = SERVICES[name].get("environment", {})
    assert {key for key in settings if key.startswith("GONEMASTER_")} <= SETTINGS | {"GONEMASTER_HOST"}
    secret = {key for key in settings if re.search("DSN|TOKEN|BROKER|BASIC_AUTH|PASSWORD", key)}
    assert {key for key in secret if not key.endswith("_FILE")} == set()


@pytest.mark.parametrize("name", sorted(OURS - {"migrate"}))
def test_a_part_waits_for_its_servers_and_the_migration(name: str) -> None:
    conditions = {other: how["condition"] for other, how in SERVICES[name]["depends_on"].items()}
    assert conditions == {
        "redis": "service_healthy",
        "postgres": "service_healthy",
        "migrate": "service_completed_successfully",
    }
    assert {"redis", "postgres"} <= {other for other in SERVICES if "healthcheck" in SERVICES[other]}


def test_a_stop_takes_as_long_as_a_part_may_need() -> None:
    for name, timeout in (("worker-1", "drain_timeout"), ("worker-2", "drain_timeout"), ("api", "shutdown_timeout")):
        assert seconds(SERVICES[name]["stop_grace_period"]) >= default_s(timeout) + programs._MARGIN_S + 10


def test_the_api_trusts_the_proxy_only() -> None:
    (trusted,) = SERVICES["api"]["environment"]["GONEMASTER_TRUSTED_PROXY_CIDRS"].split(",")
    assert trusted == SERVICES["proxy"]["networks"]["front"]["ipv4_address"] + "/32"
    (subnet,) = compose()["networks"]["front"]["ipam"]["config"]
    assert ipaddress.ip_network(trusted).subnet_of(ipaddress.ip_network(subnet["subnet"]))  # type: ignore[arg-type]


def test_only_the_proxy_is_reached_from_outside() -> None:
    ports = {port for name, service in SERVICES.items() if name != "proxy" for port in service.get("ports", [])}
    assert all(port.startswith("127.0.0.1:") for port in ports)
    assert compose()["networks"]["back"]["internal"]
    for name in ("redis", "postgres"):
        assert SERVICES[name]["networks"] == ["back"]


def test_mounted_files_and_secrets_exist(tmp_path: Path) -> None:
    prepare(tmp_path)
    for name, secret in compose()["secrets"].items():
        assert (tmp_path / secret["file"]).is_file(), name
    mounts = {str(mount).split(":")[0] for service in SERVICES.values() for mount in service.get("volumes", [])}
    folders = {mount for mount in mounts if mount.startswith(".")}
    assert {folder for folder in folders if not (COMPOSE / folder).exists()} == set()
    assert mounts - folders == set(compose()["volumes"])


def prepare(folder: Path, *arguments: str) -> str:
    command = [sys.executable, str(COMPOSE / "prepare.py"), "--directory", str(folder), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_prepare_writes_settings_that_fit_together(tmp_path: Path) -> None:
    output = prepare(tmp_path, "--host", "DNS.example", "--bind", "0.0.0.0")
    secrets = tmp_path / "secrets"
    assert secrets.stat().st_mode & 0o777 == 0o700
    settings = json.loads((secrets / "gonemaster.json").read_text())
    assert (secrets / "postgres_password").read_text() in settings["database"]["dsn"]
    broker_password = settings["broker_url"].split(":")[2].partition("@")[0]
    redis = (secrets / "redis.conf").read_text().splitlines()
    assert f"requirepass {broker_password}" in redis
    assert {"appendonly yes", "maxmemory-policy noeviction"} <= set(redis)
    assert (tmp_path / ".env").read_text() == "GONEMASTER_HOST=dns.example\nGONEMASTER_BIND=0.0.0.0\n"
    token = re.search(r"gm_[A-Za-z0-9_-]{43}$", output.strip())
    assert token
    assert token[0] not in (secrets / "gonemaster.json").read_text()


def test_prepare_keeps_what_exists(tmp_path: Path) -> None:
    prepare(tmp_path)
    before = {file.name: file.read_text() for file in (tmp_path / "secrets").iterdir()}
    assert "gm_" not in prepare(tmp_path)
    assert {file.name: file.read_text() for file in (tmp_path / "secrets").iterdir()} == before


def test_prepare_refuses_what_is_no_host_name(tmp_path: Path) -> None:
    with pytest.raises(subprocess.CalledProcessError) as refused:
        prepare(tmp_path, "--host", "a b;c")
    assert refused.value.returncode == 2
    assert list(tmp_path.iterdir()) == []


def test_prometheus_and_grafana_find_what_is_mounted() -> None:
    mounts = dict(
        str(mount).split(":")[:2] for name in ("prometheus", "grafana") for mount in SERVICES[name]["volumes"]
    )
    config = yaml.safe_load((COMPOSE / "prometheus.yml").read_text(encoding="utf-8"))
    for pattern in config["rule_files"]:
        folder = next(source for source, target in mounts.items() if pattern.startswith(f"{target}/"))
        assert list((COMPOSE / folder).glob(pattern.removeprefix(f"{mounts[folder]}/")))
    provider = COMPOSE / "grafana" / "provisioning" / "dashboards" / "gonemaster.yaml"
    (dashboards,) = yaml.safe_load(provider.read_text(encoding="utf-8"))["providers"]
    folder = next(source for source, target in mounts.items() if target == dashboards["options"]["path"])
    assert list((COMPOSE / folder).glob("*.json"))


def test_each_target_of_prometheus_is_a_container_in_its_network_and_listens_there() -> None:
    config = yaml.safe_load((COMPOSE / "prometheus.yml").read_text(encoding="utf-8"))
    targets = [
        target for job in config["scrape_configs"] for group in job["static_configs"] for target in group["targets"]
    ]
    ports = {
        "api": "GONEMASTER_LISTEN",
        "worker-1": "GONEMASTER_METRICS_LISTEN",
        "worker-2": "GONEMASTER_METRICS_LISTEN",
    }
    for name, variable in ports.items():
        port = SERVICES[name]["environment"][variable].rpartition(":")[2]
        assert f"{name}:{port}" in targets
        assert set(SERVICES[name]["networks"]) & set(SERVICES["prometheus"]["networks"])


def test_secrets_are_not_committed() -> None:
    listed = subprocess.run(["git", "ls-files", "deploy/compose"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert not [name for name in listed.stdout.split() if "secret" in name or name.endswith(".env")]
