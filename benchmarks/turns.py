"""Compare the CPU time per clean zone of several versions of the engine, in turns.

    python -m benchmarks.turns VARIANT VARIANT ... [--rounds 7] [--zones 120] [--world DIR] [--limit 15] [--json FILE]

A variant is `.` (this tree), `compiled` (the wheel of `make compiled`), a commit, or `recorded`, the commit of the last
column in benchmarks/RESULTS.md. A turn is one process, whose name
servers are other processes; other work on the machine therefore affects all variants equally. The result of a variant
is the median of its turns, and the median of its ratios to the first variant within a round. With `--limit`, the exit
code is 1 if the last variant takes that many percent more than the first.

The zones are those of the demo world, or with `--world`, inside the namespace that serves it, of a generated world.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tarfile
import tempfile
from io import BytesIO
from pathlib import Path

from benchmarks.results import RESULTS, last_commit
from benchmarks.worlds import ROOT

COMPILED = ROOT / ".venv-compiled/bin/python"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("variants", nargs="+", metavar="VARIANT")
    parser.add_argument("--rounds", type=int, default=7, help="turns of each variant")
    parser.add_argument("--zones", type=int, default=120, help="number of zones in a turn")
    parser.add_argument("--world", type=Path, help="directory with manifest.json and named.root")
    parser.add_argument("--limit", type=float, help="allowed increase of the last variant in percent")
    parser.add_argument("--json", type=Path, help="file for the medians")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="gm-turns-") as folder:
        paths = [source(variant, Path(folder)) for variant in options.variants]
        rounds = [[cpu_ms(path, options) for path in paths] for _ in range(options.rounds)]
    figures = {}
    for place, variant in enumerate(options.variants):
        costs = [turn[place] for turn in rounds]
        ratio = statistics.median(turn[place] / turn[0] for turn in rounds)
        figures[variant] = {"cpu_ms": round(statistics.median(costs), 1), "ratio": round(ratio, 3)}
        spread = f"({min(costs):.1f} to {max(costs):.1f})"
        print(f"{variant:12} {statistics.median(costs):6.1f} ms a zone {spread}, {ratio:.3f}")
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1) + "\n")
    return int(options.limit is not None and (ratio - 1) * 100 > options.limit)


def source(variant: str, folder: Path) -> Path | None:
    """Return the directory with the engine of a variant; None for the wheel."""
    if variant == "compiled":
        return None
    if variant == ".":
        return ROOT
    commit = last_commit(RESULTS.read_text()) if variant == "recorded" else variant
    command = ["git", "archive", commit, "gonemaster_engine"]
    archive = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout
    with tarfile.open(fileobj=BytesIO(archive)) as files:
        files.extractall(folder / variant, filter="data")
    return folder / variant


def cpu_ms(path: Path | None, options: argparse.Namespace) -> float:
    """Run the benchmark of this tree with the engine of a variant."""
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        Path(file.name).write_text("{}")
        command = [COMPILED if path is None else sys.executable, "-P", "-m", "benchmarks.engine"]
        world = [options.world, "--clean"] if options.world else []
        environ = {**os.environ, "PYTHONPATH": "" if path is None else f"{path}:{ROOT}"}
        subprocess.run(
            [*command, *world, "--zones", str(options.zones), "--concurrency", "16", "--json", file.name],
            env=environ,
            cwd="/",
            stdout=subprocess.DEVNULL,
            check=True,
        )
        return float(json.loads(Path(file.name).read_text())["cpu_s_per_zone"]) * 1000


if __name__ == "__main__":
    sys.exit(main())
