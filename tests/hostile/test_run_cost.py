"""No zone makes a run exceed its limits of time, memory and entries, or delays other runs of its process.

Each kind of zone takes seconds of processor time, so the nightly job tests most of them.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

import pytest

from tests.hostile import LONG
from tests.hostile._counting import CountingDns, numbered
from tests.hostile._floods import FLOODS, OPTIONS, flood
from tests.hostile._giants import (
    GOOD_ZONE,
    KEY_TRAPS,
    KINDS,
    RSA_TAG,
    UNLIKE_KINDS,
    ZONE,
    crowds,
    giant_world,
    many_servers,
    wide_referrals,
)

pytestmark = pytest.mark.thorough

DEADLINE_S = 20.0 if LONG else 1.5
MEMORY_MIB = 150
LATE_S = 2.0  # after the deadline
CANCELLED_S = 1.0
TURN_S = 0.1  # seconds of processor time
ENTRIES = 10_000


def kinds(every: Iterable[str], daily: Collection[str]) -> list[Any]:
    """Return the kinds as parameters; the nightly job tests those that are not tested daily."""
    return [pytest.param(kind, marks=() if kind in daily else pytest.mark.nightly) for kind in every]


def cost(
    world: CountingDns,
    directory: Path,
    *zones: str,
    cancel_after_s: float = 0.0,
    deadline_s: float = DEADLINE_S,
    supplied: Any = None,
    is_urgent: bool = False,
) -> dict[str, Any]:
    """Test zones of a world in a separate process, optionally undelegated; return the costs."""
    hints = world.write_hints(directory / "root.hints")
    command = [sys.executable, "-m", "tests.hostile._cost_child", *zones]
    command += ["--port", str(world.port), "--hints", str(hints), "--deadline-s", str(deadline_s)]
    command += ["--cancel-after-s", str(cancel_after_s)]
    command += ["--urgent"] if is_urgent else []
    if supplied:
        (directory / "supplied.json").write_text(json.dumps(supplied))
        command += ["--supplied", str(directory / "supplied.json")]
    # the coverage measurement needs 15 MiB
    environment = {key: value for key, value in os.environ.items() if not key.startswith("COVERAGE_")}
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=True, env=environment)
    figures: dict[str, Any] = json.loads(done.stdout)
    return figures


@pytest.mark.parametrize("kind", kinds(KINDS, ("large_sets", "dnssec_only", "pointers")))
def test_giant_answers_stay_within_time_memory_and_entries(kind: str, tmp_path: Path) -> None:
    with giant_world(kind) as world:
        figures = cost(world, tmp_path, ZONE)
    assert figures["rss_mib"] <= MEMORY_MIB
    assert figures["late_s"] <= LATE_S
    assert figures["longest_turn_s"] <= TURN_S
    (run,) = figures["runs"]
    assert run["entries"] <= ENTRIES
    assert run["faults"] == []
    # a run without the necessary data ends early
    assert run["unfinished"] or not run["limits"] or kind in {"mail", "pointers"}


@pytest.mark.parametrize("kind", kinds(KEY_TRAPS, ("key_trap_p384",)))
def test_keys_of_one_tag_leave_other_runs_their_turns(kind: str, tmp_path: Path) -> None:
    """Real keys and signatures (KeyTrap), all tried to the end: the run continues until its work limit is reached."""
    with giant_world(kind, servers=2) as world:
        figures = cost(world, tmp_path, ZONE, deadline_s=60.0)
    assert figures["longest_turn_s"] <= TURN_S
    assert "max_verification" in figures["runs"][0]["limits"] or kind == "key_trap_p256"


@pytest.mark.parametrize("kind", kinds(UNLIKE_KINDS, ("weak_keys",)))
def test_records_that_are_others_at_each_server_stay_within_time_and_memory(kind: str, tmp_path: Path) -> None:
    """Cached records of one server do not help with those of the next server."""
    with giant_world(kind, servers=20 if LONG else 8) as world:
        figures = cost(world, tmp_path, ZONE, deadline_s=20.0)
    assert figures["rss_mib"] <= MEMORY_MIB
    assert figures["late_s"] <= LATE_S
    assert figures["longest_turn_s"] <= TURN_S
    (run,) = figures["runs"]
    assert run["faults"] == []
    assert run["duration_s"] <= 20.0 + LATE_S
    # a busy host reaches the time limit before the work limit
    assert "max_verification" in run["limits"] or run["unfinished"] or kind != "weak_keys"


@pytest.mark.parametrize("kind", kinds((*KINDS, *UNLIKE_KINDS), ("keys_of_one_tag",)))
def test_an_undelegated_run_of_a_giant_stays_within_time_and_memory(kind: str, tmp_path: Path) -> None:
    """Many more name servers and DS records than the API accepts, some of which match all keys."""
    places = [*numbered(16), *numbered(184 if LONG else 0, net=101)]
    servers = [(f"ns{index // 2}.{ZONE}", address) for index, address in enumerate(places)]
    ds = [(tag, number, 2, each.to_bytes(32).hex()) for tag, number in ((RSA_TAG, 1), (1, 13)) for each in range(400)]
    with giant_world(kind) as world:
        figures = cost(world, tmp_path, ZONE, supplied={"nameservers": servers, "ds": ds}, deadline_s=10.0)
    assert figures["rss_mib"] <= MEMORY_MIB
    assert figures["late_s"] <= LATE_S
    assert figures["longest_turn_s"] <= TURN_S
    assert figures["runs"][0]["faults"] == []


NIGHTLY = pytest.mark.nightly
MANY = [(100, 100, 100), *(pytest.param(*sizes, marks=NIGHTLY) for sizes in ((3_000, 4_000, 2), (200, 200, 14)))]


@pytest.mark.parametrize(("names", "addresses", "each"), MANY)
def test_many_servers_stay_within_time_memory_and_entries(
    names: int, addresses: int, each: int, tmp_path: Path
) -> None:
    with many_servers(names, addresses, each=each) as world:
        figures = cost(world, tmp_path, ZONE)
    assert figures["rss_mib"] <= MEMORY_MIB
    assert figures["late_s"] <= LATE_S
    assert figures["longest_turn_s"] <= TURN_S
    (run,) = figures["runs"]
    assert run["duration_s"] <= DEADLINE_S + LATE_S
    assert run["entries"] <= ENTRIES
    assert "max_nameservers" in run["limits"] or not LONG  # on a busy host, a short run may not get this far


@pytest.mark.parametrize("kind", kinds((*FLOODS, *OPTIONS), ("name_servers", "texts")))
def test_floods_of_one_kind_of_data_stay_within_time_and_memory(kind: str, tmp_path: Path) -> None:
    with giant_world(kind, servers=40 if LONG else 16, special=flood(kind)) as world:
        figures = cost(world, tmp_path, ZONE, deadline_s=20.0)
    assert figures["rss_mib"] <= MEMORY_MIB
    assert figures["late_s"] <= LATE_S
    assert figures["longest_turn_s"] <= TURN_S
    (run,) = figures["runs"]
    assert run["faults"] == []
    assert run["unfinished"] or "max_octets" not in run["limits"]


@pytest.mark.parametrize("answers", kinds(("REFUSED", "NODATA", "SERVFAIL"), ("REFUSED",)))
def test_sixteen_zones_with_many_servers_leave_the_loop_its_turns(answers: str, tmp_path: Path) -> None:
    """Fifty names and a hundred addresses each, all of which answer."""
    world, zones = crowds(16, answers=answers)
    with world:
        figures = cost(world, tmp_path, *zones, deadline_s=40.0 if LONG else 5.0)
    assert figures["longest_turn_s"] <= TURN_S
    assert figures["late_s"] <= LATE_S
    assert not any(run["faults"] for run in figures["runs"])


@pytest.mark.parametrize("kind", kinds((*FLOODS, *OPTIONS), ("aliases",)))
def test_normal_runs_of_hostile_zones_leave_the_loop_its_turns(kind: str, tmp_path: Path) -> None:
    """Normal runs come before batch runs, but all of them share the turns."""
    with giant_world(kind, servers=16, special=flood(kind)) as world:
        figures = cost(world, tmp_path, ZONE, deadline_s=20.0, is_urgent=True)
    assert figures["longest_turn_s"] <= TURN_S
    assert figures["runs"][0]["faults"] == []


def test_a_run_over_its_memory_ends_alone(tmp_path: Path) -> None:
    """One process runs three tests of a zone with giant answers and a test of a good zone."""
    with giant_world("name_servers_for_all", special=flood("name_servers_for_all")) as world:
        figures = cost(world, tmp_path, ZONE, ZONE, ZONE, GOOD_ZONE, deadline_s=60.0)
    *evil, good = figures["runs"]
    assert all("max_octets" in run["limits"] and run["unfinished"] for run in evil)
    assert (good["unfinished"], good["limits"], good["faults"]) == ([], [], [])
    assert figures["rss_mib"] <= 50 + 3 * (MEMORY_MIB - 50)
    assert figures["longest_turn_s"] <= TURN_S


@pytest.mark.parametrize("never_asked", [0, pytest.param(45, marks=NIGHTLY)])
def test_referrals_to_many_addresses_stay_within_memory(never_asked: int, tmp_path: Path) -> None:
    with wide_referrals(never_asked=never_asked) as world:
        figures = cost(world, tmp_path, ZONE, deadline_s=60.0)
    assert figures["rss_mib"] <= MEMORY_MIB
    (run,) = figures["runs"]
    assert run["entries"] <= ENTRIES
    assert run["limits"] or never_asked, "the world is too small to reach a limit"


@pytest.mark.parametrize("kind", kinds(KINDS, ("dnssec_only",)))
def test_a_run_that_is_cancelled_ends_at_once(kind: str, tmp_path: Path) -> None:
    with giant_world(kind) as world:
        figures = cost(world, tmp_path, ZONE, cancel_after_s=DEADLINE_S / 2)
    assert max(figures["late_s"], figures["longest_turn_s"]) <= CANCELLED_S


@pytest.mark.nightly  # `test_a_run_over_its_memory_ends_alone` has a good run next to others, too
def test_a_hostile_run_does_not_delay_a_good_one(tmp_path: Path) -> None:
    with many_servers(100, 100, each=100) as world:
        figures = cost(world, tmp_path, ZONE, GOOD_ZONE, deadline_s=4 * DEADLINE_S)  # the good zone takes 1 s
    good = next(run for run in figures["runs"] if run["zone"] == GOOD_ZONE)
    assert (good["unfinished"], good["limits"]) == ([], [])
    assert figures["longest_turn_s"] <= CANCELLED_S
