"""Measure the HTTP API on loopback: writes and reads at a rate, overload, and viewers together with ordinary requests.

    python -m benchmarks.api posts|reads|overload|viewers [--database postgres|sqlite] [--processes 2]
        [--rate 500] [--seconds 60] [--viewers 2000] [--jobs 200] [--json FILE]

Server, database, Redis and the load generator share the machine; the CPU of each is printed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import sqlalchemy as sa
import uvloop

from benchmarks.api.client import Generator, Outcome, get, post
from benchmarks.api.viewers import Viewer, open_viewers, publish
from gonemaster_db.core.session import Store
from gonemaster_db.core.settings import StoreSettings
from gonemaster_db.core.states import Priority
from gonemaster_db.migrations.runner import upgrade
from gonemaster_engine.open_files import raise_open_files_limit
from gonemaster_tasks.broker.client import Broker
from gonemaster_tasks.broker.embedded import EmbeddedRedis
from gonemaster_tasks.queues import tier_of
from tests.hostile._http import port_of, serving
from tests.support.postgres import PostgresServer
from tests.support.rows import claim, make_run, queue_job, record
from tests.support.service import Service, wait_for
from tests.support.stores import opened

SERVES = "event='serving'"  # the log message of each API process when it accepts connections
_TICKS = os.sysconf("SC_CLK_TCK")
_DURABLE = {"shared_buffers": "256MB", "max_wal_size": "2GB", "max_connections": "200"}
_RATES = {"posts": 500.0, "reads": 1000.0, "overload": 3000.0, "viewers": 50.0}


@dataclass
class Bench:
    """The service under measurement."""

    store: Store
    redis: EmbeddedRedis
    service: Service

    @property
    def port(self) -> int:
        return port_of(self.service)

    def cpu_s(self) -> dict[str, float]:
        """Return the CPU seconds so far: the API, the database server if there is one, Redis, this process."""
        groups = {"api": {"gonemaster_api"}, "postgres": {"postgres"}, "redis": {"valkey-server", "redis-server"}}
        found = dict.fromkeys(groups, 0.0) | {"generator": time.process_time()}
        mine = _descendants(os.getpid())
        for pid in mine:
            command = _read(f"/proc/{pid}/cmdline")
            for name, words in groups.items():
                if any(word in command for word in words):
                    fields = _read(f"/proc/{pid}/stat").rpartition(")")[2].split()
                    found[name] += (int(fields[11]) + int(fields[12])) / _TICKS if fields else 0.0
                    break
        return found

    def count(self, what: str) -> int:
        with self.store.read_only() as session:
            return int(session.execute(sa.text(what)).scalar() or 0)


def _read(path: str) -> str:
    try:
        return Path(path).read_text(errors="replace")
    except OSError:
        return ""


def _descendants(pid: int) -> set[int]:
    """Return the children of all threads, recursively."""
    children = {
        int(child) for task in Path(f"/proc/{pid}/task").glob("*/children") for child in _read(str(task)).split()
    }
    return children.union(*map(_descendants, children)) if children else set()


@contextmanager
def open_bench(database: str, processes: int, **flags: object) -> Iterator[Bench]:
    """Start the servers in a temporary directory, which is removed at the end."""
    with ExitStack() as stack:
        home = stack.enter_context(tempfile.TemporaryDirectory(prefix="gm-api-", dir="/tmp"))
        if database == "postgres":
            server = stack.enter_context(PostgresServer(_DURABLE))
            settings = StoreSettings(driver="postgres", dsn=server.url(server.create_database()))
        else:
            settings = StoreSettings(dsn=f"{home}/store.db")
        store = stack.enter_context(opened(settings))
        upgrade(store)
        redis = EmbeddedRedis(Path(home) / "redis")
        redis.start()
        stack.callback(redis.stop)
        chosen = {"api_processes": processes, **flags}
        service = stack.enter_context(serving(settings, redis, **chosen))
        wait_for(lambda: service.log.count(SERVES) >= processes, what="all API processes")
        yield Bench(store, redis, service)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=sorted(_RATES))
    parser.add_argument("--database", choices=("postgres", "sqlite"), default="postgres")
    parser.add_argument("--processes", type=int, default=2, help="API processes")
    parser.add_argument("--rate", type=float, help="requests a second")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--viewers", type=int, default=2000)
    parser.add_argument("--jobs", type=int, default=200, help="number of jobs that the viewers follow")
    parser.add_argument("--json", type=Path, help="file for the answered requests of `reads`, and their latency")
    options = parser.parse_args()
    raise_open_files_limit(20_000)
    rate = options.rate or _RATES[options.what]
    limits = {"max_viewers": options.viewers + 100, "max_viewers_per_client": options.viewers + 100}
    with open_bench(options.database, options.processes, **limits) as bench:
        load, before, started_at = os.getloadavg()[0], bench.cpu_s(), time.perf_counter()
        if options.what == "viewers":
            uvloop.run(measure_viewers(bench, rate, options))
        else:
            measure = measure_reads if options.what == "reads" else measure_posts
            figures = uvloop.run(measure(bench, rate, options.seconds))
            if options.json:
                options.json.write_text(json.dumps(figures))
        took, after = time.perf_counter() - started_at, bench.cpu_s()
        used = {name: f"{(after[name] - seconds) / took:.2f}" for name, seconds in before.items()}
        print(f"cores used: {used}; {took:.0f} s; load before {load:.1f}")


async def measure_posts(bench: Bench, rate: float, seconds: float) -> dict[str, float]:
    """Submit jobs, and count the jobs in the database."""
    at_first = bench.count("SELECT count(*) FROM jobs")
    outcome = await Generator(bench.port).run(
        lambda number: post("/api/v1/jobs", json.dumps({"domain": f"d{number}.example"}).encode()),
        rate=rate,
        seconds=seconds,
    )
    print(f"POST /jobs at {rate:.0f}/s: {outcome.report()}")
    stored = bench.count("SELECT count(*) FROM jobs") - at_first
    messages = len_of_queue(bench)
    print(f"201: {outcome.statuses['201']}, rows: {stored}, messages: {messages}")
    return outcome.figures("201")


def len_of_queue(bench: Bench) -> int:
    with closing(Broker.open(bench.redis.url)) as broker, closing(broker.address.connect()) as client:
        return int(client.llen(tier_of(Priority.NORMAL)))


async def measure_reads(bench: Bench, rate: float, seconds: float) -> dict[str, float]:
    """Read jobs, runs, a page of runs and the queue in turn."""
    jobs = [queue_job(bench.store, f"d{number}.example").id for number in range(200)]
    # Store the score as workers do, because otherwise the first read of each run computes and writes it.
    found = record("INFO", "WARNING", score=90, grade="B")
    runs = [make_run(bench.store, f"r{number}.example", found).id for number in range(200)]

    def path(number: int) -> str:
        one = number // 4 % 200
        return (f"/jobs/{jobs[one]}", f"/runs/{runs[one]}", f"/jobs/{runs[one]}", "/runs?limit=20")[number % 4]

    outcome = await Generator(bench.port).run(lambda number: get(f"/api/v1{path(number)}"), rate=rate, seconds=seconds)
    print(f"reads at {rate:.0f}/s: {outcome.report()}")
    return outcome.figures("200")


async def measure_viewers(bench: Bench, rate: float, options: argparse.Namespace) -> None:
    """Open the viewers, publish events of their jobs, and send other requests meanwhile."""
    jobs = [claim(bench.store, queue_job(bench.store, f"d{number}.example").id).id for number in range(options.jobs)]
    started_at = time.perf_counter()
    viewers = await open_viewers(bench.port, jobs, options.viewers // options.jobs)
    print(f"{len(viewers)} viewers open after {time.perf_counter() - started_at:.1f} s, refused: {refused(viewers)}")
    loop = asyncio.get_running_loop()
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        publishing = loop.run_in_executor(pool, partial(publish, bench.redis.url, jobs, options.seconds))
        outcome = await poll_jobs(bench, jobs, rate, options.seconds)
        sent = await publishing
    started_at = time.perf_counter()
    _, open_streams = await asyncio.wait([asyncio.ensure_future(viewer.ended.wait()) for viewer in viewers], timeout=20)
    of_each = sent / len(jobs) + 2  # in addition to the events `state` and `done`
    lacking = sum(viewer.events != of_each for viewer in viewers)
    print(f"reads at {rate:.0f}/s at the same time: {outcome.report()}")
    print(f"{sent} events sent, {sum(viewer.events for viewer in viewers)} received; viewers with fewer: {lacking}")
    print(f"open {time.perf_counter() - started_at:.1f} s after the end: {len(open_streams)}")


async def poll_jobs(bench: Bench, jobs: list[str], rate: float, seconds: float) -> Outcome:
    return await Generator(bench.port).run(
        lambda number: get(f"/api/v1/jobs/{jobs[number % len(jobs)]}"), rate=rate, seconds=seconds
    )


def refused(viewers: list[Viewer]) -> int:
    return sum(viewer.refused for viewer in viewers)


if __name__ == "__main__":
    main()
