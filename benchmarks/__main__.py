"""Measure the figures that must stay, and print them with those of the last recorded measurement.

    python -m benchmarks [--world DIR] [--only NAME ...] [--record MACHINE]        (make bench)

It takes about ten minutes on an idle machine. Without `--world`, inside the namespace that serves the generated world,
the whole stack is not measured, and the engine and the command test the demo world. `--record` adds a column to the
table in benchmarks/RESULTS.md, with date, commit and the name of the machine there. A figure that was not measured is
empty.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.results import RESULTS, Figures, recorded, with_column
from benchmarks.turns import COMPILED
from benchmarks.worlds import ROOT


@dataclass(frozen=True)
class Measurement:
    """A benchmark, its options, and its figures."""

    module: str
    options: Sequence[str]
    read: Callable[[Any], Figures]
    needs_world: bool = False
    takes_world: bool = False


def engine_figures(found: Any) -> Figures:
    names = {".": "engine, CPU ms a zone", "compiled": "compiled engine, CPU ms a zone"}
    return {name: found[variant]["cpu_ms"] for variant, name in names.items() if variant in found}


def stack_figures(rounds: Any) -> Figures:
    best = max(rounds, key=lambda each: each["zones_per_minute"])
    return {
        "stack, clean zones/minute": best["zones_per_minute"],
        "worker, CPU ms a job": best["cpu_ms_per_job_workers"],
    }


def read_figures(found: Any) -> Figures:
    return {
        "reads, % answered at 1,000/s": found["answered"],
        "reads, median ms": found["median_ms"],
        "reads, p95 ms": found["p95_ms"],
    }


def queue_figures(found: Any) -> Figures:
    names = {
        "post_s": "100,000 jobs in one POST, s",
        "reorder_s": "reorder of 100,000, s",
        "remove_100_ms": "removal of 100, ms",
        "get_queue_ms": "GET /queue, ms",
        "jobs_per_s": "queue without an engine, jobs/s",
        "normal_start_in_sweep_ms_median": "normal job during a sweep, median ms",
        "normal_start_in_sweep_ms_worst": "normal job during a sweep, worst ms",
    }
    return {text: found[name] for name, text in names.items()}


def idle_figures(rows: Any) -> Figures:
    return {"idle service, % of a core": rows[-1]["core_percent"], "idle service, MiB (PSS)": rows[-1]["pss_mib"]}


def command_figures(found: Any) -> Figures:
    alone, zone = found["python alone"]["cpu_ms"], found["a clean zone"]
    return {
        "gonemaster DOMAIN, CPU ms": round(zone["cpu_ms"], 1),
        "gonemaster DOMAIN, elapsed ms": round(zone["elapsed_ms"], 1),
        "--version, times Python alone": round(found["--version"]["cpu_ms"] / alone, 2),
        "--help, times Python alone": round(found["--help"]["cpu_ms"] / alone, 2),
    }


MEASUREMENTS = {
    "engine": Measurement("benchmarks.turns", ["."], engine_figures, takes_world=True),
    "command": Measurement("benchmarks.commands", [], command_figures, takes_world=True),
    "stack": Measurement("benchmarks.stack", ["--rounds", "3"], stack_figures, needs_world=True, takes_world=True),
    "reads": Measurement("benchmarks.api", ["reads", "--seconds", "30"], read_figures),
    "queue": Measurement("benchmarks.queue", ["--jobs", "100000", "--timed", "5000"], queue_figures),
    "idle": Measurement("benchmarks.idle", [], idle_figures),
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--world", type=Path, help="directory with manifest.json and named.root")
    parser.add_argument("--only", nargs="+", choices=MEASUREMENTS, default=list(MEASUREMENTS))
    parser.add_argument("--record", metavar="MACHINE", help="add a column for this machine to benchmarks/RESULTS.md")
    options = parser.parse_args()
    figures: dict[str, float] = {}
    failed = []
    for name in options.only:
        measurement = MEASUREMENTS[name]
        if measurement.needs_world and not options.world:
            print(f"{name}: not measured without --world", flush=True)
            continue
        print(f"{name}: {measurement.module}", flush=True)
        try:
            figures |= measured(measurement, options.world)
        except subprocess.CalledProcessError as error:
            print(error.stdout + error.stderr)
            failed.append(name)
    titles, rows = recorded(RESULTS.read_text())
    print_table(figures, titles, rows)
    if options.record:
        title = f"{datetime.now(UTC):%Y-%m-%d}, {commit()}, {options.record}"
        RESULTS.write_text(with_column(RESULTS.read_text(), title, figures))
    print(f"load at the end: {os.getloadavg()[0]:.1f}" + (f"; failed: {', '.join(failed)}" if failed else ""))
    return 1 if failed else 0


def measured(measurement: Measurement, world: Path | None) -> Figures:
    """Run a benchmark and return its figures."""
    command = [sys.executable, "-m", measurement.module, *measurement.options]
    if measurement.module == "benchmarks.turns" and COMPILED.exists():
        command.append("compiled")
    if world and measurement.takes_world:
        command += ["--world", str(world)]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "figures.json"
        subprocess.run([*command, "--json", str(file)], cwd=ROOT, capture_output=True, text=True, check=True)
        return measurement.read(json.loads(file.read_text()))


def commit() -> str:
    found = subprocess.run(
        ["git", "rev-parse", "--short=8", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return found.stdout.strip()


def print_table(figures: Figures, titles: Sequence[str], rows: Mapping[str, Sequence[str]]) -> None:
    """Print each figure with the last recorded one."""
    print(f"\n{'figure':42} {'now':>10} {'then':>10}   change   ({titles[-1] if titles else 'nothing recorded'})")
    for name in {**rows, **figures}:
        now, then = figures.get(name), next((cell for cell in reversed(rows.get(name, [])) if cell), "")
        change = f"{(now / float(then) - 1) * 100:+7.1f} %" if now is not None and then and float(then) else ""
        print(f"{name:42} {'' if now is None else f'{now:g}':>10} {then:>10}  {change}")


if __name__ == "__main__":
    sys.exit(main())
