"""Measure the queue on PostgreSQL and Redis: a large batch, operators' controls over it, throughput, starts.

    python -m benchmarks.queue [--jobs 100000] [--timed 10000] [--workers 2] [--slots 16] [--submit-only] [--json FILE]

This is a directory because a file queue.py would hide Python's `queue` from the neighbouring scripts. All servers are
private and share the cores of this machine; PostgreSQL commits durably (fsync on), Redis writes its append-only file.
The engine is a stand-in of 0 ms with the entries of a sweep, 100 per run, so the figures cover only queue and store.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.queue.rig import Rig, open_rig, wait_until

Figures = dict[str, Any]
_SOME = 100  # jobs of one move or removal
_NORMAL_JOBS = 30


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--jobs", type=int, default=100_000, help="jobs in the batch")
    parser.add_argument("--timed", type=int, default=10_000, help="jobs over which throughput is measured")
    parser.add_argument("--workers", type=int, default=2, help="worker processes")
    parser.add_argument("--slots", type=int, default=16, help="slots of each worker process")
    parser.add_argument("--submit-only", action="store_true", help="only the submission and its memory")
    parser.add_argument("--json", type=Path, help="write the figures there; a file from before is compared with")
    options = parser.parse_args()
    with open_rig(slots=options.slots) as rig:
        figures = measure(rig, options)
    report(figures, options.json)


def measure(rig: Rig, options: argparse.Namespace) -> Figures:
    figures: Figures = {
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "cores": os.cpu_count(),
        "load_before": round(os.getloadavg()[0], 1),
        "postgres": str(rig.value("SHOW server_version")),
        "redis": rig.redis_info("server")["redis_version"],
        "jobs": options.jobs,
    }
    figures |= submit(rig, options.jobs)
    if options.submit_only:
        return figures
    figures |= control(rig)
    rig.start_workers(options.workers)
    figures |= throughput(rig, options)
    figures |= starts(rig)
    return figures


def submit(rig: Rig, jobs: int) -> Figures:
    """Submit all jobs in one POST; memory is the growth of Redis."""
    body = {"domains": [f"zone-{number}.example" for number in range(jobs)]}
    before = rig.redis_info("memory")["used_memory"]
    took_s, answer = timed(lambda: rig.post("/jobs/batch", body))
    assert answer["job_count"] == jobs == rig.broker.lists.depth("batch"), answer["job_count"]
    used = rig.redis_info("memory")["used_memory"] - before
    return {"post_s": round(took_s, 2), "redis_bytes_per_waiting_job": round(used / jobs)}


def control(rig: Rig) -> Figures:
    """Measure the operators' controls while all jobs wait and no worker runs."""
    ids = list(rig.broker.lists.waiting_ids("batch"))
    reorder_s, _ = timed(lambda: rig.post("/queue/reorder", {"job_ids": ids[::-1]}))
    assert next(rig.broker.lists.waiting_ids("batch")) == ids[-1]
    middle = ids[len(ids) // 2 :]
    moves = [
        timed(partial(rig.post, "/queue/move", {"job_ids": some, "to": "front"}))[0] for some in slices_of(middle, 5)
    ]
    removals = [timed(partial(rig.post, "/queue/remove", {"job_ids": some}))[0] for some in slices_of(middle, 5)]
    pauses = [timed(lambda: rig.post("/queue/pause", {}))[0] for _ in range(3)]
    views = [timed(lambda: rig.get("/queue"))[0] for _ in range(5)]
    rig.post("/queue/resume", {})
    return {
        "reorder_s": round(reorder_s, 2),
        "move_100_ms": worst_ms(moves),
        "remove_100_ms": worst_ms(removals),
        "pause_call_ms": worst_ms(pauses),
        "get_queue_ms": worst_ms(views),
    }


def slices_of(ids: list[str], count: int) -> list[list[str]]:
    return [ids[number * _SOME : (number + 1) * _SOME] for number in range(count)]


def throughput(rig: Rig, options: argparse.Namespace) -> Figures:
    """Let the workers run; then pause, and measure when the last job started."""
    wait_until(lambda: runs(rig) >= min(2000, options.timed // 5), within_s=120)  # threads and connections are created
    counted, cpu = rig.counters(), rig.cpu_s()
    start, first = time.perf_counter(), runs(rig)
    wait_until(lambda: runs(rig) >= first + options.timed, within_s=600, every_s=0.25)
    took_s, done = time.perf_counter() - start, runs(rig) - first
    cpu_after = rig.cpu_s()
    figures = {"jobs_per_s": round(done / took_s, 1), "us_per_job": round(took_s / done * 1e6)}
    figures |= {
        f"cpu_us_per_job_{name}": round((cpu_after[name] - seconds) / done * 1e6) for name, seconds in cpu.items()
    }
    return figures | per_job(rig, counted, first) | pause_of_workers(rig)


def per_job(rig: Rig, before: dict[str, int], first: int) -> Figures:
    """Return the work of the servers per job. Workers continue meanwhile, so runs are counted again."""
    after = rig.counters()
    done = runs(rig) - first
    return {f"{name}_per_job": round((after[name] - value) / done, 1) for name, value in before.items()}


def pause_of_workers(rig: Rig) -> Figures:
    """Return the milliseconds from the request to the last start of a batch job on any worker."""
    asked = datetime.now(UTC)
    rig.post("/queue/pause", {"tier": "batch"})
    time.sleep(2.5)
    wait_until(lambda: rig.value("SELECT count(*) FROM jobs WHERE status = 'running'") == 0, within_s=30)
    last = rig.value("SELECT max(started_at) FROM runs")
    return {"pause_takes_effect_ms": round(max(0.0, (last - asked).total_seconds() * 1000))}


def starts(rig: Rig) -> Figures:
    """Start normal jobs, one at a time: measure from before the request to the start, with a full batch tier."""
    waits = [normal_start_ms(rig, number) for number in range(_NORMAL_JOBS)]
    rig.post("/queue/resume", {})
    wait_until(lambda: rig.value("SELECT count(*) FROM jobs WHERE status = 'running'") > 0, within_s=30)
    busy = [normal_start_ms(rig, _NORMAL_JOBS + number) for number in range(_NORMAL_JOBS)]
    return {
        "normal_start_ms_median": round(statistics.median(waits), 1),
        "normal_start_ms_worst": round(max(waits), 1),
        "normal_start_in_sweep_ms_median": round(statistics.median(busy), 1),
        "normal_start_in_sweep_ms_worst": round(max(busy), 1),
    }


def normal_start_ms(rig: Rig, number: int) -> float:
    asked = datetime.now(UTC)
    job_id = rig.post("/jobs", {"domain": f"normal-{number}.example"})["id"]
    query = f"SELECT started_at FROM runs WHERE id = '{job_id}'"
    wait_until(lambda: rig.value(query) is not None, within_s=30)
    return float((rig.value(query) - asked).total_seconds() * 1000)


def runs(rig: Rig) -> int:
    return int(rig.value("SELECT count(*) FROM runs"))


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    start = time.perf_counter()
    answer = work()
    return time.perf_counter() - start, answer


def worst_ms(seconds: list[float]) -> float:
    return round(max(seconds) * 1000, 1)


def report(figures: Figures, file: Path | None) -> None:
    before = json.loads(file.read_text()) if file and file.exists() else {}
    for name, value in figures.items():
        then = f"   before: {before[name]}" if before.get(name, value) != value else ""
        print(f"{name:32} {value}{then}")
    if file:
        file.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
