"""`make demo` finishes and shows the faults of the broken domains."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_demo_prints_a_table_of_domains() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "deploy/demo/demo.py")], capture_output=True, text=True, timeout=850
    )
    assert done.returncode == 0, done.stdout + done.stderr
    for text in ("good.xa", "refused.xa", "CRITICAL", "Stopping all parts"):
        assert text in done.stdout
