"""The workflows: valid, with few permissions, and without commands of the repository that no test runs."""

from __future__ import annotations

import re
import shutil
import subprocess
from typing import Any

import pytest
import yaml

from tests.deploy.files import module, setup_value
from tests.support.sources import ROOT

FILES = sorted((ROOT / ".github/workflows").glob("*.yml"))
WORKFLOWS: dict[str, dict[Any, Any]] = {path.stem: yaml.safe_load(path.read_text()) for path in FILES}
STEPS = [
    (f"{name}.{job}", step)
    for name, workflow in WORKFLOWS.items()
    for job, fields in workflow["jobs"].items()
    for step in fields["steps"]
]
# What cannot run here: services of other companies, and programs that only these workflows have.
ELSEWHERE = re.compile(r"cosign |gh release |helm package |echo \"version=|mkdir packages|git diff --exit-code")
TARGETS = set(re.findall(r"^([a-z0-9-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE))


def test_there_are_three_workflows() -> None:
    assert set(WORKFLOWS) == {"ci", "nightly", "release"}


def test_workflows_start_with_permission_to_read_only() -> None:
    assert [name for name, workflow in WORKFLOWS.items() if workflow["permissions"] != {"contents": "read"}] == []


@pytest.mark.parametrize(("place", "step"), STEPS, ids=[f"{place}-{number}" for number, (place, _) in enumerate(STEPS)])
def test_each_command_exists_or_is_known_to_run_elsewhere(place: str, step: dict[str, str]) -> None:
    if "uses" in step:
        assert re.fullmatch(r"[\w-]+/[\w-]+@(v\d+(\.\d+)*|release/v\d+)", step["uses"])
        return
    command = step["run"]
    target = re.match(r"make ([a-z0-9-]+)", command)
    script = re.search(r"(\.ci/[\w.-]+)", command)
    if target:
        assert target[1] in TARGETS, place
    elif script:
        assert (ROOT / script[1]).exists(), place
    else:
        assert ELSEWHERE.match(command), f"{place}: {command}"


def test_each_supported_python_is_tested() -> None:
    low, high = re.findall(r"3\.(\d+)", setup_value("options", "python_requires"))
    tested = WORKFLOWS["ci"]["jobs"]["test"]["strategy"]["matrix"]["python"]
    assert tested == [f"3.{minor}" for minor in range(int(low), int(high))]


def test_notes_are_the_section_of_the_version() -> None:
    notes = module(".ci/release.py").notes_of
    text = "# Changelog\n\n## [Unreleased]\n\n- c\n\n## [0.2.0] - 2027-01-01\n\n- b\n\n## [0.1.0] - 2026-12-01\n\n- a\n"
    assert (notes(text, "0.2.0"), notes(text, "0.1.0"), notes(text, "0.3.0")) == ("- b", "- a", "")


@pytest.mark.skipif(not shutil.which("actionlint"), reason="actionlint is not installed")
def test_actionlint_finds_nothing() -> None:
    done = subprocess.run(["actionlint", *map(str, FILES)], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
