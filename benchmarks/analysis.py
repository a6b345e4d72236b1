"""What the analysis costs: CPU and octets of a projected run, time and memory of a capture.

    python -m benchmarks.analysis [--driver postgres|sqlite] [--domains 100000]

CPU is that of this thread and of the server process of its connection, so the figures hold on a busy machine, too.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import func, select, text, update
from sqlalchemy.orm import Session

from benchmarks.seed import BEGIN, SWEEP, Size, seed
from benchmarks.store import Bench, chosen_store, opened, serving
from gonemaster_db.ids import batch_key
from gonemaster_db.models import FACT_TABLES, Batch, Cohort, CohortSnapshot, Projection
from gonemaster_db.repositories.analysis.capture import materialise
from gonemaster_db.repositories.analysis.discarding import count_facts
from gonemaster_db.repositories.analysis.views import VIEW_TABLES, drop_views, remove_view_step
from gonemaster_db.session import Store
from gonemaster_tasks.maintenance.projection.projector import Projector

NOW = BEGIN + timedelta(days=1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--driver", choices=("postgres", "sqlite"), default="postgres")
    parser.add_argument("--domains", type=int, default=100_000)
    parser.add_argument("--seeded", default="", metavar="DSN", help="measure this database, seeded before")
    options = parser.parse_args()
    with chosen_store(options.driver, options.seeded) as settings, opened(settings) as store:
        if not options.seeded:
            seed(store, Size(2 * options.domains))
        with store.transaction() as session:
            _make_cohort(session)
        with serving(store) as bench:
            _measure_projection(store, bench)
            _measure_capture(store, bench)


def _make_cohort(session: Session) -> None:
    session.execute(update(Batch).where(Batch.id == SWEEP).values(snapshot_intent=True))
    if session.scalar(select(Cohort.id)) is None:
        session.add(Cohort(source_tag="all", analysis_enabled=True, created_at=BEGIN, updated_at=BEGIN))


def _measure_projection(store: Store, bench: Bench) -> None:
    clock, began = bench.cpu_clock(), time.perf_counter()
    before = clock()
    runs = Projector().project(store, floor="NOTICE", now=lambda: NOW)
    cpu_s = clock() - before
    if not runs:
        return
    lasted_s = time.perf_counter() - began
    print(f"projected {runs} runs: {cpu_s / runs * 1000:.2f} ms CPU a run, {lasted_s:.1f} s in all")
    with store.read_only() as session:
        rows = count_facts(session, batch_key(SWEEP))
        octets = _octets(session, [*FACT_TABLES, Projection])
    print(f"facts: {rows / runs:.1f} rows and {octets / runs:.0f} octets a run, with indexes")


def _measure_capture(store: Store, bench: Bench) -> None:
    with store.read_only() as session:
        (snapshot,) = session.scalars(select(CohortSnapshot)).all()
    before_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    clock, began = bench.cpu_clock(), time.perf_counter()
    before = clock()
    outcome = materialise(store, snapshot.id, now=lambda: NOW)
    cpu_s, lasted_s = clock() - before, time.perf_counter() - began
    peak_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(
        f"capture ({outcome.value}): {cpu_s:.1f} s CPU, {lasted_s:.1f} s in all,"
        f" peak of the process {peak_kib // 1024} MiB, {(peak_kib - before_kib) // 1024} MiB more than before"
    )
    with store.read_only() as session:
        (now,) = session.scalars(select(CohortSnapshot)).all()
        octets = _octets(session, VIEW_TABLES)
    print(f"view: {now.domain_count} domains, {octets / max(1, now.domain_count):.0f} octets a domain, with indexes")
    _measure_removal(store, clock, now.view_id)


def _measure_removal(store: Store, clock: Any, view_id: int | None) -> None:
    if view_id is None:
        return
    with store.transaction() as session:
        session.execute(update(CohortSnapshot).values(view_id=None, captured_revision=-1))
        drop_views(session, [view_id], now=NOW)
    before, steps, longest = clock(), 0, 0.0
    while True:
        began = time.perf_counter()
        with store.transaction() as session:
            removed = remove_view_step(session, view_id, now=NOW + timedelta(days=1), limit=2000)
        longest = max(longest, time.perf_counter() - began)
        steps += 1
        if not removed:
            break
    print(f"removal of the view: {clock() - before:.1f} s CPU, {steps} steps, the longest {longest * 1000:.0f} ms")


def _octets(session: Session, tables: Sequence[Any]) -> int:
    names = [table.__tablename__ for table in tables]
    if session.get_bind().dialect.name == "postgresql":
        sizes = [func.pg_total_relation_size(text(f"'{name}'")) for name in names]
        return sum(int(size) for size in session.execute(select(*sizes)).one())
    query = text("SELECT coalesce(sum(pgsize), 0) FROM dbstat WHERE name = :name OR name LIKE :index ESCAPE '\\'")
    return sum(int(session.execute(query, {"name": name, "index": f"%{name}\\_%"}).scalar_one()) for name in names)


if __name__ == "__main__":
    main()
