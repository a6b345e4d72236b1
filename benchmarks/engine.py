"""Run the engine over the zones of a test world and print CPU seconds, queries and wall time per zone.

    python -m benchmarks.engine --zones 200 [--json FILE] [--profile]
    world.sh exec python -m benchmarks.engine DIR --zones 200 --concurrency 32 [--clean] [--json FILE] [--profile]

The first form tests the clean zones of the demo world repeatedly. The second is for a generated world: DIR has
manifest.json, named.root and zones, and the command runs in the network namespace in which the world is served.
`--clean` skips zones with defects. CPU is that of this process; the name servers run in other processes.
"""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import json
import platform
import pstats
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from benchmarks.worlds import CLEAN, demo_world
from gonemaster_engine.entries import Level
from gonemaster_engine.memory import collect_rarely
from gonemaster_engine.profile.profile import Profile, default_profile
from gonemaster_engine.resources import Resources
from gonemaster_engine.run.run import RunResult, run_test

SILENT = frozenset({"server_silent", "server_flaky", "server_slow", "server_noedns_drop", "all_servers_dead"})


@dataclass
class Figures:
    """The cost of one pass over the zones."""

    python: str
    loop: str
    zones: int
    concurrency: int
    cpu_s_per_zone: float
    queries_per_zone: float
    entries_per_zone: float
    zones_per_minute: float
    wall_ms_median: float
    wall_ms_p95: float
    max_rss_mib: float
    findings: int


def chosen_zones(directory: Path, options: argparse.Namespace) -> list[str]:
    zones: list[dict[str, Any]] = json.loads((directory / "manifest.json").read_text())["zones"]
    if options.clean:
        zones = [zone for zone in zones if not zone["defects"] and not zone["tld_defects"]]
    if not options.silent:
        zones = [zone for zone in zones if not SILENT.intersection(defect_names(zone))]
    return [zone["name"] for zone in zones][: options.zones]


def defect_names(zone: dict[str, Any]) -> set[str]:
    return {defect if isinstance(defect, str) else defect["name"] for defect in zone["defects"]}


@contextmanager
def opened(options: argparse.Namespace) -> Iterator[tuple[list[str], Path, int]]:
    """Return the zones, the root hints and the port of the world."""
    if options.directory:
        yield chosen_zones(options.directory, options), options.directory / "named.root", 53
        return
    with tempfile.TemporaryDirectory() as folder, demo_world(Path(folder)) as world:
        yield list(islice(cycle(CLEAN), options.zones)), world.hints, world.port


async def run_all(names: list[str], hints: Path, port: int, options: argparse.Namespace) -> list[RunResult]:
    profile = default_profile().merge({"net": {"allow_non_global_targets": True}})
    resources = Resources.open(root_hints=hints, dns_port=port, hot_cache_ttl_s=options.hot_cache)
    slots = asyncio.Semaphore(options.concurrency)
    try:
        return await asyncio.gather(*(run_one(name, profile, resources, slots, options) for name in names))
    finally:
        await resources.close()


async def run_one(
    name: str, profile: Profile, resources: Resources, slots: asyncio.Semaphore, options: argparse.Namespace
) -> RunResult:
    async with slots:
        return await run_test(
            name, profile, resources=resources, tests=options.testcase or (), with_chain=options.chain
        )


def measure(names: list[str], hints: Path, port: int, options: argparse.Namespace) -> Figures:
    loop_name, runner = make_runner(options.loop)
    cpu, wall = time.process_time(), time.perf_counter()
    with runner:
        results = runner.run(run_all(names, hints, port, options))
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    walls = sorted(result.duration_s * 1000 for result in results)
    count = len(results)
    return Figures(
        python=f"{platform.python_implementation()} {platform.python_version()} ({sys.executable})",
        loop=loop_name,
        zones=count,
        concurrency=options.concurrency,
        cpu_s_per_zone=round(cpu / count, 5),
        queries_per_zone=round(sum(result.queries for result in results) / count, 1),
        entries_per_zone=round(sum(len(result.entries) for result in results) / count, 1),
        zones_per_minute=round(count / wall * 60, 1),
        wall_ms_median=round(statistics.median(walls), 1),
        wall_ms_p95=round(walls[int(0.95 * (count - 1))], 1),
        max_rss_mib=round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
        findings=sum(entry.level >= Level.NOTICE for result in results for entry in result.entries),
    )


def make_runner(loop: str) -> tuple[str, asyncio.Runner]:
    if loop == "uvloop":
        import uvloop

        return "uvloop", asyncio.Runner(loop_factory=uvloop.new_event_loop)
    return "asyncio", asyncio.Runner()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "directory", type=Path, nargs="?", help="directory of the test world, with manifest.json and named.root"
    )
    parser.add_argument("--zones", type=int, default=200)
    parser.add_argument("--concurrency", type=int, default=32, help="number of runs at a time")
    parser.add_argument("--clean", action="store_true", help="only zones without defects")
    parser.add_argument("--silent", action="store_true", help="also zones whose servers time out")
    parser.add_argument("--testcase", action="append", help="a test case or module; repeatable")
    parser.add_argument("--chain", action="store_true", help="also describe the chain of trust")
    parser.add_argument("--hot-cache", type=float, default=60.0, help="seconds; 0: nothing is shared between runs")
    parser.add_argument("--loop", choices=["uvloop", "asyncio"], default="uvloop")
    parser.add_argument("--json", type=Path, help="write the figures there; a file from before is compared with")
    parser.add_argument("--profile", action="store_true", help="print where the time goes")
    options = parser.parse_args()
    collect_rarely(for_runs=True)  # as a worker does
    profiler = cProfile.Profile() if options.profile else None
    with opened(options) as (names, hints, port):
        if profiler:
            profiler.enable()
        figures = measure(names, hints, port, options)
    if profiler:
        profiler.disable()
        pstats.Stats(profiler).sort_stats("tottime").print_stats(45)
    report(asdict(figures), options.json)


def report(figures: dict[str, Any], file: Path | None) -> None:
    before = json.loads(file.read_text()) if file and file.exists() else {}
    for name, value in figures.items():
        then = f"   before: {before[name]}" if before.get(name, value) != value else ""
        print(f"{name:20} {value}{then}")
    if file:
        file.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
