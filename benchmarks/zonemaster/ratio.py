"""Compare the speed of the whole stack with that of Zonemaster's engine, in turns on the same zones and cores.

    world.sh exec python -m benchmarks.zonemaster.ratio DIR --zonemaster PREFIX [--zones 240] [--rounds 3]
        [--processes 2] [--workers 2 4] [--drivers postgres sqlite] [--json FILE]

DIR is a generated world, PREFIX the directory of build.sh. Zonemaster loads its modules once and forks for each zone,
with `--processes` zones at a time; its database and queue are not measured. The stack is that of `benchmarks.stack`,
and all variants of it stay open, so that their processes are warm. The ratio is the median of the ratios within a
round. The zones are those without defects.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

from benchmarks.queue.rig import Rig, open_rig
from benchmarks.stack import clean_zones, run_batch, warm_up, world_settings
from benchmarks.zonemaster.engines import zonemasters
from benchmarks.zonemaster.runs import Run, planned

PERL = "Zonemaster"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("world", type=Path, metavar="DIR", help="directory with manifest.json and named.root")
    parser.add_argument("--zonemaster", type=Path, required=True, metavar="PREFIX")
    parser.add_argument("--zones", type=int, default=240, help="zones of a turn")
    parser.add_argument("--rounds", type=int, default=3, help="turns of each variant")
    parser.add_argument("--processes", type=int, default=2, help="zones that Zonemaster tests at a time")
    parser.add_argument("--workers", type=int, nargs="+", default=[2, 4], help="worker processes of a variant")
    parser.add_argument("--slots", type=int, default=16, help="slots of each worker process")
    parser.add_argument("--drivers", nargs="+", choices=("postgres", "sqlite"), default=["postgres", "sqlite"])
    parser.add_argument("--json", type=Path, help="file for the zones per minute of all rounds")
    options = parser.parse_args()
    names = clean_zones(options.world)[: options.zones]
    with ExitStack() as stack:
        variants = {PERL: zonemaster_turn(stack, names, options)}
        for driver in options.drivers:
            for workers in options.workers:
                variants[f"{driver}, {workers} workers"] = stack_turn(stack, names, driver, workers, options)
        rounds = [
            {name: zones_per_minute(turn, len(names)) for name, turn in variants.items()} for _ in range(options.rounds)
        ]
    for name in variants:
        rates = [each[name] for each in rounds]
        ratio = statistics.median(each[name] / each[PERL] for each in rounds)
        spread = f"({min(rates):.0f} to {max(rates):.0f})"
        print(f"{name:22} {statistics.median(rates):7.0f} zones/minute {spread}, {ratio:.2f} times {PERL}")
    if options.json:
        options.json.write_text(json.dumps(rounds, indent=1) + "\n")


def zones_per_minute(turn: Callable[[], None], zones: int) -> float:
    start = time.perf_counter()
    turn()
    return zones / (time.perf_counter() - start) * 60


def zonemaster_turn(stack: ExitStack, names: Sequence[str], options: argparse.Namespace) -> Callable[[], None]:
    """Start the processes of Zonemaster, and return a function that tests all zones once."""
    runs = [run for run in planned(options.world, count=len(names) * 4, ways=("plain",)) if run.domain in set(names)]
    assert len(runs) == len(names), "the names of the manifest and of the runs differ"
    test = stack.enter_context(zonemasters(options.zonemaster, options.processes))
    pool = stack.enter_context(ThreadPoolExecutor(options.processes))

    def run(each: Run) -> None:
        error = test(each, options.world / "named.root").error
        assert error is None, error

    def turn() -> None:
        list(pool.map(run, runs))

    return turn


def stack_turn(
    stack: ExitStack, names: list[str], driver: str, workers: int, options: argparse.Namespace
) -> Callable[[], None]:
    """Start the service, and return a function that tests all zones once."""
    rig: Rig = stack.enter_context(open_rig(slots=options.slots, driver=driver, **world_settings(options.world)))
    rig.start_workers(workers, "gonemaster_tasks.worker")
    warm_up(rig, names)
    return lambda: run_batch(rig, names)


if __name__ == "__main__":
    main()
