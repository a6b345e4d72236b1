"""Fill a store with generated domains, tags, batches, jobs and runs, in the proportions of a service in use.

Half of the runs belong to one sweep over all domains, a quarter to twenty smaller batches, an eighth to many tiny
ones, the others to no batch. Findings are drawn from a real sweep (`benchmarks.sweep`). On PostgreSQL several
processes write in parallel, and the indexes of runs are created at the end: a million runs take a few minutes.
"""

from __future__ import annotations

import multiprocessing
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from sqlalchemy import Index, Table, func, select, text
from sqlalchemy.orm import Session

from benchmarks.sweep.sample import Drawn, sweep, word
from gonemaster_db.core.bulk import insert_rows
from gonemaster_db.core.connection.engine import autocommit_engine
from gonemaster_db.core.ids import batch_key
from gonemaster_db.core.json_text import dump_json
from gonemaster_db.core.levels import SEVERITIES, worst
from gonemaster_db.core.records import EntryRecord
from gonemaster_db.core.session import Store, open_store
from gonemaster_db.core.settings import StoreSettings
from gonemaster_db.domains.domains import OF_RUN_COUNT, refresh_domains
from gonemaster_db.models import (
    Batch,
    BatchOrigin,
    Domain,
    DomainRunCount,
    DomainTag,
    EffectiveProfile,
    Job,
    JobStatus,
    Run,
    RunDocument,
    RunStatus,
    Tag,
)
from gonemaster_db.runs.counters import RunGroup, count_runs_in
from gonemaster_db.runs.documents.outcomes import ensure_outcomes
from gonemaster_db.runs.documents.run_document import encode_text
from gonemaster_db.runs.findings import findings_hash
from gonemaster_engine.profile.profile import default_profile

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
SEED = 5
SWEEP = "batch_0000000000100000000"
PROFILE = 1
TAGS = {"all": 1, "half": 2, "tenth": 10, "rare": 1000} | {f"list{nth}": nth for nth in range(200, 500)}
"""Each tag is on every n-th domain."""
ENTRIES_PER_RUN = 98
"""The mean of the sweep from which runs are drawn."""
_BATCHES = 20
_TINY_BATCHES = 500
_SLICE = 2000
_PROCESSES = 3
_REPEATED = 200
"""One run in so many had a second attempt."""
_ALONE_MAX = 10_000
"""Below this number of runs, parallel processes do not pay off."""
_STRIDE = 611_953  # a prime: its multiples are all different modulo the number of rows
_STATUSES = list(RunStatus)


@dataclass(frozen=True)
class Size:
    """The number of rows to create."""

    runs: int

    @property
    def domains(self) -> int:
        return self.runs // 2

    @property
    def jobs(self) -> int:
        return min(10_000, self.runs // 20)

    def place(self, number: int) -> int:
        """Mix batches and domains in time: each run has a separate position."""
        return number * _STRIDE % self.runs


def seed(store: Store, size: Size) -> None:
    """Fill an empty store with current tables."""
    with _without_indexes(store):
        with store.transaction() as session:
            _seed_domains(session, size)
            names = ("key", "id", "tag", "created_at", "domain_count", "description", "snapshot_intent", "origin")
            insert_rows(session, Batch, names, _batches(size))
            _seed_jobs(session, size)
            document = dump_json(default_profile().as_dict())
            session.add(EffectiveProfile(id=PROFILE, digest="0" * 64, document=document, created_at=BEGIN))
        _seed_runs(store, size)
    for begin in range(1, size.domains + 1, _SLICE):
        with store.transaction() as session:
            refresh_domains(session, range(begin, min(begin + _SLICE, size.domains + 1)))
    with store.transaction() as session:
        _count(session)
        _go_on_behind(session)
    _analyse(store)


def name_of(domain_id: int) -> str:
    kind = ("shop", "mail", "city", "bank")[domain_id * _STRIDE // 1000 % 4]  # tags are not in alphabetical order
    return f"{kind}{word(domain_id)}.{('com', 'net', 'org')[domain_id % 3]}"


class _without_indexes:  # noqa: N801  # reads as a block
    """Create the indexes of runs after the rows on PostgreSQL, which is faster."""

    def __init__(self, store: Store) -> None:
        on_postgres = store.engine.dialect.name == "postgresql"
        self._engine = store.engine
        self._indexes: list[Index] = list(cast("Table", Run.__table__).indexes) if on_postgres else []

    def __enter__(self) -> None:
        for index in self._indexes:
            index.drop(self._engine)

    def __exit__(self, *_: object) -> None:
        for index in self._indexes:
            index.create(self._engine)


def _seed_domains(session: Session, size: Size) -> None:
    ids = range(1, size.domains + 1)
    rows = ((key, name_of(key), BEGIN, 0) for key in ids)
    insert_rows(session, Domain, ("id", "name", "created_at", "run_count"), rows)
    insert_rows(session, DomainRunCount, OF_RUN_COUNT, ((key, 0, name_of(key), None) for key in ids))
    insert_rows(session, Tag, ("name", "description", "created_at"), [(tag, "", BEGIN) for tag in TAGS])
    # One domain in 20 has no tag.
    members = ((key, tag) for key in ids if key % 20 != 7 for tag, nth in TAGS.items() if key % nth == 0)
    insert_rows(session, DomainTag, ("domain_id", "tag"), members)


def _batches(size: Size) -> Iterator[tuple[Any, ...]]:
    yield batch_key(SWEEP), SWEEP, "all", BEGIN, size.domains, "", False, BatchOrigin.MANUAL
    for number in range(_BATCHES):
        made, batch = BEGIN + timedelta(days=number + 1), batch_id(number)
        domains = size.runs // 4 // _BATCHES
        yield batch_key(batch), batch, "tenth", made, domains, "", False, BatchOrigin.SCHEDULE
    for number in range(_TINY_BATCHES):
        made, batch = BEGIN + timedelta(hours=number + 1), _tiny_batch_id(number)
        yield batch_key(batch), batch, f"list{200 + number % 300}", made, 1, "", False, BatchOrigin.MANUAL


def batch_id(number: int) -> str:
    """Return the id of one of the smaller batches."""
    return f"batch_{number + 10:011d}00000000"


def _tiny_batch_id(number: int) -> str:
    return f"batch_{number + 1000:011d}00000000"


def _seed_jobs(session: Session, size: Size) -> None:
    names = (
        "id", "domain", "batch_id", "status", "priority", "position", "created_at", "started_at", "progress", "error",
        "attempt", "releases", "profile", "profile_name", "config",
    )  # fmt: skip
    rows: Iterator[tuple[Any, ...]] = (
        (
            f"job_w{number:09d}", name_of(number + 1), batch_id(number % _BATCHES) if number % 2 else None,
            _job_status(number), number % 2, number << 10, BEGIN + timedelta(days=900, seconds=number),
            BEGIN + timedelta(days=901) if number % 50 == 0 else None, 0, "", 0, 0, "", "", {},
        )
        for number in range(size.jobs)
    )  # fmt: skip
    insert_rows(session, Job, names, rows)


def _job_status(number: int) -> JobStatus:
    if number % 50 == 0:
        return JobStatus.RUNNING
    return JobStatus.PAUSED if number % 7 == 0 else JobStatus.QUEUED


def _seed_runs(store: Store, size: Size) -> None:
    slices = [(begin, min(begin + _SLICE, size.runs)) for begin in range(0, size.runs, _SLICE)]
    if size.runs <= _ALONE_MAX or store.engine.dialect.name == "sqlite":
        for begin, end in slices:
            _seed_slice(store, size, begin, end)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(_PROCESSES, context, _open_in_process, (store.settings,)) as processes:
        for done in [processes.submit(_seed_in_process, size, *portion) for portion in slices]:
            done.result()


_store_of_process: list[Store] = []


def _open_in_process(settings: StoreSettings) -> None:
    _store_of_process.append(open_store(settings))


def _seed_in_process(size: Size, begin: int, end: int) -> None:
    _seed_slice(_store_of_process[0], size, begin, end)


def _seed_slice(store: Store, size: Size, begin: int, end: int) -> None:
    rng = random.Random(f"{SEED} {begin}")
    places = [size.place(number) for number in range(begin, end)]
    drawn = [sweep().draw(name_of(place % size.domains + 1), rng) for place in places]
    with store.transaction() as session:
        outcomes = _outcomes(session, drawn)
    with store.transaction() as session:
        if session.get_bind().dialect.name == "postgresql":  # keys that are correct by construction are not checked
            session.execute(text("SET LOCAL session_replication_role = replica"))
        rows = (
            (number + 1, f"job_{number:019d}", outcome, PROFILE, *_run(number, place, one, size, rng))
            for number, place, one, outcome in zip(range(begin, end), places, drawn, outcomes, strict=True)
        )
        insert_rows(session, Run, RUN_COLUMNS, rows)
        documents = (
            (number + 1, *_document(one, number)) for number, one in zip(range(begin, end), drawn, strict=True)
        )
        insert_rows(session, RunDocument, ("run_key", "codec", "document"), documents)


_known_outcomes: dict[tuple[int, ...], int] = {}


def _outcomes(session: Session, drawn: Sequence[Drawn]) -> list[int]:
    """Find or create the outcomes of runs; this process caches them."""
    if session.get_bind() not in _stores_met:
        _stores_met[:] = [session.get_bind()]
        _known_outcomes.clear()
    sequences = [tuple(one.kinds) for one in drawn]
    if new := [kinds for kinds in dict.fromkeys(sequences) if kinds not in _known_outcomes]:
        records = [[EntryRecord(0, *sweep().kinds[kind]) for kind in kinds] for kinds in new]
        found = ensure_outcomes(session, records, now=BEGIN)
        _known_outcomes.update({kinds: number for kinds, number in zip(new, found, strict=True) if number is not None})
    return [_known_outcomes[kinds] for kinds in sequences]


_stores_met: list[Any] = []
RUN_COLUMNS = (
    "key", "id", "outcome_id", "effective_profile_id",
    "domain", "domain_id", "batch_key", "status", "priority", "created_at", "started_at", "finished_at",
    "duration_ms", "attempt", "error", "sev_notice", "sev_warning", "sev_error", "sev_critical", "entry_count",
    "worst_level", "score", "grade", "profile", "profile_name", "config", "findings_hash",
)  # fmt: skip


def _run(number: int, place: int, drawn: Drawn, size: Size, rng: random.Random) -> tuple[Any, ...]:
    created = BEGIN + timedelta(seconds=number * 60)
    started = created + timedelta(seconds=rng.randrange(1, 90))
    status = rng.choices(_STATUSES, (94, 3, 2, 1))[0]
    counts = sweep().levels(drawn)
    done = status is RunStatus.SUCCEEDED
    batch = _batch(place, size)
    domain_id = place % size.domains + 1
    return (
        name_of(domain_id), domain_id, None if batch is None else batch_key(batch), status, 1, created,
        None if status is RunStatus.EXPIRED else started, started + timedelta(milliseconds=drawn.duration_ms),
        drawn.duration_ms if done else None, 2 if number % _REPEATED == 0 else 1, "" if done else "no answer",
        counts["NOTICE"], counts["WARNING"], counts["ERROR"], counts["CRITICAL"], len(drawn.kinds),
        worst(counts), drawn.score if done else None, drawn.grade if done else None,
        "", "default", {"tests": ["basic", "zone"], "min_level": "INFO"}, _hash(drawn) if done else None,
    )  # fmt: skip


def _hash(drawn: Drawn) -> int:
    kinds = sweep().kinds
    chosen = [place for place, kind in enumerate(drawn.kinds) if kinds[kind][3] in SEVERITIES]
    return findings_hash(sweep().records(drawn, chosen))


def _document(drawn: Drawn, number: int) -> tuple[int, bytes]:
    chain = '{"version":3}' if number % 100 == 0 else ""
    return encode_text(drawn.times_us, ["" if args == "{}" else args for args in drawn.args], drawn.timings, chain)


def _batch(place: int, size: Size) -> str | None:
    if place < size.domains:
        return SWEEP
    if place < size.domains + size.runs // 4:
        return batch_id(place % _BATCHES)
    return _tiny_batch_id(place % _TINY_BATCHES) if place < size.domains + size.runs * 3 // 8 else None


def _count(session: Session) -> None:
    columns = (Run.batch_key, Run.status, Run.worst_level, Run.grade)
    rows = session.execute(select(*columns, func.count()).group_by(*columns))
    counts: Counter[RunGroup] = Counter()
    for batch, status, level, grade, number in rows:
        counts[RunGroup(batch, status, level, grade)] += number
    count_runs_in(session, counts)


def _go_on_behind(session: Session) -> None:
    """Let PostgreSQL continue its sequences after the keys that this program has chosen."""
    if session.get_bind().dialect.name == "postgresql":
        for table, column in (("domains", "id"), ("runs", "key"), ("effective_profiles", "id")):
            last = f"(SELECT coalesce(max({column}), 1) FROM {table})"
            session.execute(text(f"SELECT setval(pg_get_serial_sequence('{table}', '{column}'), {last})"))


def _analyse(store: Store) -> None:
    """Analyse the tables on PostgreSQL, as autovacuum does within minutes; on SQLite the service has no statistics."""
    if store.engine.dialect.name == "postgresql":
        with autocommit_engine(store.engine).connect() as connection:
            connection.exec_driver_sql("VACUUM ANALYZE")
