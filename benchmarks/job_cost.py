"""Measure what a finished job costs the database: disk by table and index, WAL, and CPU of PostgreSQL.

    python -m benchmarks.job_cost --driver postgres --runs 20000
    python -m benchmarks.job_cost --driver sqlite --runs 20000

Jobs of one batch are claimed and graduated one after another, each in separate transactions, as one slot of a worker
does, with entries like those of a sweep. With `--group` so many jobs share a claim and a transaction, as the slots of a
busy worker do. Disk is the growth of all tables and indexes. WAL is measured between
checkpoints, without full-page images; with `--checkpoint-every` it includes those after a checkpoint. `--objects` lists
the WAL by table, index and kind of record.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from pathlib import Path

from sqlalchemy import text

from benchmarks.store import chosen_store, opened
from benchmarks.sweep.sample import Drawn, Sweep, word
from benchmarks.wal import octets_by_object, position, print_objects
from gonemaster_db.batches.batches import create_batch
from gonemaster_db.core.chunks import chunks
from gonemaster_db.core.clock import utcnow
from gonemaster_db.core.connection.engine import autocommit_engine
from gonemaster_db.core.json_text import dump_json
from gonemaster_db.core.records import NewBatch, NewJob, RunRecord
from gonemaster_db.core.session import Store
from gonemaster_db.models import RunStatus
from gonemaster_db.queue.jobs import claim_jobs, create_jobs
from gonemaster_db.runs.graduation import AttemptResult, graduate_jobs
from gonemaster_engine.memory import collect_rarely
from gonemaster_engine.profile.profile import default_profile

_LEASE = timedelta(minutes=5)
_SEED = 11
_PORTION = 200
DURABLE = {
    "shared_buffers": "512MB",
    "max_wal_size": "16GB",
    "checkpoint_timeout": "1h",
    "autovacuum_naptime": "10s",
    "max_parallel_workers_per_gather": "0",
}


@dataclass(frozen=True)
class Meter:
    """Counts the work of the database so far."""

    store: Store

    @property
    def on_postgres(self) -> bool:
        return self.store.engine.dialect.name == "postgresql"

    def wal_octets(self) -> int:
        """Return the bytes written to the log of PostgreSQL; 0 for SQLite."""
        return self._value("SELECT (pg_current_wal_insert_lsn() - '0/0')::bigint") if self.on_postgres else 0

    def cpu_s(self) -> float:
        """Return the CPU time of the database's server processes and WAL writer; for SQLite that of this thread."""
        if not self.on_postgres:
            return time.thread_time()
        with self.store.read_only() as session:
            ours = "datname = current_database() OR backend_type = 'walwriter'"
            pids = session.scalars(text(f"SELECT pid FROM pg_stat_activity WHERE {ours}")).all()
        return sum(int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) for pid in pids) / 1e9

    def sizes(self) -> Mapping[str, int]:
        """Return the bytes of each table (including its TOAST data) and index."""
        if self.on_postgres:
            query = (
                "SELECT c.relname, CASE c.relkind WHEN 'i' THEN pg_relation_size(c.oid) ELSE pg_table_size(c.oid) END"
                " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
                " WHERE n.nspname = 'public' AND c.relkind IN ('r', 'i')"
            )
        else:
            query = "SELECT name, sum(pgsize) FROM dbstat GROUP BY name"
        with self.store.read_only() as session:
            return {name: int(octets) for name, octets in session.execute(text(query))}

    def prepare(self, statement: str) -> None:
        """Execute a maintenance statement outside of transactions."""
        with autocommit_engine(self.store.engine).connect() as connection:
            connection.exec_driver_sql(statement)

    def _value(self, query: str) -> int:
        with self.store.read_only() as session:
            return int(session.execute(text(query)).scalar_one())


def name_of(number: int) -> str:
    """Return the domain of a job; each domain has two jobs."""
    return f"{word(number // 2)}.{('com', 'net', 'org')[number // 2 % 3]}"


def submit(store: Store, jobs: int) -> list[str]:
    """Queue the jobs of one batch, two for each domain."""
    with store.transaction() as session:
        batch = create_batch(session, NewBatch(domain_count=jobs))
        new = (NewJob(name_of(number), batch_id=batch.id) for number in range(jobs))
        return [job_id for ids in create_jobs(session, new) for job_id in ids]


def records(sweep: Sweep) -> Iterator[RunRecord]:
    """Yield results endlessly."""
    rng = random.Random(_SEED)
    profile = dump_json(default_profile().as_dict())
    for number in count():
        yield record_of(sweep, sweep.draw(name_of(number), rng), profile)


def record_of(sweep: Sweep, drawn: Drawn, profile: str) -> RunRecord:
    return RunRecord(
        RunStatus.SUCCEEDED,
        utcnow(),
        entries=sweep.records(drawn),
        effective_profile=profile,
        nameserver_timings=drawn.timing_records(),
        score=drawn.score,
        grade=drawn.grade,
    )


def run_jobs(store: Store, jobs: Sequence[tuple[str, RunRecord]]) -> None:
    """Claim and graduate jobs in separate transactions, as a worker does."""
    with store.autocommit() as session:
        ids = [job_id for job_id, _ in jobs]
        claimed = claim_jobs(session, ids, worker="bench", now=utcnow(), lease=_LEASE)
    results = [AttemptResult(job_id, claimed[job_id].attempt, record) for job_id, record in jobs]
    store.run_in_transaction(lambda session: graduate_jobs(session, results, worker="bench"))


def measure(store: Store, jobs: int, *, group: int, checkpoint_every: int, objects: bool) -> None:
    """Run the jobs and print their cost; a tenth of them runs first, to warm up caches and pages."""
    meter, made = Meter(store), records(Sweep())
    empty = meter.sizes()
    ids = submit(store, jobs)
    for some in chunks(zip(ids[: jobs // 10], made, strict=False), group):
        run_jobs(store, some)
    rest = ids[jobs // 10 :]
    wal, cpu, client_cpu = 0, 0.0, 0.0
    start = position(store) if objects else ""
    for begin in range(0, len(rest), _PORTION):
        portion = list(zip(rest[begin : begin + _PORTION], made, strict=False))  # drawing the results is not measured
        if checkpoint_every and begin // _PORTION % max(1, checkpoint_every // _PORTION) == 0:
            meter.prepare("CHECKPOINT")
        octets, seconds, thread_s = meter.wal_octets(), meter.cpu_s(), time.thread_time()
        for some in chunks(portion, group):
            run_jobs(store, some)
        client_cpu += time.thread_time() - thread_s
        cpu += meter.cpu_s() - seconds
        wal += meter.wal_octets() - octets
    costs = f"{cpu / len(rest) * 1e6:.0f} us of CPU of the database, {client_cpu / len(rest) * 1e6:.0f} of the client"
    print(f"a job: {wal / len(rest):.0f} octets of WAL, {costs}")
    if objects:
        print_objects(octets_by_object(store, start, position(store)), len(rest))
    report_sizes(meter, empty, jobs)


def report_sizes(meter: Meter, empty: Mapping[str, int], runs: int) -> None:
    if meter.on_postgres:
        meter.prepare("VACUUM ANALYZE")
    grown = {name: octets - empty.get(name, 0) for name, octets in meter.sizes().items()}
    print(f"on disk: {sum(grown.values()) / runs:.0f} octets a run")
    for name, octets in sorted(grown.items(), key=lambda one: -one[1]):
        if octets >= 10 * runs:
            print(f"  {octets / runs:8.0f}  {name}")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--driver", choices=("postgres", "sqlite"), default="postgres")
    parser.add_argument("--runs", type=int, default=20_000)
    parser.add_argument("--group", type=int, default=1, metavar="JOBS", help="jobs that share a transaction")
    parser.add_argument("--objects", action="store_true", help="WAL by table and index, with pg_waldump")
    parser.add_argument("--checkpoint-every", type=int, default=0, metavar="JOBS")
    options = parser.parse_args()
    collect_rarely()
    whole_pages = {"full_page_writes": "on" if options.checkpoint_every else "off"}
    with chosen_store(options.driver, "", postgres=DURABLE | whole_pages) as settings, opened(settings) as store:
        print(f"{options.driver}: {options.runs} jobs")
        measure(
            store,
            options.runs,
            group=options.group,
            checkpoint_every=options.checkpoint_every,
            objects=options.objects and options.driver == "postgres",
        )


if __name__ == "__main__":
    main()
