"""Compare the fourteen test cases that only this engine has with the second implementation in tests/reference.

Inside the network namespace in which a generated test world is served (README.md in this directory):

    world.sh exec python -m benchmarks.second_implementation DIR [--zones 1000] [--first 0] [--jobs 2]

Both run on each zone, one in four without IPv6; tags, levels and arguments are compared. A difference counts only if
it persists with longer timeouts: both send a query once, so zones with a server that loses packets are skipped. Exit
code 1: there are differences. A zone that does not exist, or has only unhealthy servers, is not compared.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final

from tests.reference.comparing import DENIAL_LABEL, differences, engine_entries, reference_entries
from tests.reference.judge import CASES
from tests.reference.subject import Options

PATIENCE_S: Final = (2.0, 10.0, 20.0)
PORT: Final = 53
IPV6_OFF: Final = 4  # one zone in this number


def compared(numbered: tuple[int, dict[str, Any]], *, hints: str) -> tuple[str, list[str], list[str]]:
    """Return the zone, the findings of only one side, and the tags of the engine."""
    number, zone = numbered
    options = Options(ipv6=number % IPV6_OFF != 0, denial_label=DENIAL_LABEL)
    found: list[str] = []
    tags: list[str] = []
    for patience_s in PATIENCE_S:
        patient = dataclasses.replace(options, timeout_s=patience_s)
        first = engine_entries(zone["name"], patient, CASES, hints=hints, port=PORT)
        second = reference_entries(zone["name"], patient, CASES, hints=hints, port=PORT) if first else []
        found, tags = differences(first, second), [entry[1] for entry in first]
        if first and not found:
            break
    return zone["name"], found, tags


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("directory", type=Path, help="directory of the test world, with manifest.json and named.root")
    parser.add_argument("--zones", type=int, default=1000)
    parser.add_argument("--first", type=int, default=0, help="number of the first zone")
    parser.add_argument("--jobs", type=int, default=2, help="zones at a time")
    options = parser.parse_args()
    zones = json.loads((options.directory / "manifest.json").read_text())["zones"]
    zones = [zone for zone in zones if all(defect["name"] != "server_flaky" for defect in zone["defects"])]
    chosen = list(enumerate(zones))[options.first : options.first + options.zones]
    hints = (options.directory / "named.root").read_text()
    differing, without, entries = 0, 0, Counter[str]()
    with ProcessPoolExecutor(options.jobs, mp_context=get_context("spawn")) as pool:
        for (_, zone), (name, found, tags) in zip(
            chosen, pool.map(partial(compared, hints=hints), chosen), strict=True
        ):
            entries.update(tags)
            differing += bool(found)
            without += not tags
            if found:
                defects = [defect["name"] for defect in (*zone["defects"], *zone["tld_defects"])]
                print(f"{name} ({', '.join(defects) or 'no defects'}; {zone['signing']})")
                print("".join(f"    {text}\n" for text in found), end="", flush=True)
    print(
        f"{len(chosen)} zones, {entries.total()} entries with {len(entries)} tags; {differing} zones differ, "
        f"{without} gave nothing to compare"
    )
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
