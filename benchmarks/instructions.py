"""Count the bytecode instructions per clean zone in two versions of the engine, and show which functions differ.

    python -m benchmarks.instructions VARIANT VARIANT [--world DIR] [--zones 20] [--functions 20]

A variant is `.` (this tree) or a commit. On a shared machine, CPU time varies by a fifth from hour to hour; if the
machine is idle, this number varies by one per cent, and shows small changes of the interpreted code. It says nothing
about the kernel and C code, and a busy machine adds retransmissions and turns of the event loop.
"""

from __future__ import annotations

import argparse
import collections
import json
import os
import runpy
import subprocess
import sys
import tempfile
from pathlib import Path
from types import CodeType

from benchmarks.turns import source
from benchmarks.worlds import ROOT

_FEW = 4  # zones of the run that is subtracted: imports and caches
_TOOL = 4  # identifier of a tool that `sys.monitoring` does not reserve


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("variants", nargs=2, metavar="VARIANT")
    parser.add_argument("--world", type=Path, help="directory with manifest.json and named.root")
    parser.add_argument("--zones", type=int, default=20, help="number of zones")
    parser.add_argument("--functions", type=int, default=20, help="number of functions to show")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="gm-instructions-") as folder:
        first, second = (per_zone(source(variant, Path(folder)) or ROOT, options) for variant in options.variants)
    print(f"{options.variants[0]}: {sum(first.values()):,.0f}; {options.variants[1]}: {sum(second.values()):,.0f}")
    names = sorted({*first, *second}, key=lambda name: -abs(second[name] - first[name]))
    for name in names[: options.functions]:
        print(f"{name:60} {first[name]:10,.0f} {second[name]:10,.0f}")
    return 0


def per_zone(path: Path, options: argparse.Namespace) -> collections.Counter[str]:
    """Return the instructions per zone by function, without what happens once per process."""
    few, many = (count(path, zones, options) for zones in (_FEW, _FEW + options.zones))
    return collections.Counter({name: (number - few[name]) / options.zones for name, number in many.items()})


def count(path: Path, zones: int, options: argparse.Namespace) -> collections.Counter[str]:
    """Count the instructions of the engine benchmark in a separate process."""
    world = [options.world, "--clean"] if options.world else []
    with tempfile.NamedTemporaryFile(suffix=".json") as counts, tempfile.NamedTemporaryFile(suffix=".json") as figures:
        Path(figures.name).write_text("{}")
        command = [sys.executable, "-P", __file__, counts.name, *world, "--zones", str(zones), "--concurrency", "2"]
        environ = {**os.environ, "PYTHONPATH": f"{path}:{ROOT}", "PYTHONHASHSEED": "0"}
        command = [*command, "--json", figures.name]
        subprocess.run(command, env=environ, cwd="/", stdout=subprocess.DEVNULL, check=True)
        return collections.Counter(json.loads(Path(counts.name).read_text()))


def monitor(counts: Path) -> None:
    """Run the engine benchmark with the other arguments, and write the counts by function."""
    monitoring = getattr(sys, "monitoring", None)
    if monitoring is None:
        sys.exit("benchmarks.instructions needs Python 3.12 or newer, because it uses sys.monitoring")
    found: collections.Counter[CodeType] = collections.Counter()

    def add(code: CodeType, _offset: int) -> None:
        found[code] += 1

    monitoring.use_tool_id(_TOOL, "instructions")
    monitoring.register_callback(_TOOL, monitoring.events.INSTRUCTION, add)
    monitoring.set_events(_TOOL, monitoring.events.INSTRUCTION)
    try:
        runpy.run_module("benchmarks.engine", run_name="__main__")
    except SystemExit as end:
        if end.code:
            raise
    finally:
        monitoring.set_events(_TOOL, 0)
    named: collections.Counter[str] = collections.Counter()
    for code, number in found.items():
        named[code.co_qualname] += number
    counts.write_text(json.dumps(named))


if __name__ == "__main__":
    if len(sys.argv) > 1 and sys.argv[1].endswith(".json"):
        monitor(Path(sys.argv.pop(1)))
        sys.exit(0)
    sys.exit(main())
