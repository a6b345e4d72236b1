"""Measure the metrics of a store: the first aggregation of its runs, then requests.

    python -m benchmarks.metrics --db-driver postgres --db-dsn DSN [--waiting 100000]

The store is migrated, and its runs are aggregated; `python -m benchmarks.store` can create a million runs. `--waiting`
queues a number of jobs first. Two days of slots with thirty routes are written as well.
"""

from __future__ import annotations

import argparse
import statistics
import time
from contextlib import closing
from typing import Any

from sqlalchemy import func, select

from gonemaster_api.app import create_app
from gonemaster_api.state import NAME, State
from gonemaster_api.web.exporter import LATENCY_BOUNDS_MS
from gonemaster_db.core.clock import utcnow
from gonemaster_db.core.records import NewJob
from gonemaster_db.core.session import Store, open_store
from gonemaster_db.migrations.runner import upgrade
from gonemaster_db.models import Run
from gonemaster_db.queue.jobs import create_jobs
from gonemaster_db.service.metrics.following import STEP, follow_runs
from gonemaster_db.service.metrics.slots import KEPT_S, SlotSums, add_to_slots, write_latencies
from gonemaster_tasks.broker.embedded import EmbeddedRedis
from gonemaster_tasks.config.loader import load_settings
from gonemaster_tasks.config.store import store_settings
from gonemaster_tasks.control.parts import open_queue
from tests.support.redis import fresh_server

_ROUTES = 30
_REPEATS = 15


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--db-driver", default="sqlite")
    parser.add_argument("--db-dsn", required=True)
    parser.add_argument("--waiting", type=int, default=0)
    options = parser.parse_args()
    servers = fresh_server()
    redis: EmbeddedRedis = next(servers)
    flags = {"db_driver": options.db_driver, "db_dsn": options.db_dsn, "broker_url": redis.url, "data_dir": "/tmp"}
    settings = load_settings(flags, {})
    with closing(open_store(store_settings(settings))) as store:
        upgrade(store)
        _follow(store)
        _fill(store, options.waiting)
        app = create_app(settings, queue=open_queue(settings, store))
        _requests(app.test_client(), app.extensions[NAME])
    next(servers, None)


def _follow(store: Store) -> None:
    with store.read_only() as session:
        runs = session.scalar(select(func.count()).select_from(Run)) or 0
    started_at, cpu, steps = time.perf_counter(), time.process_time(), []
    while True:
        step_began = time.perf_counter()
        followed = store.run_in_transaction(lambda session: follow_runs(session, now=utcnow()))
        steps.append(time.perf_counter() - step_began)
        if followed < STEP:
            break
    took, cpu = time.perf_counter() - started_at, time.process_time() - cpu
    each = f"{cpu / runs * 1e6:.1f} us of CPU in this process a run" if runs else "no runs"
    print(f"{runs} runs aggregated in {took:.1f} s, {each}; longest step {max(steps):.2f} s")


def _fill(store: Store, waiting: int) -> None:
    now = int(time.time())
    routes = {f"GET /api/v1/r{number}": [number] * (len(LATENCY_BOUNDS_MS) + 1) for number in range(_ROUTES)}
    slots = [
        (length, start // length * length)
        for length, kept in KEPT_S.items()
        for start in range(now - kept, now, length)
    ]
    with store.transaction() as session:
        add_to_slots(session, {slot: SlotSums(1, 0, 3, 5, 5, 5, 5) for slot in slots})
        for source in ("benchmark-1", "benchmark-2"):
            write_latencies(session, source, dict.fromkeys(slots, routes))
        if waiting:
            for _ in create_jobs(session, (NewJob(f"w{number}.example") for number in range(waiting))):
                pass


def _requests(client: Any, state: State) -> None:
    state.recent.forget()
    took, cpu = _timed(client, "", state)
    print(f"the first of a process: {took * 1000:.1f} ms, CPU of this process {cpu * 1000:.1f} ms")
    for name, query in (
        ("everything", ""),
        ("without trends", "?include=health,jobs,api,quality,insights"),
        ("trends", "?include=trends"),
        ("jobs", "?include=jobs"),
        ("Prometheus", "?format=prom"),
    ):
        size = len(client.get(f"/api/v1/metrics{query}").data)
        measured = [_timed(client, query, state) for _ in range(_REPEATS)]
        times, cpus = zip(*measured, strict=True)
        shown = (
            f"{statistics.median(times) * 1000:.1f} ms (best {min(times) * 1000:.1f}, worst {max(times) * 1000:.1f})"
        )
        print(f"{name}: {shown}, CPU of this process {statistics.median(cpus) * 1000:.1f} ms, {size / 1024:.0f} KiB")


def _timed(client: Any, query: str, state: State) -> tuple[float, float]:
    """Return seconds and CPU seconds of a request without a cached document."""
    state.recent.forget(lambda key: key != "points")
    started_at, cpu = time.perf_counter(), time.process_time()
    answer = client.get(f"/api/v1/metrics{query}")
    took = time.perf_counter() - started_at, time.process_time() - cpu
    assert answer.status_code == 200, answer.text
    return took


if __name__ == "__main__":
    main()
