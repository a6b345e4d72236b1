"""The Helm chart: rules that no schema of Kubernetes checks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from gonemaster_api.server.supervisor import programs
from gonemaster_engine.version import __version__
from gonemaster_tasks import queues
from gonemaster_tasks.config.settings import Settings
from tests.deploy.files import DEPLOY, SETTINGS, module, rendered

pytestmark = pytest.mark.xdist_group("chart")  # rendered once

CHART = DEPLOY / "helm" / "gonemaster"
VALUES = sorted(module("deploy/check.py").VALUES)


def pods(values: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for thing in rendered(values):
        if thing["kind"] in {"Deployment", "Job"}:
            yield thing["metadata"]["name"], thing["spec"]["template"]["spec"]


def objects(values: str, kind: str) -> list[dict[str, Any]]:
    return [thing for thing in rendered(values) if thing["kind"] == kind]


def test_the_chart_is_of_this_release() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text(encoding="utf-8"))
    assert chart["appVersion"] == __version__


@pytest.mark.parametrize("values", VALUES)
def test_a_pod_has_no_more_rights_than_it_needs(values: str) -> None:
    for name, pod in pods(values):
        assert pod["securityContext"]["runAsNonRoot"], name
        assert pod["automountServiceAccountToken"] is False
        for container in pod["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            assert container["resources"]["limits"]["memory"]


@pytest.mark.parametrize("values", VALUES)
def test_settings_of_a_pod_exist_and_secrets_are_a_file(values: str) -> None:
    for name, pod in pods(values):
        for container in pod["containers"]:
            options = {entry["name"] for entry in container["env"]}
            assert options <= SETTINGS, name
            assert not options & {"GONEMASTER_DB_DSN", "GONEMASTER_BROKER_URL", "GONEMASTER_ADMIN_TOKEN_HASHES"}


@pytest.mark.parametrize("values", VALUES)
def test_workers_consume_every_queue(values: str) -> None:
    """Jobs of a queue that no worker consumes never start: checks before delegation would all be undecided."""
    env = {name: pod["containers"][0]["env"] for name, pod in pods(values) if "worker" in name}
    consumed = {
        name: {queue for entry in entries if entry["name"].endswith("QUEUES") for queue in entry["value"].split(",")}
        for name, entries in env.items()
    }
    assert consumed["check-worker"] == set(queues.ORDER)
    assert consumed.get("check-normal-worker", {queues.NORMAL, queues.CHECK}) == {queues.NORMAL, queues.CHECK}


def test_the_schema_of_the_chart_knows_every_queue() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))
    assert set(schema["properties"]["worker"]["properties"]["queues"]["items"]["enum"]) == set(queues.ORDER)


def test_a_stopping_worker_has_time_for_its_jobs() -> None:
    for name, pod in pods("everything"):
        if "worker" in name:
            env = {entry["name"]: entry["value"] for entry in pod["containers"][0]["env"]}
            drain = int(env["GONEMASTER_DRAIN_TIMEOUT"].removesuffix("s"))
            assert pod["terminationGracePeriodSeconds"] >= drain + programs._MARGIN_S + 10


def test_the_number_of_scaled_workers_is_left_to_the_scaler() -> None:
    (scaled,) = objects("everything", "ScaledObject")
    deployments = {thing["metadata"]["name"]: thing["spec"] for thing in objects("everything", "Deployment")}
    assert "replicas" not in deployments[scaled["spec"]["scaleTargetRef"]["name"]]
    assert deployments["check-normal-worker"]["replicas"] == 1


def test_the_scaler_reads_the_depth_of_the_queue() -> None:
    (scaled,) = objects("everything", "ScaledObject")
    (trigger,) = scaled["spec"]["triggers"]
    (service,) = [thing for thing in objects("everything", "Service") if thing["metadata"]["name"].endswith("-api")]
    assert trigger["type"] == "metrics-api"
    url = trigger["metadata"]["url"]
    assert url.startswith(
        f"http://{service['metadata']['name']}.dns.svc.cluster.local:{service['spec']['ports'][0]['port']}/"
    )
    (authentication,) = objects("everything", "TriggerAuthentication")
    assert trigger["authenticationRef"]["name"] == authentication["metadata"]["name"]


def test_the_scaler_may_read_the_lists_of_redis_instead() -> None:
    (scaled,) = objects("redis", "ScaledObject")
    lists = [trigger["metadata"]["listName"] for trigger in scaled["spec"]["triggers"]]
    assert lists == [queues.NORMAL, queues.BATCH, queues.CHECK]
    assert {trigger["type"] for trigger in scaled["spec"]["triggers"]} == {"redis"}


def test_the_api_is_reached_by_the_names_of_its_service() -> None:
    (api,) = [pod for name, pod in pods("default") if name.endswith("-api")]
    env = {entry["name"]: entry["value"] for entry in api["containers"][0]["env"]}
    assert "check-api.dns.svc.cluster.local" in env["GONEMASTER_ALLOWED_HOSTS"].split(",")


@pytest.mark.parametrize("values", VALUES)
def test_a_new_api_pod_is_ready_before_the_old_one_ends(values: str) -> None:
    """The old pod serves until the service has removed its address, and then finishes its requests."""
    (api,) = [thing["spec"] for thing in objects(values, "Deployment") if thing["metadata"]["name"].endswith("-api")]
    assert api["strategy"]["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}
    pod = api["template"]["spec"]
    (container,) = pod["containers"]
    assert container["readinessProbe"]["httpGet"]["path"] == "/api/v1/readyz"
    program, waits_s = container["lifecycle"]["preStop"]["exec"]["command"]
    assert program == "sleep"
    assert pod["terminationGracePeriodSeconds"] >= int(waits_s) + Settings().shutdown_timeout.total_seconds() + 10
