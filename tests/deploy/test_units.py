"""The systemd units: timeouts, order, secrets, and settings that exist."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from gonemaster_api.server.supervisor import programs
from gonemaster_tasks.config.settings import OPTIONS
from tests.deploy.files import SETTINGS, UNITS, Unit, seconds, services

SERVERS = {"postgresql.service", "redis-server.service", "valkey-server.service", "network-online.target"}


def default_s(name: str) -> float:
    value = next(option.default for option in OPTIONS if option.name == name)
    return value.total_seconds() if isinstance(value, timedelta) else float(value)


@pytest.mark.parametrize("unit", services(), ids=str)
def test_a_service_runs_a_command_that_exists(unit: Unit) -> None:
    found = re.fullmatch(
        r"/opt/gonemaster/bin/gonemaster-server ([a-z ]+?)( --worker-processes 1)?", unit.single("ExecStart")
    )
    assert found
    assert found[1] in {"api", "worker", "beat", "flower", "db upgrade"}


@pytest.mark.parametrize("unit", services(), ids=str)
def test_settings_of_a_service_exist_and_secrets_are_credentials(unit: Unit) -> None:
    values = dict(line.split("=", 1) for line in unit.all("Environment"))
    assert set(values) <= SETTINGS
    assert not {name for name in values if re.search("DSN|TOKEN|BROKER|AUTH|SMTP", name)}
    assert unit.single("LoadCredential") == "gonemaster.json:/etc/gonemaster/gonemaster.json"
    assert values["GONEMASTER_CONFIG"] == "%d/gonemaster.json"
    assert unit.all("EnvironmentFile") == []


@pytest.mark.parametrize("unit", services(), ids=str)
def test_a_service_starts_after_the_servers_and_tries_again(unit: Unit) -> None:
    assert set(unit.single("After").split()) >= SERVERS
    assert unit.single("Wants") == "network-online.target"
    if unit.name != "gonemaster-migrate.service":
        # An unmigrated database ends the start with status 2; no unit may give up permanently.
        assert (unit.single("Restart"), unit.single("StartLimitIntervalSec")) == ("always", "0")
        assert unit.single("PartOf") == unit.single("WantedBy") == "gonemaster.target"


def test_a_stop_takes_as_long_as_the_service_may_need() -> None:
    margin = programs._MARGIN_S
    needed = {
        "gonemaster-worker@.service": default_s("drain_timeout") + margin,
        "gonemaster-api.service": default_s("shutdown_timeout") + margin,
        "gonemaster-beat.service": margin,
    }
    for name, least in needed.items():
        unit = Unit(UNITS / name)
        assert seconds(unit.single("TimeoutStopSec")) >= least + 10, name
        assert unit.single("KillMode") == "mixed"  # the supervisor stops its children in order


def test_api_and_workers_may_open_many_files() -> None:
    for name in ("gonemaster-api.service", "gonemaster-worker@.service"):
        assert int(Unit(UNITS / name).single("LimitNOFILE")) >= 65536


def test_the_migration_starts_only_by_hand() -> None:
    unit = Unit(UNITS / "gonemaster-migrate.service")
    assert unit.all("WantedBy") == []
    assert "gonemaster-migrate" not in (UNITS / "gonemaster.target").read_text(encoding="utf-8")
    assert unit.single("Type") == "oneshot"
    assert unit.single("TimeoutStartSec") == "infinity"
