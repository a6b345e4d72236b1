"""Each command of continuous integration and of the nightly job exists, with its options."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

from tests.support.sources import ROOT

SCRIPTS = [ROOT / ".ci" / "run", ROOT / ".ci" / "nightly", *sorted((ROOT / ".github").rglob("*.yml"))]
TEXT = "\n".join(path.read_text(encoding="utf-8") for path in SCRIPTS)
HELP = """
import runpy, sys
for module in sys.argv[1:]:
    print(end="\\f")
    sys.argv = [module, "--help"]
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except SystemExit as end:
        assert end.code in (0, None)
"""
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")


def test_each_target_and_variable_of_make_exists() -> None:
    calls = re.findall(r"\bmake ([a-z0-9-]+)((?: [A-Z_]+=\S+)*)", TEXT)
    assert {"lab", "test-long", "memory"} <= {target for target, _ in calls}
    missing = [target for target, _ in calls if not re.search(rf"^{target}:", MAKEFILE, re.MULTILINE)]
    variables = {name for _, given in calls for name in re.findall(r"([A-Z_]+)=", given)}
    assert missing + [name for name in variables if f"$({name})" not in MAKEFILE and f",{name}," not in MAKEFILE] == []


def test_each_script_can_be_run() -> None:
    scripts = {ROOT / found for found in re.findall(r"(?<![\w/])\.ci/[\w.-]+", TEXT)}
    assert {path.name for path in scripts} >= {"apt-tools", "nightly"}
    assert [path for path in scripts if not os.access(path, os.X_OK)] == []


@pytest.mark.thorough  # the benchmarks import everything, so one process shows all their help texts
def test_each_benchmark_takes_its_options() -> None:
    calls = [call.split() for call in re.findall(r"python -m (benchmarks\S* ?.*)", TEXT)]
    done = subprocess.run(
        [sys.executable, "-c", HELP, *(module for module, *_ in calls)],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    texts = done.stdout.split("\f")[1:]
    assert len(texts) == len(calls)
    for text, (module, *options) in zip(texts, calls, strict=True):
        assert [f"{module} {option}" for option in options if option.startswith("--") and option not in text] == []
