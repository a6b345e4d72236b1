"""A pytest plugin that writes which tags each test of a test case got: `-p tests.engine.rst.recording`.

GONEMASTER_RECORDED_TAGS names the file, with a line of JSON for each call of `findings`: test, test case, tags.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.support import case_runs

_file = Path(os.environ["GONEMASTER_RECORDED_TAGS"])
_real = case_runs.findings
_current = ""


def _recorded(world: Any, case_id: str, **options: Any) -> list[case_runs.Found]:
    found = _real(world, case_id, **options)
    with _file.open("a", encoding="utf-8") as file:
        file.write(json.dumps([_current, case_id, sorted({tag for tag, _ in found})]) + "\n")
    return found


case_runs.findings = _recorded  # before the test modules import it


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    global _current  # one test runs at a time
    _current = item.nodeid
