"""Run the engine over the zones of a generated test world with lost packets, and count zones whose findings change.

As root, outside of the world (`world.sh` and the world generator: README.md in this directory):

    python -m benchmarks.loss DIR --world PATH/world.sh [--zones 100] [--rounds 6] [--loss 0 2 5]

Starts the world, drops packets in each direction, tests the zones without defects once per round, and prints for each
loss
the zones whose findings differ between rounds, with the tags that differ. Packets and seconds are means per run.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import subprocess
import sys
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from gonemaster_engine.entries import Level
from gonemaster_engine.profile.profile import Profile, default_profile
from gonemaster_engine.resources import Resources
from gonemaster_engine.run.run import RunResult, run_test

Findings = frozenset[str]


@dataclass
class Figures:
    """The figures of all rounds at one loss."""

    loss: float  # percent, in each direction
    zones: int
    rounds: int
    changed: int  # zones whose findings differ between rounds
    undecided: int  # runs with NO_ANSWER_UNDECIDED
    packets_per_run: float
    queries_per_run: float
    wall_s_mean: float
    wall_s_p95: float
    cpu_s_per_run: float
    tags: dict[str, int] = field(default_factory=dict)  # zones in which a tag differs


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("directory", type=Path, help="of the test world: holds manifest.json and named.root")
    parser.add_argument("--world", type=Path, help="world.sh; without it, measure inside the world as it is")
    parser.add_argument("--loss", type=float, nargs="+", default=[0.0, 2.0, 5.0], help="percent on each way")
    parser.add_argument("--rtt", default="20ms", help="round-trip time")
    parser.add_argument("--zones", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--concurrency", type=int, default=32)
    parser.add_argument("--show", action="store_true", help="print the findings that differ")
    options = parser.parse_args()
    if options.world is None:
        print(json.dumps(asdict(asyncio.run(measure(options)))))
        return 0
    found = []
    subprocess.run([options.world, "up", options.directory], check=True, stdout=subprocess.DEVNULL)
    try:
        for loss in options.loss:
            world_command = [options.world, "rtt", options.rtt, f"{loss:g}%"]
            subprocess.run(world_command, check=True, stdout=subprocess.DEVNULL)
            found.append(measure_inside(options, loss))
    finally:
        subprocess.run([options.world, "down"], check=True)
    report(found)
    return 0


def measure_inside(options: argparse.Namespace, loss: float) -> Figures:
    """Measure at one loss in another process, inside the world."""
    command = [options.world, "exec", sys.executable, "-m", "benchmarks.loss", options.directory]
    command += ["--loss", f"{loss:g}", "--zones", str(options.zones), "--rounds", str(options.rounds)]
    command += ["--concurrency", str(options.concurrency), *(["--show"] if options.show else [])]
    done = subprocess.run([str(part) for part in command], check=True, stdout=subprocess.PIPE, text=True)
    return Figures(**json.loads(done.stdout))


async def measure(options: argparse.Namespace) -> Figures:
    """Test all zones in each round; each round has new caches and sockets."""
    zones: list[dict[str, Any]] = json.loads((options.directory / "manifest.json").read_text())["zones"]
    names = [zone["name"] for zone in zones if not zone["defects"] and not zone["tld_defects"]][: options.zones]
    profile = default_profile().merge({"net": {"allow_non_global_targets": True}})
    findings: dict[str, list[Findings]] = {name: [] for name in names}
    results: list[RunResult] = []
    packets = 0
    for _ in range(options.rounds):
        resources = Resources.open(root_hints=options.directory / "named.root")
        slots = asyncio.Semaphore(options.concurrency)
        found = await asyncio.gather(*(run_one(name, profile, resources, slots) for name in names))
        packets += resources.transport.queries
        await resources.close()
        for name, result in zip(names, found, strict=True):
            findings[name].append(findings_of(result))
        results += found
    changed = {name: differing(rounds) for name, rounds in findings.items() if len(set(rounds)) > 1}
    if options.show:
        for name, lines in changed.items():
            print(name, *sorted(lines), sep="\n    ", file=sys.stderr)
    tags = Counter(tag for lines in changed.values() for tag in {line.split(" ")[1] for line in lines})
    walls = sorted(result.duration_s for result in results)
    usage = resource.getrusage(resource.RUSAGE_SELF)
    runs = len(results)
    return Figures(
        loss=options.loss[0],
        zones=len(names),
        rounds=options.rounds,
        changed=len(changed),
        undecided=sum(any(entry.tag == "NO_ANSWER_UNDECIDED" for entry in each.entries) for each in results),
        packets_per_run=round(packets / runs, 2),
        queries_per_run=round(sum(each.queries for each in results) / runs, 2),
        wall_s_mean=round(sum(walls) / runs, 3),
        wall_s_p95=round(walls[int(0.95 * runs)], 3),
        cpu_s_per_run=round((usage.ru_utime + usage.ru_stime) / runs, 4),
        tags=dict(tags.most_common()),
    )


async def run_one(name: str, profile: Profile, resources: Resources, slots: asyncio.Semaphore) -> RunResult:
    """Test one zone."""
    async with slots:
        return await run_test(name, profile, resources=resources, keep_answers=False)


def findings_of(result: RunResult) -> Findings:
    """Return the findings at INFO and above with all arguments."""
    return frozenset(
        f"{entry.testcase} {entry.tag} {entry.level.name} {json.dumps(entry.args, sort_keys=True, default=str)}"
        for entry in result.entries
        if entry.level >= Level.INFO
    )


def differing(rounds: list[Findings]) -> Findings:
    """Return the findings that not all rounds have."""
    return frozenset.union(*rounds) - frozenset.intersection(*rounds)


def report(found: list[Figures]) -> None:
    """Print the table, and the tags that differ."""
    columns = ("loss on each way", "zones that change", "undecided runs", "queries, packets a run")
    print(f"| {' | '.join(columns)} | seconds a run, mean / p95 | CPU |")
    print("| --- | --- | --- | --- | --- | --- |")
    for each in found:
        seconds = f"{each.wall_s_mean} / {each.wall_s_p95}"
        print(
            f"| {each.loss:g} % | {each.changed} of {each.zones} in {each.rounds} rounds | {each.undecided} "
            f"| {each.queries_per_run}, {each.packets_per_run} | {seconds} | {1000 * each.cpu_s_per_run:.1f} ms |"
        )
    for each in found:
        print(f"{each.loss:g} %: {each.tags}")


if __name__ == "__main__":
    sys.exit(main())
