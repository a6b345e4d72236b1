"""Alert rules and dashboard use families and labels that the metrics have; promtool accepts both."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families

from gonemaster_api.web.exporter import http_metrics
from gonemaster_db.models import RunStatus
from gonemaster_tasks.control.parts import QueueParts
from tests.support.rows import make_run, record
from tests.support.sources import ROOT

RULES = ROOT / "deploy/prometheus/rules/gonemaster.yml"
TESTS = ROOT / "deploy/prometheus/tests/gonemaster.yml"
DASHBOARD = ROOT / "deploy/grafana/gonemaster.json"
OF_PROMETHEUS = {"le", "instance", "job"}
SELECTOR = re.compile(r"(gonemaster_\w+)(?:\{([^}]*)\})?")
GROUPING = re.compile(r"\b(?:by|without)\s*\(([^)]*)\)")


# The contract gives a gauge this name, which is usual for the number of observations of a histogram.
NAMED_BY_CONTRACT = 'gonemaster_worker_count non-histogram and non-summary metrics should not have "_count" suffix\n'
LINTS = 3  # exit status of promtool when it could read everything


def promtool(*arguments: str, text: str | None = None, status: int = 0) -> str:
    program = shutil.which("promtool")
    if program is None:
        pytest.skip("NOT RUN: no promtool on this machine: .ci/apt-tools installs the package prometheus, which has it")
    command = [program, *arguments]
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture
def exposed(client: FlaskClient, queue: QueueParts) -> str:
    """The metrics text of a service; each family of metrics has a series."""
    run = make_run(queue.store, outcome=record("ERROR", status=RunStatus.FAILED))
    client.get("/api/v1/runs/job_none")
    client.get(f"/api/v1/runs/{run.id}/result")
    http_metrics(client.application).tool_calls.labels("ok", "ping").inc()
    client.get("/api/v1/metrics")
    return client.get("/api/v1/metrics?format=prom").text


def labels_by_sample(text: str) -> dict[str, set[str]]:
    return {
        sample.name: set(sample.labels) for family in text_string_to_metric_families(text) for sample in family.samples
    }


def expressions() -> Iterator[tuple[str, str]]:
    """Return each expression of rules and dashboard with the name of its location."""
    for group in yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]:
        for rule in group["rules"]:
            yield rule["alert"], rule["expr"]
    for panel in json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]:
        for target in panel.get("targets", ()):
            yield panel["title"], target["expr"]


def test_rules_and_dashboard_use_what_there_is(exposed: str) -> None:
    known = labels_by_sample(exposed)
    checked = 0
    for where, expression in expressions():
        used: set[str] = set()
        for name, selector in SELECTOR.findall(expression):
            assert name in known, f"{where}: no family gives {name}"
            labels = set(re.findall(r"(\w+)\s*[=!]~?\s*\"", selector))
            assert labels <= known[name] | OF_PROMETHEUS, f"{where}: {name} has no {labels - known[name]}"
            used |= known[name]
            checked += 1
        for grouping in GROUPING.findall(expression):
            names = set(re.findall(r"\w+", grouping))
            assert names <= used | OF_PROMETHEUS, f"{where}: {names - used} are no labels of {expression}"
    assert checked > 30


def test_kinds_and_outcomes_that_rules_name_exist(exposed: str) -> None:
    values: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(exposed):
        for sample in family.samples:
            for label, value in sample.labels.items():
                values.setdefault(label, set()).add(value)
    for where, expression in expressions():
        for label, text in re.findall(r"\b(kind|outcome|tier|status_class|result)\s*[=!]~?\s*\"([^\"]*)\"", expression):
            assert set(text.split("|")) <= values[label], (
                f"{where}: {label} has no {set(text.split('|')) - values[label]}"
            )


def test_each_alert_is_tested_and_says_what_to_do() -> None:
    rules = [rule for group in yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"] for rule in group["rules"]]
    tested = yaml.safe_load(TESTS.read_text(encoding="utf-8"))["tests"]
    fired = {case["alertname"] for test in tested for case in test["alert_rule_test"] if case.get("exp_alerts")}
    assert {rule["alert"] for rule in rules} == fired
    page = (ROOT / "docs/howto/metrics.md").read_text(encoding="utf-8")
    for rule in rules:
        assert rule["labels"]["severity"] in {"critical", "warning"}
        assert rule["annotations"]["summary"]
        assert rule["annotations"]["description"]
        assert f"`{rule['alert']}`" in page


def test_promtool_accepts_the_metrics(exposed: str) -> None:
    assert promtool("check", "metrics", text=exposed, status=LINTS) == NAMED_BY_CONTRACT


def test_promtool_accepts_the_rules_and_their_tests_succeed(tmp_path: Path) -> None:
    assert "SUCCESS" in promtool("check", "rules", str(RULES))
    assert "SUCCESS" in promtool("test", "rules", str(TESTS))


def test_the_dashboard_can_be_provisioned() -> None:
    dashboard = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    panels = dashboard["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    assert dashboard["uid"]
    assert all(panel["type"] == "row" or panel["targets"] for panel in panels)
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in panels]
    assert len(set(places)) == len(places)
    assert all(place["x"] + place["w"] <= 24 for place in (panel["gridPos"] for panel in panels))
