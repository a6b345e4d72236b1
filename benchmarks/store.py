"""Measure the lists of the store, deletion and purge over a seeded database.

    python benchmarks/store.py --driver postgres --runs 200000
    python benchmarks/store.py --driver sqlite --runs 20000

Each list function is called with every filter and sort of the HTTP contract (sections 2.3, 3 and 4), first page and a
later one. Printed are the 95th percentiles; for what is over the limit also the plans of its statements.
The database is private and removed at the end.
"""

from __future__ import annotations

import argparse
import random
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import event, text
from sqlalchemy.orm import Session

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.seed import BEGIN, SEED, SWEEP, Size, name_of, seed, templates
from gonemaster_db.filters import DomainFilter, EntryFilter, JobFilter, RunFilter
from gonemaster_db.migrations.runner import upgrade
from gonemaster_db.repositories.batches import list_batches, summarise_batch
from gonemaster_db.repositories.deletion import delete_batch, preview_batch_deletion, purge_finished_before, purge_tag
from gonemaster_db.repositories.domain_list import SORTS as DOMAIN_SORTS
from gonemaster_db.repositories.domain_list import list_domains
from gonemaster_db.repositories.entries import list_entries
from gonemaster_db.repositories.job_list import list_jobs
from gonemaster_db.repositories.ordering import SORTS
from gonemaster_db.repositories.runs import list_runs
from gonemaster_db.repositories.tag_values import list_tag_values
from gonemaster_db.repositories.tags import list_tags, summarise_tag
from gonemaster_db.session import Store, open_store
from gonemaster_db.settings import StoreSettings
from tests.support.postgres import PostgresServer

LIMIT_MS = 100.0
POSTGRES = {
    "shared_buffers": "512MB",
    "effective_cache_size": "2GB",
    "random_page_cost": "1.1",
    "max_wal_size": "4GB",
    "max_parallel_workers_per_gather": "0",
}
Call = Callable[[Session], object]


@dataclass(frozen=True)
class Probe:
    """One list with one filter and one sort."""

    group: str
    name: str
    call: Call


@dataclass(frozen=True)
class Measured:
    """Times of one probe in milliseconds."""

    probe: Probe
    p95_ms: float
    median_ms: float


def probes(size: Size) -> list[Probe]:
    """All of them; cheap ones too, since a plan is cheap only until it changes."""
    return [
        *_job_probes(size), *_run_probes(size), *_domain_probes(), *_entry_probes(size), *_other_probes(),
    ]  # fmt: skip


def _moments(size: Size) -> tuple[Any, Any]:
    return BEGIN + timedelta(minutes=size.runs // 4), BEGIN + timedelta(minutes=size.runs // 2)


def _job_probes(size: Size) -> Iterator[Probe]:
    after, before = _moments(size)
    filters: dict[str, dict[str, Any]] = {
        "none": {},
        "status=queued": {"status": "queued"},
        "status=succeeded": {"status": "succeeded"},
        "status=expired": {"status": "expired"},
        "batch_id=sweep": {"batch_id": SWEEP},
        "batch_id=small": {"batch_id": "batch_003"},
        "domain=many": {"domain": "shop"},
        "domain=few": {"domain": name_of(4)[1:9]},
        "domain=two letters": {"domain": "ai"},
        "severity=warnings_plus": {"severity": "warnings_plus"},
        "severity=errors_only": {"severity": "errors_only"},
        "created_after": {"created_after": after},
        "created_before": {"created_before": before},
        "created range": {"created_after": after, "created_before": before},
        "batch and domain": {"batch_id": SWEEP, "domain": "mail"},
        "batch, status, severity": {"batch_id": SWEEP, "status": "succeeded", "severity": "errors_only"},
    }
    for name, fields in filters.items():
        wanted = JobFilter(**fields)
        for sort in SORTS:
            yield Probe("jobs", f"{name}, {sort}", _bound(list_jobs, wanted, sort=sort))
    yield Probe("jobs", "offset 9900", _bound(list_jobs, JobFilter(), offset=9900))


def _run_probes(size: Size) -> Iterator[Probe]:
    after, before = _moments(size)
    filters: dict[str, dict[str, Any]] = {
        "none": {},
        "tag=half": {"domain_tag": "half"},
        "tag=rare": {"domain_tag": "rare"},
        "event_tag=usual": {"event_tag": _usual_tag()},
        "event_tag=some": {"event_tag": _some_tag()},
        "event_tag=absent": {"event_tag": "NO_SUCH_TAG"},
        "domain=many": {"domain": "shop"},
        "domain=few": {"domain": name_of(4)[1:9]},
        "domain_exact": {"domain_exact": name_of(99)},
        "domain_id": {"domain_id": 99},
        "batch=sweep": {"batch_id": SWEEP},
        "batch=small": {"batch_id": "batch_003"},
        "status=failed": {"status": "failed"},
        "level=INFO": {"level": "INFO"},
        "level=NOTICE": {"level": "NOTICE"},
        "level=ERROR": {"level": "ERROR"},
        "level=CRITICAL": {"level": "CRITICAL"},
        "grade=A": {"grade": "A"},
        "grade=F": {"grade": "F"},
        "finished_after": {"finished_after": after},
        "finished_before": {"finished_before": before},
        "finished range": {"finished_after": after, "finished_before": before},
    }
    for name, fields in filters.items():
        wanted = RunFilter(**fields)
        for sort in SORTS:
            yield Probe("runs", f"{name}, {sort}", _bound(list_runs, wanted, sort=sort))


def _domain_probes() -> Iterator[Probe]:
    filters: dict[str, dict[str, Any]] = {
        "none": {},
        "tag=half": {"domain_tag": "half"},
        "tag=rare": {"domain_tag": "rare"},
        "untagged": {"untagged": True},
        "name=many": {"name": "city"},
        "name=few": {"name": name_of(4)[1:9]},
        "level=ERROR": {"level": "ERROR"},
        "level=CRITICAL": {"level": "CRITICAL"},
        "min_level=WARNING": {"min_level": "WARNING"},
        "min_level=CRITICAL": {"min_level": "CRITICAL"},
        "tag and level": {"domain_tag": "half", "min_level": "ERROR"},
    }
    for name, fields in filters.items():
        wanted = DomainFilter(**fields)
        for sort in DOMAIN_SORTS:
            yield Probe("domains", f"{name}, {sort}", _bound(list_domains, wanted, sort=sort))


def _entry_probes(size: Size) -> Iterator[Probe]:
    usual, some, middle = _usual_tag(), _some_tag(), f"job_{size.runs // 2:019d}"
    filters: dict[str, dict[str, Any]] = {
        "none": {},
        "run": {"run_id": middle},
        "domain": {"domain_id": 99},
        "tag=half": {"domain_tag": "half"},
        "tag=rare": {"domain_tag": "rare"},
        "module=DNSSEC": {"module": "dnssec"},
        "module absent": {"module": "nothing"},
        "testcase=dnssec10": {"testcase": "DNSSEC10"},
        "testcase absent": {"testcase": "nothing01"},
        "entry_tag=usual": {"tag": usual},
        "entry_tag=some": {"tag": some},
        "entry_tag absent": {"tag": "NO_SUCH_TAG"},
        "level=INFO": {"level": "INFO"},
        "level=WARNING": {"level": "WARNING"},
        "level=CRITICAL": {"level": "CRITICAL"},
        "latest": {"latest": True},
        "batch=sweep": {"batch_id": SWEEP},
        "batch=small": {"batch_id": "batch_003"},
        "batch and level": {"batch_id": SWEEP, "level": "ERROR"},
        "latest and level": {"latest": True, "level": "ERROR"},
        "latest and tag": {"latest": True, "tag": some},
        "latest and domain tag": {"latest": True, "domain_tag": "half"},
        "module and level": {"module": "DNSSEC", "level": "ERROR"},
        "testcase and batch": {"testcase": "dnssec10", "batch_id": "batch_003"},
    }
    for name, fields in filters.items():
        wanted = EntryFilter(**fields)
        yield Probe("entries", name, _bound(list_entries, wanted))
        yield Probe("entries", f"{name}, after the middle", _bound(list_entries, wanted, after=(middle, 0)))


def _other_probes() -> Iterator[Probe]:
    some: dict[str, Any] = {"message_tag": _some_tag(), "argument": "address"}
    for batch in (SWEEP, "batch_003"):
        yield Probe(
            "batches", f"tag-values of {batch}", lambda session, batch=batch: list_tag_values(session, batch, **some)
        )
    yield Probe("batches", "none", list_batches)
    yield Probe("batches", "label", lambda session: list_batches(session, label="ent", limit=100))
    yield Probe("batches", "of a tag", lambda session: list_batches(session, tag="tenth", limit=100))
    yield Probe("batches", "summary of the sweep", lambda session: summarise_batch(session, SWEEP))
    yield Probe("batches", "summary of a small one", lambda session: summarise_batch(session, "batch_003"))
    yield Probe("tags", "none", list_tags)
    yield Probe("tags", "summary of half of the domains", lambda session: summarise_tag(session, "half"))


def _bound(listing: Any, wanted: Any, **options: Any) -> Call:
    return lambda session: listing(session, wanted, **options)


def _usual_tag() -> str:
    return templates(random.Random(SEED))[0].tag


def _some_tag() -> str:
    return templates(random.Random(SEED))[-1].tag


def cpu_clock(session: Session) -> Callable[[], float]:
    """Seconds of CPU of this thread and of the server process of its connection: true on a busy machine as well."""
    if session.get_bind().dialect.name == "sqlite":
        return time.thread_time
    backend = Path(f"/proc/{session.execute(text('SELECT pg_backend_pid()')).scalar_one()}/schedstat")
    return lambda: time.thread_time() + int(backend.read_text().split()[0]) / 1e9


def measure(store: Store, probe: Probe, repeats: int, *, cpu: bool) -> Measured:
    """Call it in new sessions; the first call warms caches and is not counted."""
    times = []
    for number in range(repeats + 1):
        with store.reading() as session:
            clock = cpu_clock(session) if cpu else time.perf_counter
            begin = clock()
            probe.call(session)
            if number:
                times.append((clock() - begin) * 1000)
    cut = statistics.quantiles(times, n=20, method="inclusive")[-1]
    return Measured(probe, cut, statistics.median(times))


def plans(store: Store, probe: Probe) -> Iterator[str]:
    """Plans of the statements of a probe, in their order."""
    statements: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        statements.append((statement, parameters))

    event.listen(store.engine, "before_cursor_execute", note)
    with store.reading() as session:
        probe.call(session)
    event.remove(store.engine, "before_cursor_execute", note)
    prefix = "EXPLAIN (ANALYZE, BUFFERS)" if store.engine.dialect.name == "postgresql" else "EXPLAIN QUERY PLAN"
    with store.engine.connect() as connection:
        for statement, parameters in statements:
            yield "  " + " ".join(statement.split())[-300:]
            for row in connection.exec_driver_sql(f"{prefix} {statement}", parameters):
                yield f"    {row[-1]}"


def _sample(chosen: list[Probe], every: int) -> list[Probe]:
    """Thin out the two lists whose filters and sorts make hundreds of pairs; 20 sorts: take no divisor of that."""
    return [one for number, one in enumerate(chosen) if one.group not in ("jobs", "runs") or number % every == 0]


def report(store: Store, measured: list[Measured], *, shown_plans: int) -> None:
    for group in dict.fromkeys(one.probe.group for one in measured):
        found = sorted((one for one in measured if one.probe.group == group), key=lambda one: -one.p95_ms)
        over = [one for one in found if one.p95_ms > LIMIT_MS]
        whole = statistics.quantiles([one.p95_ms for one in found], n=20, method="inclusive")[-1]
        print(
            f"{group}: {len(found)} probes, worst p95 {found[0].p95_ms:.1f} ms, 95 % of them within {whole:.1f} ms,"
            f" median {statistics.median(one.median_ms for one in found):.1f} ms, over {LIMIT_MS:.0f} ms: {len(over)}"
        )
        for one in found[:5] + over[5:60]:
            print(f"  {one.p95_ms:8.1f} ms  {one.probe.name}")
    slow = sorted((one for one in measured if one.p95_ms > LIMIT_MS), key=lambda one: -one.p95_ms)
    for one in slow[:shown_plans]:
        print(f"\nplan: {one.probe.group}: {one.probe.name}: {one.p95_ms:.1f} ms")
        print("\n".join(plans(store, one.probe)))


def measure_deletion(store: Store) -> None:
    """Preview and delete the sweep, then purge what is left."""
    with store.reading() as session:
        impact, taken = _timed(lambda: preview_batch_deletion(session, SWEEP))
    print(f"preview of {impact.completed_runs} runs, {impact.entries} entries: {taken:.2f} s")

    def remove() -> None:
        with store.transaction() as session:
            delete_batch(session, SWEEP)

    print(f"deletion of the batch of {impact.completed_runs} runs: {_timed(remove)[1]:.1f} s")
    end = BEGIN + timedelta(days=1000)
    for name, purge in (
        ("purge of a tag", lambda session: purge_tag(session, "tenth")),
        ("purge by age", lambda session: purge_finished_before(session, end)),
    ):
        _purge(store, name, purge)


def _purge(store: Store, name: str, purge: Callable[[Session], int]) -> None:
    slices: list[float] = []
    removed = 0
    while len(slices) < 40:

        def work() -> int:
            with store.transaction() as session:
                return purge(session)

        count, taken = _timed(work)
        if not count:
            break
        removed += count
        slices.append(taken)
    print(f"{name}: {removed / sum(slices):.0f} runs/s, longest transaction {max(slices):.2f} s, {removed} runs")


def _timed(work: Callable[[], Any]) -> tuple[Any, float]:
    begin = time.perf_counter()
    return work(), time.perf_counter() - begin


@contextmanager
def chosen_store(driver: str, url: str) -> Iterator[Store]:
    """A seeded database, or a new one with current tables, which is removed at the end."""
    if url:
        yield from _opened(StoreSettings(driver="postgres", dsn=url))
    elif driver == "postgres":
        with PostgresServer(POSTGRES) as server:
            url = server.url(server.create_database())
            yield from _opened(StoreSettings(driver="postgres", dsn=url))
    else:
        home = Path(tempfile.mkdtemp(prefix="gm-store-"))
        try:
            yield from _opened(StoreSettings(dsn=str(home / "store.db")))
        finally:
            shutil.rmtree(home)


def _opened(settings: StoreSettings) -> Iterator[Store]:
    store = open_store(settings)
    try:
        upgrade(store)
        yield store
    finally:
        store.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--driver", choices=("postgres", "sqlite"), default="postgres")
    parser.add_argument("--runs", type=int, default=200_000)
    parser.add_argument("--repeats", type=int, default=20)
    parser.add_argument("--plans", type=int, default=10, help="plans of at most so many slow lists")
    parser.add_argument("--only", default="", help="probes whose group and name contain this")
    parser.add_argument(
        "--every", type=int, default=1, help="measure only each n-th pair of filter and sort of jobs and runs"
    )
    parser.add_argument("--no-deletion", action="store_true")
    parser.add_argument("--cpu", action="store_true", help="CPU time of client and server instead of time that passed")
    parser.add_argument("--seeded", default="", metavar="URL", help="measure this PostgreSQL database, seeded before")
    options = parser.parse_args()
    size = Size(options.runs)
    with chosen_store(options.driver, options.seeded) as store:
        print(f"{options.driver}: {size.runs} runs, {size.runs * size.entries_per_run} entries, {size.domains} domains")
        if not options.seeded:
            print(f"seeded in {_timed(lambda: seed(store, size))[1]:.0f} s", flush=True)
        chosen = [probe for probe in probes(size) if options.only in f"{probe.group}: {probe.name}"]
        measured = []
        for probe in _sample(chosen, options.every):
            measured.append(measure(store, probe, options.repeats, cpu=options.cpu))
            if measured[-1].p95_ms > LIMIT_MS:
                print(f"slow: {probe.group}: {probe.name}: {measured[-1].p95_ms:.1f} ms", flush=True)
        report(store, measured, shown_plans=options.plans)
        if not options.no_deletion:
            measure_deletion(store)


if __name__ == "__main__":
    main()
