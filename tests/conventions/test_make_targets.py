"""`make help` lists each target, and the contributing page the targets of daily work."""

from __future__ import annotations

import re
import subprocess

from tests.support.sources import ROOT

MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
DAILY = {"test", "test-long", "test-all", "test-lowest", "test-compiled", "coverage", "lint", "format"}


def phony() -> set[str]:
    found = re.search(r"^\.PHONY: (.*)$", MAKEFILE, re.MULTILINE)
    assert found
    return set(found[1].split())


def test_each_target_is_in_the_help() -> None:
    done = subprocess.run(["make", "-s", "help"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert set(re.findall(r"make ([a-z0-9-]+) +\S", done.stdout)) == phony()


def test_each_target_is_phony() -> None:
    assert set(re.findall(r"^([a-z][a-z0-9-]*):", MAKEFILE, re.MULTILINE)) == phony()


def test_contributing_names_the_targets_of_daily_work() -> None:
    page = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert {target for target in DAILY if f"make {target} " not in page} == set()


def test_ci_runs_what_may_not_fail() -> None:
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    calls = re.findall(r"^make (.+)$", script, re.MULTILINE)
    targets = [word for call in calls for word in call.split() if word in phony()]
    assert targets == ["setup", "deploy-check", "lint", "site", "test", "test-long", "test-lowest", "test-compiled"]
    nightly = (ROOT / ".ci" / "nightly").read_text(encoding="utf-8")
    targets = ["setup", "lab", "coverage", "test-long", "test-newest", "audit", "memory"]
    assert re.findall(r"^run \S+ make (\S+)", nightly, re.MULTILINE) == targets
