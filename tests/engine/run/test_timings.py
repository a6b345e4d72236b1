"""Response times of name servers: measured per address, with failures and unresolved names."""

from __future__ import annotations

from pathlib import Path

import pytest

from gonemaster_engine.cli.output import timing_table
from gonemaster_engine.net.timings import NameserverTiming
from tests.engine.run.test_run import QUICK, run
from tests.support.case_runs import A1, A2, NS1, NS2, example_world
from tests.support.dnsworld import World, faults


def timings(world: World, tmp_path: Path, *tests: str) -> dict[tuple[str, str], NameserverTiming]:
    result = run(world, tmp_path, tests=tests or ("basic",), profile=QUICK)
    return {(timing.nameserver, timing.address): timing for timing in result.timings}


def test_times_of_each_address_in_order(tmp_path: Path) -> None:
    found = timings(example_world(), tmp_path)
    assert list(found) == sorted(found)
    timing = found[NS1, A1]
    assert (timing.status, timing.timeouts, timing.refusals) == ("ok", 0, 0)
    assert timing.count > 0
    assert timing.min_ms is not None
    assert timing.max_ms is not None
    assert timing.avg_ms is not None
    assert timing.median_ms is not None
    assert timing.stddev_ms is not None
    assert 0 < timing.min_ms <= timing.median_ms <= timing.max_ms
    assert timing.min_ms <= timing.avg_ms <= timing.max_ms
    assert timing.stddev_ms <= timing.max_ms - timing.min_ms
    assert timing.total_ms == pytest.approx(timing.avg_ms * timing.count, abs=0.01 * timing.count)


def test_silence_and_refusals_are_counted(tmp_path: Path) -> None:
    world = example_world()
    world.server(A1).fault(faults.silence())
    world.server(A2).fault(faults.rcode("REFUSED"), qtype="SOA")
    found = timings(world, tmp_path)
    silent, refusing = found[NS1, A1], found[NS2, A2]
    assert (silent.status, silent.count, silent.avg_ms) == ("unreachable", 0, None)
    assert silent.timeouts > 0
    assert refusing.status == "ok"
    assert 0 < refusing.refusals < refusing.count


def test_host_that_refuses_packets_is_unreachable_without_a_timeout(tmp_path: Path) -> None:
    """No socket listens at the address, which the host itself reports immediately."""
    world = example_world()
    result = run(
        world, tmp_path, tests=("basic",), profile=QUICK, nameservers=[(NS1, A1), ("ns3.example.xa", "127.9.77.77")]
    )
    (gone,) = [timing for timing in result.timings if timing.address == "127.9.77.77"]
    assert (gone.status, gone.count, gone.timeouts) == ("unreachable", 0, 0)


def test_name_without_address_is_unresolved(tmp_path: Path) -> None:
    world = example_world(ns={NS1: A1, "ns.missing.xa": ()})
    found = timings(world, tmp_path)
    assert found["ns.missing.xa", ""] == NameserverTiming.unresolved("ns.missing.xa")
    assert found["ns.missing.xa", ""].status == "unresolved"
    table = list(timing_table(found.values()))
    assert any(line.startswith("ns.missing.xa/unresolved") and line.rstrip().endswith("0") for line in table)
