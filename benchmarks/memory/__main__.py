"""Determine whether a worker's memory is stable over many runs, and which allocations remain if it is not.

    python -m benchmarks.memory [--runs 20000] [--processes 1] [--slots 16] [--world DIR] [--as-it-is] [--trace]

The whole service works on batches of mixed domains: PostgreSQL, Redis, beat, worker processes with the real engine.
The domains are those of the tests' demo world on loopback addresses, or with `--world`, inside the namespace that
serves it, those of a generated world (without silent servers, unless `--silent` is given). One domain in ten has a
unique name that does not exist. After each batch the memory of the processes is printed, once they have released their
free pages, or with `--as-it-is` as the operating system shows it at that moment. The memory is stable if it never
exceeds 1.05 times its value after `--from` runs; otherwise the exit code is 1.

With `--trace` Python records allocations (tracemalloc, which takes three times as long and much memory: use fewer
runs), and those made after `--from` that remain at the end are printed.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import signal
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from benchmarks.engine import SILENT, defect_names
from benchmarks.memory.worker import AS_IT_IS, ASK, FOLDER
from benchmarks.queue.rig import Rig, open_rig, wait_until
from benchmarks.worlds import demo_world, demo_zones
from gonemaster_db.core.errors import StoreUnavailable

LEVEL = 1.05
MEBI = 2**20
SHOWN = 40
MAX_DURATION_S = 7200  # for one batch, on a machine with other load


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=20_000)
    parser.add_argument("--every", type=int, default=500, help="size of a batch; memory is printed after each batch")
    parser.add_argument(
        "--from",
        type=int,
        default=5_000,
        dest="first",
        help="runs after which memory must be constant, or a quarter of all runs if that is less",
    )
    parser.add_argument("--processes", type=int, default=1, help="worker processes")
    parser.add_argument("--slots", type=int, default=16, help="slots of each worker process")
    parser.add_argument("--world", type=Path, help="directory with manifest.json and named.root")
    parser.add_argument("--silent", action="store_true", help="take domains with silent servers, too")
    parser.add_argument("--as-it-is", action="store_true", help="measure without releasing free pages first")
    parser.add_argument("--trace", action="store_true", help="print where the remaining objects were allocated")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the servers are stopped
    with tempfile.TemporaryDirectory(prefix="gm-memory-") as folder, serving(options, Path(folder)) as (flags, domains):
        os.environ[FOLDER] = folder
        if options.as_it_is:
            os.environ[AS_IT_IS] = "1"
        if options.trace:
            os.environ["PYTHONTRACEMALLOC"] = "8"
        with open_rig(slots=options.slots, **flags) as rig:
            rig.start_workers(options.processes, "benchmarks.memory.worker")
            return measure(rig, domains, options, Path(folder))


@contextmanager
def serving(options: argparse.Namespace, folder: Path) -> Iterator[tuple[dict[str, str], list[str]]]:
    """Return settings and domains of the world; start the demo world here."""
    if options.world:
        zones = json.loads((options.world / "manifest.json").read_text())["zones"]
        names = [zone["name"] for zone in zones if options.silent or not SILENT.intersection(defect_names(zone))]
        yield {"root_hints_path": str(options.world / "named.root"), "allow_non_global": "true"}, names
        return
    with demo_world(folder) as world:
        yield world.flags, demo_zones(with_silent=options.silent)


def measure(rig: Rig, domains: list[str], options: argparse.Namespace, folder: Path) -> int:
    pids = [process.pid for name, process in rig.processes.items() if name.startswith("worker")]
    ending = itertools.cycle(sorted({name.rpartition(".")[2] for name in domains}))
    chosen, done, base, worst = itertools.cycle(domains), 0, 0.0, 0.0
    first = min(options.first, options.runs // 4)
    start = time.monotonic()
    print("runs    resident size of each process (MiB); Python's blocks, heap in use and free of the first (MiB)")
    while done < options.runs:
        names = [next(chosen) for _ in range(options.every)]
        names[::10] = [f"gone-{done + number}.{next(ending)}" for number in range(len(names[::10]))]
        test(rig, names)
        done += len(names)
        figures, *_ = [ask(pid, folder) for pid in pids]
        sizes = [resident(pid) for pid in pids]
        heap = "  ".join(f"{figures.get(key, 0) / MEBI:6.1f}" for key in ("heap_used", "heap_free"))
        shown = "  ".join(f"{size:6.1f}" for size in sizes)
        print(f"{done:<7} {shown}   {figures['blocks']:8}  {heap}   {time.monotonic() - start:5.0f} s", flush=True)
        if done <= first or not base:
            base = worst = sum(sizes)
            keep_snapshot(pids[0], folder, "first")
        worst = max(worst, sum(sizes))
    if options.trace:
        print_growth(folder / "first.snapshot", folder / f"{pids[0]}.snapshot")
    level = worst <= LEVEL * base
    print(f"{'level' if level else 'NOT level'}: {base:.1f} MiB after {first} runs, then {worst:.1f} at most")
    return 0 if level else 1


def test(rig: Rig, names: list[str]) -> None:
    """Test the domains; a name occurs once in a batch, so a small world needs several batches."""
    waiting = list(names)
    while waiting:
        once = list(dict.fromkeys(waiting))
        batch_id = rig.post("/jobs/batch", {"domains": once})["batch_id"]
        ended = (
            f"SELECT count(*) FROM runs JOIN batches ON batches.key = runs.batch_key WHERE batches.id = '{batch_id}'"
        )
        wait_until(partial(is_count, rig, ended, len(once)), within_s=MAX_DURATION_S, every_s=1.0)
        for name in once:
            waiting.remove(name)


def is_count(rig: Rig, query: str, count: int) -> bool:
    try:
        return bool(rig.value(query) == count)
    except StoreUnavailable:  # with other load on the machine, PostgreSQL may take long to accept connections
        return False


def resident(pid: int) -> float:
    """Return the resident size of a process in MiB."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / MEBI


def ask(pid: int, folder: Path) -> dict[str, int]:
    """Ask a process to report its memory."""
    file = folder / f"{pid}.json"
    file.unlink(missing_ok=True)
    os.kill(pid, ASK)
    wait_until(file.exists, within_s=600)
    figures: dict[str, int] = json.loads(file.read_text())
    return figures


def keep_snapshot(pid: int, folder: Path, name: str) -> None:
    snapshot = folder / f"{pid}.snapshot"
    if snapshot.exists():
        snapshot.replace(folder / f"{name}.snapshot")


def print_growth(before: Path, after: Path) -> None:
    """Print the origins of most remaining allocations since that time, with the callers of the first."""
    older, newer = (tracemalloc.Snapshot.load(str(path)) for path in (before, after))
    for grouped, count in (("lineno", SHOWN), ("traceback", 8)):
        print(f"\nby {grouped}:")
        for difference in newer.compare_to(older, grouped)[:count]:
            print(difference)
            if grouped == "traceback":
                print("\n".join(difference.traceback.format()))


if __name__ == "__main__":
    sys.exit(main())
