"""Measure the whole stack: zones of a test world by one POST /jobs/batch, a database, Redis, real workers.

Inside the world's namespace, in the repository's root:

    python -m benchmarks.stack --world DIR [--zones 600] [--workers 2] [--slots 16] [--rounds 1] [--json FILE]
        [--driver sqlite] [--mixed] [--set KEY=VALUE ...] [--with-cohort]

The zones are those without defects; with `--mixed` all zones in the order of the world, including those with silent
servers. `--set` sets settings, such as nameserver_qps=0.

With `--with-cohort` there is a cohort without any of these domains, and every second batch has snapshot intent: this
measures the cost of the analysis for operators who do not use it.

The servers are private and share the cores of this machine with the workers and with the world's name servers. If
other work shares them too, compare the CPU per job, in alternating rounds.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path
from typing import Any

from benchmarks.queue.rig import Rig, open_rig, wait_until

Figures = dict[str, Any]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--world", type=Path, required=True, help="directory with manifest.json and named.root")
    parser.add_argument("--zones", type=int, default=600, help="zones of one batch")
    parser.add_argument("--driver", choices=("postgres", "sqlite"), default="postgres")
    parser.add_argument("--mixed", action="store_true", help="all zones, including those with silent servers")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="a setting; repeatable")
    parser.add_argument("--workers", type=int, default=2, help="worker processes")
    parser.add_argument("--slots", type=int, default=16, help="slots of each worker process")
    parser.add_argument("--rounds", type=int, default=1, help="batches, one after the other")
    parser.add_argument("--with-cohort", action="store_true", help="every second batch with snapshot intent")
    parser.add_argument("--json", type=Path, help="file for the figures of all rounds")
    options = parser.parse_args()
    names = (all_zones if options.mixed else clean_zones)(options.world)[: options.zones]
    flags = world_settings(options.world) | dict(each.split("=", 1) for each in options.set)
    with open_rig(slots=options.slots, driver=options.driver, **flags) as rig:
        rig.start_workers(options.workers, "gonemaster_tasks.worker")
        warm_up(rig, clean_zones(options.world))
        if options.with_cohort:
            rig.post("/analysis/cohorts", {"source_tag": "others", "analysis_enabled": True})
        rounds = [
            measure(rig, names, snapshot_intent=options.with_cohort and number % 2 == 1)
            for number in range(options.rounds)
        ]
    for figures in rounds:
        print("  ".join(f"{name} {value}" for name, value in figures.items()), flush=True)
    if options.json:
        options.json.write_text(json.dumps(rounds, indent=1) + "\n")


def world_settings(world: Path) -> dict[str, str]:
    """Return the settings of a worker that tests the zones of a world."""
    return {"root_hints_path": str(world / "named.root"), "allow_non_global": "true"}


def clean_zones(world: Path) -> list[str]:
    """Return the names of the zones without defects in the zone or its TLD."""
    zones = json.loads((world / "manifest.json").read_text())["zones"]
    return [zone["name"] for zone in zones if not zone["defects"] and not zone["tld_defects"]]


def all_zones(world: Path) -> list[str]:
    """Return the names of the zones in the order of the world, which is random."""
    return [zone["name"] for zone in json.loads((world / "manifest.json").read_text())["zones"]]


def warm_up(rig: Rig, names: list[str]) -> None:
    """Let threads, connections and caches of the TLDs be created."""
    run_batch(rig, names[:60])


def measure(rig: Rig, names: list[str], *, snapshot_intent: bool = False) -> Figures:
    counted, load = rig.counters(), os.getloadavg()[0]
    cpu, start = rig.cpu_s(), time.perf_counter()
    run_batch(rig, names, snapshot_intent=snapshot_intent)
    took_s, after = time.perf_counter() - start, rig.cpu_s()
    count = len(names)
    # These include the polling of the benchmark.
    work = {f"{name}_per_job": round((now - counted[name]) / count, 2) for name, now in rig.counters().items()}
    cpu_ms = {name: (after[name] - seconds) / count * 1000 for name, seconds in cpu.items()}
    return {
        "zones": count,
        **({"snapshot_intent": True} if snapshot_intent else {}),
        "zones_per_minute": round(count / took_s * 60),
        **{f"cpu_ms_per_job_{name}": round(value, 2) for name, value in cpu_ms.items()},
        "cpu_ms_per_job": round(sum(cpu_ms.values()), 2),
        **work,
        "load_before": round(load, 1),
    }


def run_batch(rig: Rig, names: list[str], **wishes: bool) -> None:
    """Submit and wait for the end; a run that did not succeed ends the measurement."""
    batch_id = rig.post("/jobs/batch", {"domains": names, **wishes})["batch_id"]
    progress = f"SELECT count(*) FROM runs JOIN batches ON batches.key = runs.batch_key WHERE batches.id = '{batch_id}'"
    wait_until(lambda: rig.value(progress) == len(names), within_s=600, every_s=0.2)
    failed = rig.value(f"{progress} AND runs.status <> 0")
    assert failed == 0, f"{failed} runs of {len(names)} did not succeed"


if __name__ == "__main__":
    main()
