"""Measure the cost of the commands from start to exit: processor time of whole processes, and the modules they load.

    python -m benchmarks.commands [--runs 15] [--world DIR] [--zones 5] [--against PYTHON] [--json FILE]

A clean zone of the demo world is tested as well, or with `--world`, inside the namespace that serves it, clean zones of
a generated world, one process each. `--against`
names the interpreter of another installation, whose commands alternate with those of this installation, so that the
load of the machine affects both equally. Python code is compiled beforehand.
"""

from __future__ import annotations

import argparse
import compileall
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from benchmarks.stack import clean_zones
from benchmarks.worlds import demo_world

ROOT = Path(__file__).parents[1]
COMMAND = ("-P", "-m", "gonemaster_engine.cli")  # the installed packages, not those of the working directory
SLOWEST = 12


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=15, help="runs of each command, after one that is not counted")
    parser.add_argument("--world", type=Path, help="directory with manifest.json and named.root")
    parser.add_argument("--zones", type=int, default=5, help="number of zones of the world to test in turn")
    parser.add_argument("--against", metavar="PYTHON", help="interpreter of another installation")
    parser.add_argument("--json", type=Path, help="file for the medians with this interpreter")
    options = parser.parse_args()
    compileall.compile_dir(ROOT / "gonemaster_engine", quiet=2)
    pythons = [sys.executable, *([options.against] if options.against else [])]
    kinds: dict[str, list[list[str]]] = {"python alone": [["-c", "pass"]]}
    kinds |= {name: [[*COMMAND, name]] for name in ("--version", "--help")}
    figures = {}
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        if options.world:
            world = ["--hints", str(options.world / "named.root")]
            names = clean_zones(options.world)[: options.zones]
        else:
            demo = stack.enter_context(demo_world(Path(folder)))
            world, names = ["--hints", str(demo.hints), "--dns-port", str(demo.port)], ["good.xa"]
        kinds["a clean zone"] = [[*COMMAND, *world, "--allow-non-global", "--no-progress", name] for name in names]
        print(f"load {os.getloadavg()[0]:.1f}; processor time in ms, least and median; elapsed, median")
        for kind, commands in kinds.items():
            costs = measured(pythons, commands, options.runs)
            figures[kind] = dict(
                zip(("cpu_ms", "elapsed_ms"), map(statistics.median, zip(*costs[0], strict=True)), strict=True)
            )
            for python, cost in zip(pythons, costs, strict=True):
                print(f"{kind:<14} {described(cost)}  {python}")
        for kind, commands in list(kinds.items())[1:]:
            print(f"loaded by {kind}: {loaded(commands[0])}")
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1) + "\n")


def measured(pythons: Sequence[str], commands: Sequence[list[str]], runs: int) -> list[list[tuple[float, float]]]:
    """Run the commands with each interpreter in turn; return the costs by interpreter."""
    costs: list[list[tuple[float, float]]] = [[] for _ in pythons]
    for number in range(runs + 1):
        for place, python in enumerate(pythons):
            cost = cost_of([python, *commands[number % len(commands)]])
            if number:
                costs[place].append(cost)
    return costs


def cost_of(command: list[str]) -> tuple[float, float]:
    """Run a command; return its processor time and elapsed time in milliseconds."""
    environ = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    nowhere = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
    start = time.perf_counter()
    pid = os.posix_spawn(command[0], command, environ, file_actions=nowhere)
    _, status, used = os.wait4(pid, 0)
    assert status == 0, command
    return (used.ru_utime + used.ru_stime) * 1000, (time.perf_counter() - start) * 1000


def described(costs: list[tuple[float, float]]) -> str:
    cpu, elapsed = zip(*costs, strict=True)
    return f"{min(cpu):5.0f} {statistics.median(cpu):5.0f}  {statistics.median(elapsed):5.0f}"


def loaded(command: list[str]) -> str:
    """Describe the number of modules that a command loads, and the milliseconds of the slowest, without their
    imports."""
    process = subprocess.run([sys.executable, "-X", "importtime", *command], capture_output=True, text=True, check=True)
    rows = [line.removeprefix("import time:").split("|") for line in process.stderr.splitlines() if "|" in line][1:]
    costs = sorted(((int(own) / 1000, name.strip()) for own, _, name in rows), reverse=True)
    slowest = ", ".join(f"{name} {cost:.1f}" for cost, name in costs[:SLOWEST])
    return f"{len(rows)} modules, {sum(cost for cost, _ in costs):.0f} ms with the meter: {slowest}"


if __name__ == "__main__":
    main()
