"""Zones that combine hostile shapes at random stay within the limits of turns, memory, entries and packets."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.hostile import LONG
from tests.hostile._random_worlds import WildDns, victim_network, zone_of

SEEDS = range(1, 201) if LONG else (4, 6, 11, 13, 16, 17, 20, 23, 24, 34)
DEADLINE_S = 8.0 if LONG else 4.0
CPU_S, TURN_S, MEMORY_MIB, ENTRIES = 5.0, 0.1, 150, 10_000
TO_ONE_SILENT, TO_SILENT_NETWORK = 60, 1_000


def costs_of(seeds: list[int], directory: Path) -> tuple[list[dict[str, Any]], Counter[str]]:
    """Test the zones of these seeds in a separate process; return their costs, and the packets of each address."""
    with WildDns(seeds) as world:
        hints = world.write_hints(directory / "root.hints")
        command = [sys.executable, "-m", "tests.hostile._wild_child", *map(zone_of, seeds), "--port", str(world.port)]
        command += ["--hints", str(hints), "--deadline-s", str(DEADLINE_S)]
        environment = {key: value for key, value in os.environ.items() if not key.startswith("COVERAGE_")}
        done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
        return json.loads(done.stdout), world.packets


def excesses(costs: list[dict[str, Any]], packets: Counter[str], seeds: list[int]) -> list[str]:
    """Return a description of each figure over its bound."""
    found = []
    for seed, each in zip(seeds, costs, strict=True):
        silent = {address: count for address, count in packets.items() if address.startswith(victim_network(seed))}
        figures = {
            "longest_turn_s": (each["longest_turn_s"], TURN_S),
            "rss_mib": (each["rss_mib"], MEMORY_MIB),
            "entries": (each["entries"], ENTRIES),
            "cpu_s": (each["cpu_s"], CPU_S),
            "faults": (len(each["faults"]), 0),
            "packets to a silent address": (max(silent.values(), default=0), TO_ONE_SILENT),
            "packets to the silent network": (sum(silent.values()), TO_SILENT_NETWORK),
        }
        found += [f"seed {seed}: {name} {value}" for name, (value, bound) in figures.items() if value > bound]
    return found


@pytest.mark.timeout(7_200 if LONG else 120)
@pytest.mark.thorough
def test_random_hostile_zones_stay_within_all_limits(tmp_path: Path) -> None:
    seeds = list(SEEDS)
    assert not excesses(*costs_of(seeds, tmp_path), seeds)


def test_two_random_hostile_zones_stay_within_all_limits(tmp_path: Path) -> None:
    assert not excesses(*costs_of([33, 99], tmp_path), [33, 99])
