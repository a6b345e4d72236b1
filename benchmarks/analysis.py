"""Measure the analysis: projection and capture, the public endpoints over many snapshots, removal of a view.

    python -m benchmarks.analysis --driver postgres --domains 100000 --snapshots 24
    python -m benchmarks.analysis --driver sqlite --domains 10000
    python -m benchmarks.analysis --part maintenance

The runs resemble those of a real sweep (`benchmarks.seed`); the service's own code projects and captures them. The
other snapshots are copies of the captured one with other scores. The output has seconds, CPU, memory and disk of the
maintenance tasks, and the 95th percentile of each endpoint; for the slowest also the plans of their statements. CPU is
that of this process and of its database server process, so other load on the machine does not count.
"""

from __future__ import annotations

import argparse
import os
import resource
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch
from urllib.parse import parse_qsl

from sqlalchemy import Table, func, insert, literal, select, text, update
from sqlalchemy.orm import Session

from benchmarks.lists import Probe
from benchmarks.seed import BEGIN, SWEEP, Size, seed
from benchmarks.store import Bench, Measured, chosen_store, opened, p95, serving
from gonemaster_api.queries.analysis.lists import SPECS
from gonemaster_api.response_cache import ResponseCache
from gonemaster_db.analysis.capture import Capture, materialise
from gonemaster_db.analysis.cohorts import create_cohort
from gonemaster_db.analysis.discarding import count_facts
from gonemaster_db.analysis.projections import due_captures
from gonemaster_db.analysis.views.views import VIEW_TABLES, remove_view_step, retire_views
from gonemaster_db.core.clock import utcnow
from gonemaster_db.core.connection.engine import autocommit_engine
from gonemaster_db.core.ids import batch_key, id_at
from gonemaster_db.core.session import Store
from gonemaster_db.models import (
    FACT_TABLES,
    Batch,
    CohortSnapshot,
    DomainTag,
    Projection,
    Run,
    RunStatus,
    SnapshotDomain,
    SnapshotView,
)
from gonemaster_tasks.maintenance.projection.projector import Projector

TAG = "all"
_MONTH = timedelta(days=30)
LIMIT_MS, SLOW_LIMIT_MS, PAGE_LIMIT_MS = 50.0, 200.0, 100.0


@contextmanager
def measured(store: Store, what: str, *, runs: int = 0) -> Iterator[None]:
    """Print elapsed time, CPU of this process and its server connection, memory and growth of the database."""
    cpu, begin, disk, before = cpu_s(store), time.monotonic(), size_of(store), _peak_mib()
    yield
    passed, used, grown = time.monotonic() - begin, cpu_s(store) - cpu, size_of(store) - disk
    each = f", {used / runs * 1000:.2f} ms CPU and {grown / runs:.0f} octets a run" if runs else ""
    peak = _peak_mib()
    print(
        f"{what}: {passed:.1f} s, {used:.1f} s CPU{each}, {grown / 2**20:.0f} MiB on disk, peak {peak:.0f} MiB"
        f" ({peak - before:.0f} more than before), load {os.getloadavg()[0]:.1f}",
        flush=True,
    )


def _peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def cpu_s(store: Store) -> float:
    """Return the CPU seconds of this process and of the server process of its connection."""
    own = time.process_time()
    if store.engine.dialect.name == "sqlite":
        return own
    with store.read_only() as session:
        backend = session.execute(text("SELECT pg_backend_pid()")).scalar_one()
    return own + int(Path(f"/proc/{backend}/schedstat").read_text().split()[0]) / 1e9


def size_of(store: Store) -> int:
    if store.engine.dialect.name == "sqlite":
        dsn = Path(store.settings.dsn)
        return sum(file.stat().st_size for file in dsn.parent.glob(f"{dsn.name}*"))
    with store.read_only() as session:
        return int(session.execute(text("SELECT pg_database_size(current_database())")).scalar_one())


def project_and_capture(store: Store, runs: int) -> int:
    """Project the sweep and capture its snapshot; return its id."""
    with measured(store, f"projection of {runs} runs", runs=runs):
        assert Projector().project(store, floor="NOTICE", now=utcnow) == runs
    with store.read_only() as session:
        (snapshot_id,) = due_captures(session)
        rows, octets = count_facts(session, snapshot_id), _octets(session, [*FACT_TABLES, Projection])
    print(f"facts: {rows / runs:.1f} rows and {octets / runs:.0f} octets a run, with indexes")
    with measured(store, f"capture of {runs} domains"):
        assert materialise(store, snapshot_id, now=utcnow) is Capture.CAPTURED
    with store.read_only() as session:
        domains = session.get_one(CohortSnapshot, snapshot_id).domain_count
        octets = _octets(session, VIEW_TABLES)
    print(f"view: {domains} domains, {octets / max(1, domains):.0f} octets a domain, with indexes")
    return snapshot_id


def measure_removal(store: Store, snapshot_id: int) -> None:
    """Remove the view of a snapshot in steps, as the maintenance task does."""
    with store.transaction() as session:
        snapshot = session.get_one(CohortSnapshot, snapshot_id)
        view_id, snapshot.view_id = snapshot.view_id, None
        assert view_id is not None
        session.flush()
        retire_views(session, [view_id], now=BEGIN)
    steps, longest, removed = 0, 0.0, 1
    with measured(store, "removal of the view"):
        while removed:
            start = time.perf_counter()
            with store.transaction() as session:
                removed = remove_view_step(session, view_id, now=utcnow(), limit=2000)
            longest, steps = max(longest, time.perf_counter() - start), steps + 1
    print(f"{steps} steps, the longest {longest * 1000:.0f} ms")


def _octets(session: Session, tables: Sequence[Any]) -> int:
    names = [table.__tablename__ for table in tables]
    if session.get_bind().dialect.name == "postgresql":
        sizes = [func.pg_total_relation_size(text(f"'{name}'")) for name in names]
        return sum(int(size) for size in session.execute(select(*sizes)).one())
    query = text("SELECT coalesce(sum(pgsize), 0) FROM dbstat WHERE name = :name OR name LIKE :index ESCAPE '\\'")
    return sum(int(session.execute(query, {"name": name, "index": f"%{name}\\_%"}).scalar_one()) for name in names)


def add_snapshots(store: Store, snapshot_id: int, count: int) -> None:
    """Add copies of a snapshot, each a month newer and with other scores."""
    with measured(store, f"{count} copies of the snapshot"):
        for number in range(1, count + 1):
            with store.transaction() as session:
                moment = BEGIN + _MONTH * number
                key = _add_batch(session, moment, number)
                view_id = _copied_view(session, snapshot_id, number)
                found = session.get_one(CohortSnapshot, snapshot_id)
                columns = {
                    c.key: getattr(found, c.key) for c in CohortSnapshot.__mapper__.column_attrs if c.key != "id"
                }
                changes = {"batch_key": key, "slug": f"{moment:%Y-%m-%d}", "view_id": view_id, "captured_at": moment}
                moments = {"first_run_at": moment, "last_run_at": moment + timedelta(hours=5)}
                session.add(CohortSnapshot(**{**columns, **changes, **moments}))
    with autocommit_engine(store.engine).connect() as connection:
        connection.exec_driver_sql("VACUUM ANALYZE" if store.engine.dialect.name == "postgresql" else "ANALYZE")


def _add_batch(session: Any, moment: datetime, number: int) -> int:
    batch_id = id_at("batch", moment, number)
    session.add(Batch(key=batch_key(batch_id), id=batch_id, created_at=moment, tag=TAG))
    session.flush()
    return batch_key(batch_id)


def _copied_view(session: Any, snapshot_id: int, number: int) -> int:
    source = session.get_one(CohortSnapshot, snapshot_id).view_id
    view = SnapshotView(snapshot_id=None, created_at=utcnow())
    session.add(view)
    session.flush()
    for model in VIEW_TABLES:
        table: Table = model.__table__
        others = [column for column in table.columns if column.name != "view_id"]
        rows = select(literal(view.id), *others).where(table.c.view_id == source)
        session.execute(insert(table).from_select(["view_id", *(column.name for column in others)], rows))
    # One domain in ten changes its score, in groups of domains with a common property.
    moved = update(SnapshotDomain).where(SnapshotDomain.view_id == view.id, SnapshotDomain.position % 10 == number % 10)
    session.execute(moved.values(score=func.coalesce(SnapshotDomain.score, 50) - number % 7))
    return int(view.id)


def endpoints(store: Store) -> Iterator[Probe]:
    """Yield every public endpoint, each list with each sort and filter, for an old and a new snapshot."""
    with store.read_only() as session:
        slugs = session.scalars(select(CohortSnapshot.slug).order_by(CohortSnapshot.last_run_at)).all()
        view = session.scalars(select(CohortSnapshot.view_id).order_by(CohortSnapshot.last_run_at)).first()
        names = session.scalars(select(SnapshotDomain.name).where(SnapshotDomain.view_id == view).limit(2000)).all()
    base = f"/pub/api/v1/analysis/cohorts/{TAG}"
    for path in ("/pub/api/v1/analysis/catalog", "/pub/api/v1/analysis/cohorts", base, f"{base}/snapshots"):
        yield _probe("catalogue", path)
    for category in ("severity", "grade", "dnssec_posture", "ipv6_coverage", "dnskey_algo"):
        yield _probe("trends", f"{base}/trends?category={category}")
    yield _probe("history", f"{base}/history?entity=domain&key={names[len(names) // 2]}")
    for slug in (slugs[0], slugs[-1]):
        snapshot = f"{base}/snapshots/{slug}"
        yield _probe("overview", snapshot)
        yield _probe("overview", f"{snapshot}/overview")
        yield _probe("details", f"{snapshot}/domains/{names[len(names) // 3]}")
        for one, kind in _PATHS.items():
            for sort in SPECS[one].names:
                yield _probe(f"list of {kind}", f"{snapshot}/{kind}?limit=100&sort={sort}")
            for query in ("search=ba", "limit=500&offset=5000", "search=nothing-has-this"):
                yield _probe(f"list of {kind}", f"{snapshot}/{kind}?{query}")
        for query in _FILTERS:
            yield _probe("list of domains", f"{snapshot}/domains?{query}")
    for before, after in ((slugs[0], slugs[-1]), (slugs[-2], slugs[-1])):
        for what in ("diff", "diff?granularity=tags", "report", "report?offset=5000", "report?min_cluster=10"):
            path, _, query = what.partition("?")
            yield _probe(f"{path}", f"{base}/{path}?from={before}&to={after}&{query}")


def pages(store: Store, bench: Bench) -> Iterator[Probe]:
    """Yield the pages of the analysis: newest and first snapshot, each list, object and comparison."""
    with store.read_only() as session:
        slugs = session.scalars(select(CohortSnapshot.slug).order_by(CohortSnapshot.last_run_at)).all()
        view = session.scalars(select(CohortSnapshot.view_id).order_by(CohortSnapshot.last_run_at.desc())).first()
        names = session.scalars(select(SnapshotDomain.name).where(SnapshotDomain.view_id == view).limit(2000)).all()
    api = f"/pub/api/v1/analysis/cohorts/{TAG}/snapshots/{slugs[-1]}"
    for snapshot in ("", f"?snapshot={slugs[0]}"):
        yield _probe("overview", f"/analysis/{snapshot}")
        for kind, key in _LISTED.items():
            path = f"/analysis/{kind}{snapshot or '?'}"
            yield _probe(f"list of {kind}", path)
            yield _probe(f"list of {kind}", f"{path}&search=ba")
            yield _probe(f"list of {kind}", f"{path}&limit=100&offset=500")
            yield _probe(f"list of {kind}", f"{path}&sort={key}_asc")
    for category in ("severity", "grade", "dnssec_posture", "ipv6_coverage", "dnskey_algo"):
        yield _probe("trends", f"/analysis/trends?category={category}")
    yield _probe("diff", "/analysis/diff")
    yield _probe("diff", f"/analysis/diff?from={slugs[0]}&to={slugs[-1]}")
    for kind in ("level", "moved", "tags"):
        yield _probe("diff", f"/analysis/diff?kind={kind}")
    for name in (names[0], names[len(names) // 2]):
        yield _probe("details", f"/analysis/domains/{name}")
    for kind, (listed, key) in _DETAILS.items():
        for sort in (f"{key}_asc", "domain_count_desc"):
            for item in bench.client.get(f"{api}/{listed}?limit=1&sort={sort}").get_json()["items"]:
                yield _probe("details", f"/analysis/{kind}/{item[key]}")


_LISTED = {
    "domains": "domain", "nameservers": "nameserver", "addresses": "address", "networks": "asn", "prefixes": "prefix",
    "findings": "tag", "testcases": "testcase",
}  # fmt: skip
_DETAILS = {
    "nameservers": ("nameservers", "nameserver"), "networks": ("asns", "asn"), "findings": ("tags", "tag"),
}  # fmt: skip
_FILTERS = (
    "min_level=ERROR", "worst_level=WARNING", "grade=A", "dnssec_posture=nsec3&sort=score_desc", "grade=F&search=ka",
)  # fmt: skip
_PATHS = {
    "domain": "domains", "nameserver": "nameservers", "endpoint": "endpoints", "asn": "asns", "prefix": "prefixes",
    "tag": "tags", "testcase": "testcases",
}  # fmt: skip


def _probe(group: str, url: str) -> Probe:
    path, _, query = url.partition("?")
    return Probe(group, path, dict(parse_qsl(query)), base="")


def details(bench: Bench, base: str) -> Iterator[Probe]:
    """Yield the detail endpoints of the first and the largest object of each kind."""
    for kind, key in (("nameservers", "nameserver"), ("asns", "asn"), ("tags", "tag")):
        for sort in (f"{key}_asc", "domain_count_desc"):
            items = bench.client.get(f"{base}/{kind}?limit=1&sort={sort}").get_json()["items"]
            for item in items:
                yield _probe("details", f"{base}/{kind}/{item[key]}")


def report(bench: Bench, found: list[Measured], *, limit_ms: float | None = None) -> None:
    for group in dict.fromkeys(one.probe.group for one in found):
        mine = sorted((one for one in found if one.probe.group == group), key=lambda one: -one.p95_ms)
        limit = limit_ms or (SLOW_LIMIT_MS if group in ("diff", "report") else LIMIT_MS)
        every = [taken for one in mine for taken in one.times_ms]
        over = sum(one.p95_ms > limit for one in mine)
        first = max(one.first_ms for one in mine)
        print(
            f"{group}: {len(mine)}, p95 {p95(every):.1f} ms, over {limit:.0f} ms: {over}, first call to {first:.0f} ms"
        )
        for one in mine[: max(2, over)]:
            print(f"  {one.p95_ms:8.1f} ms (best {one.best_ms:.1f})  {one.probe.url}")
    for one in sorted(found, key=lambda one: -one.best_ms)[:3]:
        print(f"\nplan: {one.probe.url}: {one.best_ms:.1f} ms")
        print("\n".join(bench.plans(one.probe)))


def make_cohort(store: Store) -> int:
    """Create the cohort of the sweep; return the number of runs that belong to it."""
    with store.transaction() as session:
        session.execute(update(Batch).where(Batch.id == SWEEP).values(snapshot_intent=True))
        fields = {"analysis_enabled": True, "public_enabled": True, "is_default": True}
        create_cohort(session, TAG, fields, now=datetime.now(UTC))
        succeeded = (Run.batch_key == batch_key(SWEEP), Run.status == RunStatus.SUCCEEDED)
        # A few domains have no tag.
        tagged = Run.domain_id.in_(select(DomainTag.domain_id).where(DomainTag.tag == TAG))
        return session.scalar(select(func.count()).select_from(Run).where(*succeeded, tagged)) or 0


def measure_endpoints(store: Store, repeats: int, *, kept: bool) -> None:
    """Call each endpoint; without `kept` no response is cached, so each call is like the first one of a reader."""
    forget = nullcontext() if kept else patch.object(ResponseCache, "find", return_value=None)
    with serving(store) as bench, forget:
        chosen = list(endpoints(store))
        newest = next(probe.url.rpartition("/")[0] for probe in reversed(chosen) if probe.url.endswith("/overview"))
        chosen += details(bench, newest)
        report(bench, [bench.measure(probe, repeats, cpu=False) for probe in chosen])


def measure_pages(store: Store, repeats: int, *, kept: bool) -> None:
    """Request each page as a browser does; without `kept` no page is cached, so each call is like the first one."""
    forget = nullcontext() if kept else patch.object(ResponseCache, "find", return_value=None)
    with serving(store) as bench, forget:
        bench.client.environ_base["HTTP_ACCEPT"] = "text/html"
        found = [bench.measure(probe, repeats, cpu=False) for probe in pages(store, bench)]
        report(bench, found, limit_ms=PAGE_LIMIT_MS)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--driver", choices=("postgres", "sqlite"), default="postgres")
    parser.add_argument("--domains", type=int, default=100_000)
    parser.add_argument("--snapshots", type=int, default=24)
    parser.add_argument("--repeats", type=int, default=10)
    parser.add_argument("--kept", action="store_true", help="let the process keep its responses, as it does in use")
    parser.add_argument("--part", choices=("all", "maintenance", "endpoints", "pages"), default="all")
    parser.add_argument("--seeded", default="", metavar="DSN", help="measure this database, seeded by benchmarks.seed")
    options = parser.parse_args()
    with chosen_store(options.driver, options.seeded) as settings, opened(settings) as store:
        if not options.seeded:
            seed(store, Size(2 * options.domains))
        snapshot_id = project_and_capture(store, make_cohort(store))
        if options.part != "maintenance":
            add_snapshots(store, snapshot_id, options.snapshots - 1)
            if options.part != "pages":
                measure_endpoints(store, options.repeats, kept=options.kept)
            if options.part != "endpoints":
                measure_pages(store, options.repeats, kept=options.kept)
        if options.part in ("all", "maintenance"):
            measure_removal(store, snapshot_id)


if __name__ == "__main__":
    main()
