"""Measure a purge by age over a seeded database: its steps, and the delays of a concurrent reader and writer.

    python -m benchmarks.purge --driver postgres --runs 20000

The steps are those of the service. The reader requests the newest runs, the writer queues, starts and ends a job, at
the rates of a busy service (--reads, --writes; 0 means without pauses, so that they and the purge compete for the
processors).
The database is private, and removed at the end; with --seeded it is a copy of that database.
"""

from __future__ import annotations

import argparse
import os
import threading
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.orm import Session

from benchmarks.job_cost import records
from benchmarks.seed import BEGIN, ENTRIES_PER_RUN, Size, seed
from benchmarks.store import chosen_store, copied, opened, p95
from benchmarks.sweep.sample import sweep
from gonemaster_db.batches.deletion import purge_finished_before
from gonemaster_db.core.clock import utcnow
from gonemaster_db.core.filters import RunFilter
from gonemaster_db.core.purging import purge_in_steps
from gonemaster_db.core.records import NewJob
from gonemaster_db.core.session import Store
from gonemaster_db.queue.jobs import claim_job, create_job
from gonemaster_db.runs.graduation import graduate_job
from gonemaster_db.runs.runs import list_runs
from gonemaster_engine.memory import collect_rarely

_ALONE_S = 5.0
_BEHIND_THE_SEED = BEGIN + timedelta(days=10_000)


@dataclass(frozen=True)
class Rates:
    """How often a second the reader and the writer start; 0 is without a pause."""

    reads: float
    writes: float


class Companion:
    """A thread that repeats an action and records the duration of each call."""

    def __init__(self, work: Callable[[], None], rate: float) -> None:
        self.times_ms: list[float] = []
        self._work = work
        self._interval_s = 1 / rate if rate else 0.0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._repeat, daemon=True)
        self._thread.start()

    def _repeat(self) -> None:
        due = time.perf_counter()
        while not self._ended.wait(max(0.0, due - time.perf_counter())):
            begin = time.perf_counter()
            self._work()
            self.times_ms.append((time.perf_counter() - begin) * 1000)
            due = max(due + self._interval_s, time.perf_counter() - self._interval_s)

    def stop(self) -> str:
        self._ended.set()
        self._thread.join()
        times = self.times_ms
        return f"{len(times)} times, 95th percentile {p95(times):.1f} ms, worst {max(times):.0f} ms"


def companions(store: Store, rates: Rates) -> dict[str, Companion]:
    numbers, results = count(), records(sweep())

    def read() -> None:
        with store.read_only() as session:
            list_runs(session, RunFilter(), sort="finished_at_desc", limit=100)

    def write() -> None:
        now = utcnow()
        with store.transaction() as session:
            job = create_job(session, NewJob(f"fresh{next(numbers)}.example"), now=now)
        with store.transaction() as session:
            claimed = claim_job(session, job.id, worker="w", now=now, lease=timedelta(minutes=5))
            assert claimed is not None
        record = next(results)
        store.run_in_transaction(
            lambda session: graduate_job(session, job.id, worker="w", attempt=claimed.attempt, record=record)
        )

    return {"reader": Companion(read, rates.reads), "writer": Companion(write, rates.writes)}


def measure(store: Store, size: Size, rates: Rates, share: float) -> None:
    beside = companions(store, rates)
    time.sleep(_ALONE_S)
    for name, companion in beside.items():
        print(f"{name} alone: {companion.stop()}")
    beside = companions(store, rates)
    cutoff = BEGIN + timedelta(minutes=int(size.runs * share))  # runs are seeded one minute apart
    _purge(store, "with both at the same time", cutoff=cutoff)
    for name, companion in beside.items():
        print(f"{name} at the same time: {companion.stop()}")
    if share < 1:
        _purge(store, "alone", cutoff=_BEHIND_THE_SEED)


def _purge(store: Store, title: str, *, cutoff: datetime) -> None:
    taken: list[float] = []
    cpu_s = 0.0

    def step(session: Session, size: int) -> int:
        nonlocal cpu_s
        clock = server_clock(session)
        started_at, cpu_began = time.perf_counter(), clock()
        removed = purge_finished_before(session, cutoff, limit=size)
        taken.append(time.perf_counter() - started_at)
        cpu_s += clock() - cpu_began
        return removed

    begin = time.perf_counter()
    portions = list(purge_in_steps(store, step))
    passed = time.perf_counter() - begin
    print(
        f"purge {title}: {sum(portions)} runs in {passed:.1f} s ({sum(portions) / passed:.0f} runs/s),"
        f" {len(portions)} steps of {min(portions)} to {max(portions)} runs,"
        f" 95th percentile {p95(taken) * 1000:.0f} ms, longest {max(taken) * 1000:.0f} ms,"
        f" {cpu_s / sum(portions) * 1e6:.0f} us of CPU of the database a run; load {os.getloadavg()[0]:.1f}"
    )


def server_clock(session: Session) -> Callable[[], float]:
    """Return the CPU time of the process that serves a session, for SQLite that of this thread."""
    if session.get_bind().dialect.name == "sqlite":
        return time.thread_time
    process = Path(f"/proc/{session.execute(text('SELECT pg_backend_pid()')).scalar_one()}/schedstat")
    return lambda: int(process.read_text().split()[0]) / 1e9


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--driver", choices=("postgres", "sqlite"), default="postgres")
    parser.add_argument("--runs", type=int, default=20_000)
    parser.add_argument("--seeded", default="", metavar="DSN", help="purge a copy of this database")
    parser.add_argument(
        "--reads", type=float, default=50.0, help="list requests per second at the same time; 0: without pause"
    )
    parser.add_argument("--writes", type=float, default=20.0, help="jobs per second at the same time; 0: without pause")
    parser.add_argument("--beside", type=float, default=0.5, metavar="SHARE", help="share of runs deleted under load")
    options = parser.parse_args()
    size = Size(options.runs)
    collect_rarely()
    with (
        chosen_store(options.driver, options.seeded) as settings,
        copied(settings) if options.seeded else nullcontext(settings) as used,
        opened(used) as store,
    ):
        if not options.seeded:
            seed(store, size)
        print(f"{options.driver}: {size.runs} runs, {size.runs * ENTRIES_PER_RUN} entries")
        measure(store, size, Rates(options.reads, options.writes), options.beside)


if __name__ == "__main__":
    main()
