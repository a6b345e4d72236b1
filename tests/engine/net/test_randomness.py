"""Ports, message IDs and letter case come from the operating system's source of randomness."""

from __future__ import annotations

import subprocess
import sys

import pytest

from gonemaster_engine.net.randomness import random_16_bits, random_below


def test_numbers_have_all_16_bits() -> None:
    found = {random_16_bits() for _ in range(4000)}
    assert 0 <= min(found) < 0x1000
    assert 0xF000 < max(found) < 0x10000
    assert len(found) > 3500  # 4,000 of 65,536: about 120 come twice


@pytest.mark.parametrize("limit", [1, 2, 3, 28232, 40000, 65536])
def test_numbers_below_a_limit(limit: int) -> None:
    found = {random_below(limit) for _ in range(1000)}
    assert max(found) < limit
    assert len(found) > min(limit, 900) * 0.9


def test_a_child_process_does_not_use_the_numbers_of_its_parent() -> None:
    forking = (
        "import os; from gonemaster_engine.net.randomness import random_16_bits as number; number();"
        "child = os.fork(); print([number() for _ in range(20)]); child and os.waitpid(child, 0)"
    )
    done = subprocess.run([sys.executable, "-c", forking], stdout=subprocess.PIPE, text=True, check=True)
    of_one, of_other = done.stdout.splitlines()
    assert of_one != of_other
