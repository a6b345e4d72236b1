"""Measure the lists of the API, deletion and purge over a seeded database.

    python -m benchmarks.store --driver postgres --runs 200000
    python -m benchmarks.store --driver sqlite --runs 20000

Each list of the HTTP contract (sections 2.3, 3 and 4) is requested with every filter and sort, through the application
but without a socket. The output has the 95th percentiles; for probes over the limit also the plans of their
statements. The database is private and removed at the end; a database named with --seeded is left unchanged.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import event, make_url, text

from benchmarks.lists import Probe, pairs_of_filters, probes
from benchmarks.removal import measure_removal
from benchmarks.seed import ENTRIES_PER_RUN, Size, seed
from gonemaster_api.app import create_app
from gonemaster_db.core.session import Store, open_store
from gonemaster_db.core.settings import StoreSettings
from gonemaster_db.migrations.runner import upgrade
from gonemaster_engine.memory import collect_rarely
from gonemaster_tasks.broker.embedded import EmbeddedRedis
from gonemaster_tasks.config.loader import load_settings
from gonemaster_tasks.control.parts import open_queue
from tests.support.postgres import PostgresServer

LIMIT_MS = 100.0
_RUN = timedelta(days=1)
POSTGRES = {
    "shared_buffers": "512MB",
    "effective_cache_size": "2GB",
    "random_page_cost": "1.1",
    "max_wal_size": "4GB",
    "max_parallel_workers_per_gather": "0",
    "maintenance_work_mem": "256MB",
}


@dataclass(frozen=True)
class Measured:
    """Times of one probe in milliseconds; the first call, which fills caches, is reported separately."""

    probe: Probe
    first_ms: float
    times_ms: list[float]

    @property
    def p95_ms(self) -> float:
        return p95(self.times_ms)

    @property
    def best_ms(self) -> float:
        return min(self.times_ms)


def p95(values: list[float]) -> float:
    return statistics.quantiles(values, n=20, method="inclusive")[-1] if len(values) > 1 else values[0]


@dataclass(frozen=True)
class Bench:
    """An application over a seeded store."""

    store: Store
    client: FlaskClient

    def cpu_clock(self) -> Callable[[], float]:
        """Return the CPU seconds of this thread and of its database server process: other load does not count."""
        if self.store.engine.dialect.name == "sqlite":
            return time.thread_time
        with self.store.read_only() as session:
            backend = Path(f"/proc/{session.execute(text('SELECT pg_backend_pid()')).scalar_one()}/schedstat")
        return lambda: time.thread_time() + int(backend.read_text().split()[0]) / 1e9

    def call(self, probe: Probe) -> None:
        answer = self.client.get(probe.url)
        # 409: values of a batch that still runs; 404: no chain is stored; pending: values that are not counted yet
        pending = answer.status_code == 503 and "statistics_pending" in answer.text
        assert pending or answer.status_code in (200, 404, 409), (probe.url, answer.text)

    def measure(self, probe: Probe, repeats: int, *, cpu: bool) -> Measured:
        clock = self.cpu_clock() if cpu else time.perf_counter
        times = []
        for _ in range(repeats + 1):
            begin = clock()
            self.call(probe)
            times.append((clock() - begin) * 1000)
        return Measured(probe, times[0], times[1:])

    def plans(self, probe: Probe) -> Iterator[str]:
        """Return the plans of the statements of a probe in order."""
        statements: list[tuple[str, Any]] = []

        def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
            if not statement.startswith("SET "):  # a transaction statement, which has no plan
                statements.append((statement, parameters))

        event.listen(self.store.engine, "before_cursor_execute", note)
        self.call(probe)
        event.remove(self.store.engine, "before_cursor_execute", note)
        prefix = (
            "EXPLAIN (ANALYZE, BUFFERS)" if self.store.engine.dialect.name == "postgresql" else "EXPLAIN QUERY PLAN"
        )
        with self.store.engine.connect() as connection:
            for statement, parameters in statements:
                yield "  " + " ".join(statement.split())[-400:]
                for row in connection.exec_driver_sql(f"{prefix} {statement}", parameters):
                    yield f"    {row[-1]}"


def report(bench: Bench, measured: list[Measured], *, shown_plans: int) -> None:
    print("p95: of all calls of the endpoint; slowest: by the 95th percentile of its own calls, best in brackets")
    for group in dict.fromkeys(one.probe.group for one in measured):
        found = sorted((one for one in measured if one.probe.group == group), key=lambda one: -one.p95_ms)
        every = [taken for one in found for taken in one.times_ms]
        over = sum(one.p95_ms > LIMIT_MS for one in found)
        print(
            f"{group}: {len(found)} pairs, p95 {p95(every):.1f} ms, median {statistics.median(every):.1f} ms,"
            f" slowest {found[0].p95_ms:.1f} ms ({found[0].best_ms:.1f}), over {LIMIT_MS:.0f} ms: {over},"
            f" slowest first call {max(one.first_ms for one in found):.1f} ms"
        )
        for one in found[: max(3, over)]:
            print(f"  {one.p95_ms:8.1f} ms ({one.best_ms:.1f})  {one.probe.url}")
    slow = sorted((one for one in measured if one.p95_ms > LIMIT_MS), key=lambda one: -one.best_ms)
    for one in slow[:shown_plans]:
        print(f"\nplan: {one.probe.url}: {one.best_ms:.1f} ms")
        print("\n".join(bench.plans(one.probe)))


@contextmanager
def chosen_store(driver: str, seeded: str, *, postgres: Mapping[str, str] = POSTGRES) -> Iterator[StoreSettings]:
    """Yield a seeded database, or a new empty one, which is then removed; `postgres` are settings of its server."""
    if seeded:
        yield _settings(driver, seeded)
    elif driver == "postgres":
        with PostgresServer(postgres) as server:
            yield _settings(driver, server.url(server.create_database()))
    else:
        with tempfile.TemporaryDirectory(prefix="gm-store-") as home:
            yield _settings(driver, f"{home}/store.db")


def _settings(driver: str, dsn: str) -> StoreSettings:
    """Return settings with one connection for the whole run: the clock is that of its server process."""
    return StoreSettings(driver="postgres" if driver == "postgres" else "sqlite", dsn=dsn, connection_lifetime=_RUN)


@contextmanager
def opened(settings: StoreSettings) -> Iterator[Store]:
    store = open_store(settings)
    try:
        upgrade(store)
        yield store
    finally:
        store.close()


@contextmanager
def serving(store: Store) -> Iterator[Bench]:
    """Yield the application, with a separate Redis for the progress of running jobs."""
    with tempfile.TemporaryDirectory(prefix="gm-rd-", dir="/tmp") as home:
        redis = EmbeddedRedis(Path(home))
        redis.start()
        try:
            settings = load_settings({"broker_url": redis.url, "data_dir": home}, {})
            bench = Bench(store, create_app(settings, queue=open_queue(settings, store)).test_client())
            collect_rarely()
            yield bench
        finally:
            redis.stop()


@contextmanager
def copied(settings: StoreSettings) -> Iterator[StoreSettings]:
    """Yield a copy of a seeded database, so that it can be measured again after a deletion."""
    if settings.driver == "sqlite":
        with tempfile.TemporaryDirectory(prefix="gm-store-") as home:
            shutil.copyfile(settings.dsn, f"{home}/store.db")
            yield StoreSettings(dsn=f"{home}/store.db")
        return
    url = make_url(settings.dsn)
    name = f"{url.database}_copy"
    _administer(settings, f"CREATE DATABASE {name} TEMPLATE {url.database}")
    try:
        yield StoreSettings(driver="postgres", dsn=url.set(database=name).render_as_string(hide_password=False))
    finally:
        _administer(settings, f"DROP DATABASE {name}")


def _administer(settings: StoreSettings, statement: str) -> None:
    url = make_url(settings.dsn).set(database="postgres").render_as_string(hide_password=False)
    store = open_store(StoreSettings(driver="postgres", dsn=url))
    with store.autocommit() as session:
        session.execute(text(statement))
    store.close()


def measure_lists(store: Store, options: argparse.Namespace, size: Size) -> None:
    chosen = [*probes(size), *(pairs_of_filters(size) if options.pairs else ())]
    chosen = [probe for probe in chosen if options.only in probe.url]
    chosen = [probe for probe in chosen if not options.without or options.without not in probe.url][:: options.every]
    with serving(store) as bench:
        measured = []
        for probe in chosen:
            measured.append(bench.measure(probe, options.repeats, cpu=options.cpu))
            if measured[-1].p95_ms > LIMIT_MS:
                print(f"slow: {measured[-1].p95_ms:.1f} ms ({measured[-1].best_ms:.1f}) {probe.url}", flush=True)
        report(bench, measured, shown_plans=options.plans)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--driver", choices=("postgres", "sqlite"), default="postgres")
    parser.add_argument("--runs", type=int, default=200_000)
    parser.add_argument("--repeats", type=int, default=20)
    parser.add_argument("--plans", type=int, default=10, help="plans of at most so many slow lists")
    parser.add_argument("--only", default="", help="lists whose address contains this")
    parser.add_argument("--without", default="", help="no lists whose address contains this")
    parser.add_argument("--every", type=int, default=1, help="measure only each n-th list")
    parser.add_argument("--pairs", action="store_true", help="also lists with two filters, each with some sort")
    parser.add_argument("--no-lists", action="store_true")
    parser.add_argument("--no-deletion", action="store_true")
    parser.add_argument("--cpu", action="store_true", help="CPU time of client and server instead of time that passed")
    parser.add_argument("--seeded", default="", metavar="DSN", help="measure this database, seeded before with --runs")
    options = parser.parse_args()
    size = Size(options.runs)
    with chosen_store(options.driver, options.seeded) as settings:
        with opened(settings) as store:
            print(f"{options.driver}: {size.runs} runs, {size.runs * ENTRIES_PER_RUN} entries")
            if not options.seeded:
                seed(store, size)
            if not options.no_lists:
                measure_lists(store, options, size)
        if not options.no_deletion:
            with copied(settings) as copy, opened(copy) as store, serving(store) as bench:
                measure_removal(store, bench.client)


if __name__ == "__main__":
    main()
