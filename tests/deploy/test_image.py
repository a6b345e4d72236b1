"""The Dockerfile: the files that it copies exist, and other files describe the image correctly."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.deploy.files import DEPLOY, compose, rendered, setup_value
from tests.support.sources import ROOT, SERVICE

pytestmark = pytest.mark.xdist_group("chart")  # rendered once

DOCKERFILE = (DEPLOY / "image" / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
IGNORE = (ROOT / ".dockerignore").read_text(encoding="utf-8").split("\n")


def copied() -> set[str]:
    """Return the paths that the Dockerfile copies from the clone; copies from another stage do not count."""
    lines = re.findall(r"^COPY (?!--from)(.*)$", DOCKERFILE, re.MULTILINE)
    return {source for line in lines for source in line.split()[:-1]}


def test_what_is_copied_exists_and_is_not_ignored() -> None:
    assert copied() >= set(SERVICE)
    assert {source for source in copied() if not (ROOT / source).exists()} == set()
    assert {line[1:] for line in IGNORE if line.startswith("!")} == copied()
    assert "*" in IGNORE  # the image contains nothing else: no data, no secrets, no .git


def test_the_package_needs_nothing_that_is_not_copied() -> None:
    needed = {
        setup_value("metadata", "license_files"),
        setup_value("metadata", "long_description").removeprefix("file: "),
    }
    assert needed <= copied()


def test_the_last_stage_is_of_another_user_and_has_no_tools() -> None:
    last = DOCKERFILE[DOCKERFILE.rindex("\nFROM ") :]
    assert re.findall(r"^USER (.*)$", last, re.MULTILINE) == ["10001:10001"]
    assert "pip" not in last
    assert "COPY --from=build /opt/gonemaster /opt/gonemaster" in last


def _health_checks() -> list[str]:
    containers = [service for service in compose()["services"].values() if "build" in service]
    checks = [" ".join(service["healthcheck"]["test"]) for service in containers if "test" in service["healthcheck"]]
    probes: list[dict[str, Any]] = [
        container["readinessProbe"]
        for thing in rendered("everything")
        if thing["kind"] == "Deployment"
        for container in thing["spec"]["template"]["spec"]["containers"]
    ]
    return [*checks, *(" ".join(probe["exec"]["command"]) for probe in probes if "exec" in probe)]


def test_health_checks_name_the_script_of_the_image() -> None:
    place = re.findall(r"^COPY deploy/image/healthcheck\.py (\S+)$", DOCKERFILE, re.MULTILINE)
    assert _health_checks()
    for check in _health_checks():
        assert re.fullmatch(rf"(CMD )?python {place[0]} (api|worker|beat)", check)


@pytest.mark.parametrize("values", ["default", "everything"])
def test_the_chart_runs_it_as_its_user(values: str) -> None:
    for thing in rendered(values):
        if thing["kind"] == "Deployment":
            context = thing["spec"]["template"]["spec"]["securityContext"]
            assert (context["runAsUser"], context["runAsGroup"]) == (10001, 10001)
