"""`make lab`: cause all faults, or those whose names contain a word, and print the table. A broken invariant fails."""

import argparse
import os
import re
import shutil
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import chain, groupby
from pathlib import Path

import pytest

from tests.distributed.lab.report import recorded, row, table, write
from tests.distributed.lab.scenarios import SCENARIOS, Scenario, attempt
from tests.distributed.lab.services import SLOTS, Lab, Shape, open_lab

BATCH = 300  # jobs of one second each


def main(arguments: list[str]) -> int:
    """Return 1 if an invariant does not hold or a fault could not be injected."""
    parser = argparse.ArgumentParser(description="faults on hosts that are namespaces; as root")
    parser.add_argument("--only", default="", help="a regular expression for the names of the faults")
    parser.add_argument("--batch", type=int, default=BATCH, help="jobs of a second each in a batch, for each fault")
    parser.add_argument("--keep", type=Path, help="a directory for the logs of all hosts and the starts of jobs")
    parser.add_argument("--write", action="store_true", help="write the table to benchmarks/RESULTS.md")
    options = parser.parse_args(arguments)
    chosen = [scenario for scenario in SCENARIOS if re.search(options.only, scenario.name)]
    rows: list[list[str]] = []
    troubles: list[str] = []
    loads: list[float] = []
    try:
        for _, group in groupby(chosen, key=lambda scenario: (scenario.shape, scenario.spoils and scenario.name)):
            _do(list(group), options, rows, troubles, loads)
    finally:
        print(table(rows))
        print(*troubles, sep="\n")
        if options.write and rows:
            write(rows, heading(options.batch, loads), [scenario.name for scenario in SCENARIOS])
    return 1 if troubles else 0


def heading(batch: int, loads: Sequence[float]) -> str:
    """Return the text above the table: the lab, its load, and the other load of the machine in the last run."""
    shape = Shape()
    return (
        f"{os.cpu_count()} cores, default settings, {shape.workers} worker hosts of {SLOTS} slots,"
        f" {shape.apis} API hosts, {shape.beats} beat hosts;\nfor each fault a batch of {batch} jobs of a second,"
        " and a client at each API host that submits an interactive job every half second;"
        f"\nload average {min(loads):.0f} to {max(loads):.0f}:"
    )


def _do(
    group: list[Scenario],
    options: argparse.Namespace,
    rows: list[list[str]],
    troubles: list[str],
    loads: list[float],
) -> None:
    """Inject faults in one lab, one after another; after a failure the others get another lab."""
    waiting = iter(group)
    while (first := next(waiting, None)) is not None:
        scenario = first
        try:
            with open_lab(first.shape) as lab, kept_logs(lab, options.keep):
                for scenario in chain([first], waiting):
                    verdict, trial = attempt(lab, scenario, batch=options.batch)
                    loads.append(os.getloadavg()[0])
                    rows.append(row(scenario.name, verdict, trial.note, when=recorded()))
                    troubles += [f"{scenario.name}: {breach}" for breach in verdict.breaches]
                    print(table(rows[-1:]).splitlines()[-1], f"load {loads[-1]:.0f},", end=" ")
                    print(f"this machine late by {verdict.machine_late_s:.1f} s at most", flush=True)
        except pytest.skip.Exception as reason:
            troubles.append(f"{scenario.name}: not done: {reason}")
        except Exception as error:  # noqa: BLE001 - any failure: the other rows are done, and the table is printed
            troubles.append(f"{scenario.name}: {type(error).__name__}: {error}")
            print(troubles[-1], flush=True)


@contextmanager
def kept_logs(lab: Lab, target: Path | None) -> Iterator[None]:
    """Copy the logs of a lab's hosts if requested."""
    try:
        yield
    finally:
        if target is not None:
            (target / lab.directory.name).mkdir(parents=True, exist_ok=True)
            for file in lab.directory.glob("*.[lj]*"):
                shutil.copy(file, target / lab.directory.name)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # removes files, too
    sys.exit(main(sys.argv[1:]))
