"""Measure the analysis in columns: projection, capture, lists, comparison and report over millions of domains.

    python -m benchmarks.columns --domains 1000000 [--runs 5000] [--folder DIR] [--driver postgres]

`--runs` real stored runs are projected; the facts of the two snapshots of `--domains` domains are generated
(`benchmarks.columns.synthetic`). Each part runs in a separate process, so that its peak memory is its own. The first
call of a probe is that of a process that has read no file yet; no response is cached.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import groupby
from pathlib import Path
from typing import Any, cast
from unittest.mock import patch

from sqlalchemy import func, select

from benchmarks.columns.synthetic import BEGIN, population
from benchmarks.lists import Probe
from benchmarks.store import Bench, Measured, chosen_store, opened, p95
from gonemaster_api.app import create_app
from gonemaster_api.queries.analysis.lists import SPECS
from gonemaster_api.response_cache import ResponseCache
from gonemaster_db.analysis.capture import Capture, materialise
from gonemaster_db.analysis.columns.files import register_files
from gonemaster_db.analysis.columns.location import location
from gonemaster_db.analysis.snapshots import ensure_snapshot
from gonemaster_db.core.clock import utcnow
from gonemaster_db.core.session import Store, open_store
from gonemaster_db.core.settings import Driver, StoreSettings
from gonemaster_db.models import AnalysisFile, CohortSnapshot, FactStorage
from gonemaster_engine.memory import collect_rarely
from gonemaster_tasks.broker.embedded import EmbeddedRedis
from gonemaster_tasks.config.loader import load_settings
from gonemaster_tasks.config.scoring import current_scoring
from gonemaster_tasks.config.settings import Settings
from gonemaster_tasks.config.view_files import file_storage, read_view_files
from gonemaster_tasks.control.comparisons import prepare_comparisons
from gonemaster_tasks.control.parts import open_queue
from gonemaster_tasks.maintenance.projection.columns import ColumnProjector, ColumnSettings
from tests.support.analysis.cohorts import make_batch, make_cohort
from tests.support.analysis.runs import run_batch

TAG = "xtld"
LIMIT_MS = 300.0
_MONTH = timedelta(days=30)
_PARTS = ("project", "generate", "capture", "read")
_PATHS = {
    "domain": "domains", "nameserver": "nameservers", "endpoint": "endpoints", "asn": "asns", "prefix": "prefixes",
    "tag": "tags", "testcase": "testcases",
}  # fmt: skip
_FILTERS = ("min_level=ERROR", "worst_level=WARNING", "grade=A", "dnssec_posture=nsec3&sort=score_desc")


@dataclass(frozen=True)
class Rig:
    """A store and a folder for files, both kept between the parts."""

    store: Store
    settings: Settings
    domains: int
    runs: int
    repeats: int

    @property
    def place(self) -> str:
        return self.settings.analytics_location


@contextmanager
def measured(what: str, *, rows: int = 0) -> Iterator[None]:
    """Print elapsed time, CPU of this process, and its peak memory."""
    cpu, begin = time.process_time(), time.monotonic()
    yield
    used, passed = time.process_time() - cpu, time.monotonic() - begin
    each = f", {used / rows * 1e6:.0f} us CPU a run" if rows else ""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    load = os.getloadavg()[0]
    print(f"{what}: {passed:.1f} s, {used:.1f} s CPU{each}, peak {peak:.0f} MiB, load {load:.1f}", flush=True)


def project(rig: Rig) -> None:
    """Project real stored runs into a file."""
    make_cohort(rig.store, "real")
    with measured(f"storing {rig.runs} runs (not part of the projection)"):
        run_batch(rig.store, make_batch(rig.store), [f"r{number}.example" for number in range(rig.runs)], tag="real")
    with measured(f"projection of {rig.runs} runs", rows=rig.runs):
        settings = ColumnSettings(rig.place)
        assert ColumnProjector().project(rig.store, settings, floor="NOTICE", now=utcnow) == rig.runs
    with rig.store.read_only() as session:
        size = session.scalar(select(func.sum(AnalysisFile.size))) or 0
        packed = session.scalar(select(func.sum(func.length(AnalysisFile.run_keys)))) or 0
    print(f"files: {size / rig.runs:.0f} bytes a run; in the database {packed / rig.runs:.2f} bytes a run")


def generate(rig: Rig) -> None:
    """Write and register the facts of two snapshots."""
    cohort = make_cohort(rig.store, TAG, is_default=True)
    found, place = population(rig.domains), location(rig.place)
    for nth in range(2):
        at = BEGIN + nth * _MONTH
        batch = make_batch(rig.store, now=at)
        with rig.store.transaction() as session:
            snapshot = ensure_snapshot(session, cohort, batch, floor="NOTICE", now=at)
            snapshot.storage, snapshot.facts_revision = FactStorage.COLUMNS, 1
            cohort_id, snapshot_id = snapshot.cohort_id or 0, snapshot.id
        with measured(f"generation of snapshot {nth + 1} (not part of the measurement)"):
            for file in found.write(place, cohort_id, snapshot_id, nth=nth):
                with rig.store.transaction() as session:
                    register_files(session, snapshot_id, [file], now=at)


def capture(rig: Rig) -> None:
    """Capture the next snapshot that has no view; each one needs another process."""
    snapshot_id = next(number for number, view_id in _snapshots(rig.store) if view_id is None)
    with measured(f"capture of {rig.domains} domains"):
        outcome = materialise(rig.store, snapshot_id, now=utcnow, files=file_storage(rig.settings))
        assert outcome is Capture.CAPTURED, outcome
    with measured("comparison with the other snapshot, which the maintenance task prepares"):
        read_view_files(rig.store, rig.settings)
        prepare_comparisons(rig.store, snapshot_id, current_scoring(rig.store, rig.settings))
    with rig.store.read_only() as session:
        query = select(AnalysisFile.view_id.is_(None), func.sum(AnalysisFile.size))
        sizes = session.execute(query.where(AnalysisFile.snapshot_id == snapshot_id).group_by(AnalysisFile.view_id))
        for is_facts, size in sizes:
            print(f"{'facts' if is_facts else 'view'}: {size / rig.domains:.0f} bytes a domain")


def _snapshots(store: Store) -> list[tuple[int, int | None]]:
    with store.read_only() as session:
        query = select(CohortSnapshot.id, CohortSnapshot.view_id).where(CohortSnapshot.tag_view_min_level != "")
        ids = query.where(CohortSnapshot.batch_key.is_not(None)).order_by(CohortSnapshot.id)
        found = [(number, view_id) for number, view_id in session.execute(ids)]
    return found[-2:]  # the first one has the real runs


def read(rig: Rig) -> None:
    """Request each list, details, trends, comparison and report of the public API."""
    with serving(rig) as bench, patch.object(ResponseCache, "find", return_value=None):
        for group, some in groupby(probes(rig, bench), key=lambda probe: probe.group):
            report(group, [found for probe in some for found in timed(bench, probe, rig.repeats)])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"API process: peak {peak:.0f} MiB")


@contextmanager
def serving(rig: Rig) -> Iterator[Bench]:
    """Yield the application over the store and its files."""
    with tempfile.TemporaryDirectory(prefix="gm-rd-", dir="/tmp") as home:
        redis = EmbeddedRedis(Path(home))
        redis.start()
        try:
            values = {"broker_url": redis.url, "data_dir": home, "analytics.location": rig.place}
            settings = load_settings(values, {})
            read_view_files(rig.store, settings)
            bench = Bench(rig.store, create_app(settings, queue=open_queue(settings, rig.store)).test_client())
            collect_rarely()
            yield bench
        finally:
            redis.stop()


def probes(rig: Rig, bench: Bench) -> Iterator[Probe]:
    """Yield the requests, of the newest snapshot and of both."""
    base = f"/pub/api/v1/analysis/cohorts/{TAG}"
    with rig.store.read_only() as session:
        ids = [number for number, _ in _snapshots(rig.store)]
        slugs = [session.get_one(CohortSnapshot, number).slug for number in ids]
    snapshot = f"{base}/snapshots/{slugs[-1]}"
    yield _probe("overview", snapshot)
    yield _probe("overview", f"{snapshot}/overview")
    middle = rig.domains // 2
    for one, kind in _PATHS.items():
        for sort in SPECS[one].names:
            yield _probe(f"list of {kind}", f"{snapshot}/{kind}?limit=100&sort={sort}")
        for query in ("search=ba", f"limit=500&offset={middle}", "search=nothing-has-this"):
            yield _probe(f"list of {kind}", f"{snapshot}/{kind}?{query}")
    for query in _FILTERS:
        yield _probe("list of domains", f"{snapshot}/domains?{query}")
    yield from _details(bench, snapshot)
    for category in ("severity", "grade", "dnssec_posture", "ipv6_coverage", "dnskey_algo"):
        yield _probe("trends", f"{base}/trends?category={category}")
    for what in ("diff", "diff?granularity=tags", "report", "report?min_cluster=10"):
        path, _, query = what.partition("?")
        yield _probe(path, f"{base}/{path}?from={slugs[0]}&to={slugs[1]}&{query}")


def _details(bench: Bench, snapshot: str) -> Iterator[Probe]:
    """Yield the details of the first and of the largest object of each kind."""
    kinds = (("domains", "domain"), ("nameservers", "nameserver"), ("asns", "asn"), ("tags", "tag"))
    for kind, key in kinds:
        for sort in (f"{key}_asc", *(() if kind == "domains" else ("domain_count_desc",))):
            for item in bench.client.get(f"{snapshot}/{kind}?limit=1&sort={sort}").get_json()["items"]:
                yield _probe("details", f"{snapshot}/{kind}/{item[key]}")
                if kind == "domains":
                    cohort = snapshot.partition("/snapshots")[0]
                    yield _probe("history", f"{cohort}/history?entity=domain&key={item[key]}")


def _probe(group: str, url: str) -> Probe:
    path, _, query = url.partition("?")
    return Probe(group, path, dict(part.split("=", 1) for part in query.split("&") if "=" in part), base="")


def timed(bench: Bench, probe: Probe, repeats: int) -> Iterator[Measured]:
    """Yield the times of a request, or print that it does not end within its time limit."""
    begin = time.perf_counter()
    status = bench.client.get(probe.url).status_code
    first_ms = (time.perf_counter() - begin) * 1000
    if status == 503:
        print(f"  beyond the time limit: {probe.url}", flush=True)
    else:
        yield replace(bench.measure(probe, repeats, cpu=False), first_ms=first_ms)


def report(group: str, found: list[Measured]) -> None:
    if not found:
        return
    every = sorted(taken for one in found for taken in one.times_ms)
    over = [one for one in found if one.p95_ms > LIMIT_MS]
    first = max(one.first_ms for one in found)
    print(
        f"{group}: {len(found)} requests, p50 {every[len(every) // 2]:.0f} ms, p95 {p95(every):.0f} ms, "
        f"first call to {first:.0f} ms, over {LIMIT_MS:.0f} ms: {len(over)}",
        flush=True,
    )
    for one in sorted(over, key=lambda one: -one.p95_ms)[:5]:
        print(f"  {one.p95_ms:8.0f} ms (best {one.best_ms:.0f})  {one.probe.url}")


def run_part(options: argparse.Namespace) -> None:
    """Run one part over the store and the files of the folder."""
    folder = Path(options.folder)
    store = open_store(StoreSettings(driver=cast("Driver", options.driver), dsn=options.dsn))
    values: dict[str, Any] = {"analytics.location": str(folder / "analysis"), "data_dir": str(folder)}
    parts = {"project": project, "generate": generate, "capture": capture, "read": read}
    try:
        parts[options.part](Rig(store, load_settings(values, {}), options.domains, options.runs, options.repeats))
    finally:
        store.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--domains", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=5000, help="real stored runs to project")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--driver", choices=("sqlite", "postgres"), default="sqlite")
    parser.add_argument("--folder", default="", help="a new folder that is kept; default: a temporary one")
    parser.add_argument("--part", choices=_PARTS, help=argparse.SUPPRESS)
    parser.add_argument("--dsn", default="", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.part:
        run_part(options)
        return
    folder = Path(options.folder or tempfile.mkdtemp(prefix="gm-columns-"))
    folder.mkdir(parents=True, exist_ok=True)
    try:
        kept = str(folder / "gonemaster.db") if options.folder and options.driver == "sqlite" else ""
        with chosen_store(options.driver, kept) as found:
            with opened(found):  # creates the tables
                pass
            for part in ("project", "generate", "capture", "capture", "read"):
                arguments = [*sys.argv[1:], "--folder", str(folder), "--part", part, "--dsn", found.dsn]
                subprocess.run([sys.executable, "-m", "benchmarks.columns", *arguments], check=True)
    finally:
        if not options.folder:
            shutil.rmtree(folder)


if __name__ == "__main__":
    main()
