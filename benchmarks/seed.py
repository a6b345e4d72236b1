"""Fill a store with invented domains, tags, batches, jobs, runs and entries, in the proportions of a service in use.

Half of the runs belong to one sweep over all domains, a quarter to twenty smaller batches, an eighth to many tiny ones,
the others to none.
"""

from __future__ import annotations

import random
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias, cast

from sqlalchemy import Index, Table, select

from gonemaster_db.bulk import insert_rows
from gonemaster_db.documents.outcomes import ensure_outcomes
from gonemaster_db.documents.run_document import encode_document
from gonemaster_db.engine import autocommit_engine
from gonemaster_db.ids import batch_key
from gonemaster_db.levels import LEVELS, SEVERITIES, worst
from gonemaster_db.models import (
    Batch,
    BatchOrigin,
    Domain,
    DomainTag,
    EffectiveProfile,
    Job,
    JobStatus,
    Run,
    RunDocument,
    RunStatus,
    Tag,
)
from gonemaster_db.records import EntryRecord
from gonemaster_db.repositories.counters import RunGroup, count_runs_in
from gonemaster_db.repositories.domains import refresh_domains
from gonemaster_db.session import Store
from gonemaster_engine.catalogue import cases

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
SEED = 5
SWEEP = "batch_0000000000100000000"
PROFILE = "0" * 64
TAGS = {"all": 1, "half": 2, "tenth": 10, "rare": 1000} | {f"list{nth}": nth for nth in range(200, 500)}
"""Each is on every n-th domain."""
_BATCHES = 20
_TINY_BATCHES = 500
_VARIANTS = 50
_SLICE = 2000
_LEVEL_WEIGHTS = (2, 6, 12, 64, 8, 5, 2, 0.3)
_GRADES = ((90, "A"), (80, "B"), (70, "C"), (60, "D"), (0, "F"))


@dataclass(frozen=True)
class Size:
    """How many rows are made."""

    runs: int
    entries_per_run: int = 30

    @property
    def domains(self) -> int:
        return self.runs // 2

    @property
    def jobs(self) -> int:
        return min(10_000, self.runs // 20)


@dataclass(frozen=True)
class Template:
    """What does not differ between two entries of one tag."""

    module: str
    testcase: str
    tag: str
    level: str


ARGUMENTS = [{"ns": f"ns{number % 4}.example", "address": f"192.0.2.{number}"} for number in range(_VARIANTS)]
"""Runs differ in them."""
Made: TypeAlias = tuple[str, int, list[Template]]
"""Id of a run, its place in the mixed order, its entries."""


def templates(rng: random.Random) -> list[Template]:
    """One of each tag of each case, shuffled: the first ones are in every run, the others in some."""
    found = [
        Template(case.module, case_id, tag, rng.choices(LEVELS, _LEVEL_WEIGHTS)[0])
        for case_id, case in cases().items()
        for tag in sorted(tag.name for tag in case.tags)
    ]
    rng.shuffle(found)
    return sorted(found, key=lambda template: template.level not in ("DEBUG", "INFO"))


def seed(store: Store, size: Size) -> None:
    """Fill an empty store with current tables."""
    rng = random.Random(SEED)
    with _without_indexes(store):
        _seed_domains(store, size)
        with store.transaction() as session:
            effective = [(1, PROFILE, "{}", BEGIN)]
            insert_rows(session, EffectiveProfile, ("id", "digest", "document", "created_at"), effective)
            names = ("key", "id", "tag", "created_at", "domain_count", "description", "snapshot_intent", "origin")
            insert_rows(session, Batch, names, _batches(size))
        _seed_jobs(store, size)
        _seed_runs(store, size, rng)
    with store.transaction() as session:
        refresh_domains(session, range(1, size.domains + 1))
    _analyse(store)


def name_of(domain_id: int) -> str:
    return f"{('shop', 'mail', 'city', 'bank')[domain_id % 4]}{domain_id:06d}.example"


class _without_indexes:  # noqa: N801  # reads as a block
    """On PostgreSQL the indexes of the large tables are made after the rows, which takes a third of the time."""

    def __init__(self, store: Store) -> None:
        on_postgres = store.engine.dialect.name == "postgresql"
        self._engine = store.engine
        tables = (Run.__table__,) if on_postgres else ()
        self._indexes: list[Index] = [index for table in tables for index in cast("Table", table).indexes]

    def __enter__(self) -> None:
        for index in self._indexes:
            index.drop(self._engine)

    def __exit__(self, *_: object) -> None:
        for index in self._indexes:
            index.create(self._engine)


def _seed_domains(store: Store, size: Size) -> None:
    ids = range(1, size.domains + 1)
    with store.transaction() as session:
        rows = ((key, name_of(key), BEGIN, 0) for key in ids)
        insert_rows(session, Domain, ("id", "name", "created_at", "run_count"), rows)
        insert_rows(session, Tag, ("name", "description", "created_at"), [(tag, "", BEGIN) for tag in TAGS])
        # Every 20th domain has no tag.
        members = ((key, tag) for key in ids if key % 20 != 7 for tag, nth in TAGS.items() if key % nth == 0)
        insert_rows(session, DomainTag, ("domain_id", "tag"), members)


def _batches(size: Size) -> Iterator[tuple[Any, ...]]:
    yield batch_key(SWEEP), SWEEP, "all", BEGIN, size.domains, "", False, BatchOrigin.MANUAL
    for number in range(_BATCHES):
        made = BEGIN + timedelta(days=number + 1)
        batch = batch_id(number)
        domains = size.runs // 4 // _BATCHES
        yield batch_key(batch), batch, "tenth", made, domains, "", False, BatchOrigin.SCHEDULE
    for number in range(_TINY_BATCHES):
        made = BEGIN + timedelta(hours=number + 1)
        batch = _tiny_batch_id(number)
        yield batch_key(batch), batch, f"list{200 + number % 300}", made, 1, "", False, BatchOrigin.MANUAL


def batch_id(number: int) -> str:
    """The id of one of the smaller batches."""
    return f"batch_{number + 10:011d}00000000"


def _tiny_batch_id(number: int) -> str:
    return f"batch_{number + 1000:011d}00000000"


def _seed_jobs(store: Store, size: Size) -> None:
    names = (
        "id", "domain", "batch_id", "status", "priority", "position", "created_at", "started_at", "progress", "error",
        "attempt", "releases", "profile", "profile_name", "config",
    )  # fmt: skip
    rows: Iterator[tuple[Any, ...]] = (
        (
            f"job_w{number:09d}", name_of(number + 1), batch_id(number % _BATCHES) if number % 2 else None,
            _job_status(number), number % 2, number << 10, BEGIN + timedelta(days=200, seconds=number),
            BEGIN + timedelta(days=201) if number % 50 == 0 else None, 0, "", 0, 0, "", "", {},
        )
        for number in range(size.jobs)
    )  # fmt: skip
    with store.transaction() as session:
        insert_rows(session, Job, names, rows)


def _job_status(number: int) -> JobStatus:
    if number % 50 == 0:
        return JobStatus.RUNNING
    return JobStatus.PAUSED if number % 7 == 0 else JobStatus.QUEUED


def _seed_runs(store: Store, size: Size, rng: random.Random) -> None:
    pool = templates(rng)
    order = list(range(size.runs))
    rng.shuffle(order)  # batches and domains lie mixed in time
    for begin in range(0, size.runs, _SLICE):
        made = [
            (_run_id(number), order[number], _choose(pool, size, rng))
            for number in range(begin, min(begin + _SLICE, size.runs))
        ]
        with store.transaction() as session:
            entries = {run_id: _entries(place, chosen) for run_id, place, chosen in made}
            outcomes = ensure_outcomes(session, list(entries.values()), now=BEGIN)
            rows = ((*_run(*one, size, rng), outcome) for one, outcome in zip(made, outcomes, strict=True))
            insert_rows(session, Run, RUN_COLUMNS, rows)
            written = session.execute(select(Run.id, Run.key).where(Run.id.in_(list(entries))))
            keys = {row.id: row.key for row in written}
            documents = (
                (keys[run_id], *_document(entries[run_id], {"version": 3} if place % 100 == 0 else None))
                for run_id, place, _ in made
            )
            insert_rows(session, RunDocument, ("run_key", "codec", "document"), documents)
            columns = (Run.batch_key, Run.status, Run.worst_level, Run.grade)
            groups = session.execute(select(*columns).where(Run.id.in_(list(entries))))
            count_runs_in(session, Counter(RunGroup(*group) for group in groups))


def _run_id(number: int) -> str:
    return f"job_{number:019d}"


def _choose(pool: list[Template], size: Size, rng: random.Random) -> list[Template]:
    usual = size.entries_per_run * 4 // 5
    rare = size.entries_per_run - usual
    return pool[:usual] + rng.choices(pool[usual:], k=rare)


RUN_COLUMNS = (
    "id", "domain", "domain_id", "batch_key", "status", "priority", "created_at", "started_at", "finished_at",
    "duration_ms", "attempt", "error", "sev_notice", "sev_warning", "sev_error", "sev_critical", "entry_count",
    "worst_level", "score", "grade", "profile", "profile_name", "effective_profile_id", "config",
    "findings_hash", "outcome_id",
)  # fmt: skip


def _run(key: str, place: int, chosen: list[Template], size: Size, rng: random.Random) -> tuple[Any, ...]:
    number = int(key[4:])
    created = BEGIN + timedelta(seconds=number * 60)
    started = created + timedelta(seconds=rng.randrange(1, 90))
    status = rng.choices(list(RunStatus), (94, 3, 2, 1))[0]
    counts = Counter(template.level for template in chosen)
    duration = rng.randrange(200, 60_000)
    score = max(0, 100 - 3 * counts["NOTICE"] - 9 * counts["WARNING"] - 20 * counts["ERROR"] - 60 * counts["CRITICAL"])
    done = status is RunStatus.SUCCEEDED
    batch = _batch(place, size)
    domain_id = place % size.domains + 1
    return (
        key, name_of(domain_id), domain_id, None if batch is None else batch_key(batch), status, 1, created,
        None if status is RunStatus.EXPIRED else started, started + timedelta(milliseconds=duration),
        duration if done else None, 1, "" if done else "no answer",
        counts["NOTICE"], counts["WARNING"], counts["ERROR"], counts["CRITICAL"], len(chosen),
        worst(template.level for template in chosen), score if done else None,
        next(grade for least, grade in _GRADES if score >= least) if done else None,
        "", "default", 1, {"tests": ["basic", "zone"], "min_level": "INFO"},
        _hash(place, chosen) if done else None,
    )  # fmt: skip


def _hash(place: int, chosen: Sequence[Template]) -> int:
    """Give a number that is equal for runs with the same findings, which is all that comparisons ask of it."""
    found = [(one, number) for number, one in enumerate(chosen) if one.level in SEVERITIES]
    said = [(one.testcase, one.tag, _variant(place, number)) for one, number in found]
    return zlib.crc32(repr(sorted(said)).encode())


_TIMINGS = [
    {"ns": f"ns{number}.example", "address": f"192.0.2.{number}", "queries": 90, "median_ms": 12.5, "max_ms": 80.1}
    for number in range(4)
]


def _batch(place: int, size: Size) -> str | None:
    if place < size.domains:
        return SWEEP
    if place < size.domains + size.runs // 4:
        return batch_id(place % _BATCHES)
    return _tiny_batch_id(place % _TINY_BATCHES) if place < size.domains + size.runs * 3 // 8 else None


def _entries(place: int, chosen: Sequence[Template]) -> list[EntryRecord]:
    return [
        EntryRecord(number / 10, one.module, one.testcase, one.tag, one.level, ARGUMENTS[_variant(place, number)])
        for number, one in enumerate(chosen)
    ]


def _document(entries: Sequence[EntryRecord], chain: dict[str, Any] | None) -> tuple[int, bytes]:
    made = encode_document(entries, _TIMINGS, chain)
    assert made is not None
    return made


def _variant(place: int, number: int) -> int:
    """Which arguments an entry has: some are rare."""
    return (place * 7919 + number * 31) % 9973 % _VARIANTS if place % 3 else number % 5


def _analyse(store: Store) -> None:
    """What autovacuum does on PostgreSQL within minutes; on SQLite the service lives without statistics."""
    if store.engine.dialect.name == "postgresql":
        with autocommit_engine(store.engine).connect() as connection:
            connection.exec_driver_sql("VACUUM ANALYZE")
