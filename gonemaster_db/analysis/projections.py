"""Projections: finds the runs without facts, and stores the facts of many runs together.

Nothing is recorded when a run finishes. A batch is due if the number of runs that it ever had differs from the number
that its snapshot has seen, and a run is due if it has no row in `projections`. That number only grows: a purge moves
runs from one counter to another, so that a run that arrives after a purge is always noticed.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import Any, NamedTuple

from sqlalchemy import Select, func, literal, or_, select, union_all, update
from sqlalchemy.orm import Session

from gonemaster_db.analysis.facts import RunFacts, write_facts
from gonemaster_db.analysis.snapshots import RUNNING, ensure_snapshot
from gonemaster_db.core.bulk import insert_rows
from gonemaster_db.models import (
    Batch,
    Cohort,
    CohortSnapshot,
    DomainTag,
    FactDomainSummary,
    FactStorage,
    Job,
    Projection,
    PurgedRunCounter,
    PurgedSnapshot,
    Run,
    RunCounter,
    RunStatus,
    SnapshotStatus,
)

PROJECTOR_VERSION = 1
_COLUMNS = ("snapshot_id", "run_key", "status", "projector_version", "error")
_NO_SYNC = {"synchronize_session": False}


class CohortChanged(Exception):
    """The cohort was cleared, disabled or removed after the work was found."""


class _RunNumbers(NamedTuple):
    """The succeeded runs that a batch ever had, and those of them that were not purged."""

    arrived: int
    left: int


@dataclass(frozen=True, slots=True)
class UnseenBatch:
    """A batch with runs that a cohort has not seen; `arrived` is the number of succeeded runs that it ever had.

    `storage` is None as long as the snapshot has no facts.
    """

    cohort_id: int
    generation: int
    tag: str
    floor: str
    batch_key: int
    arrived: int
    snapshot_id: int | None
    seen: int
    is_tagged: bool = True
    coverage: int | None = None
    storage: FactStorage | None = None


class RunRow(NamedTuple):
    """The columns of a run that facts use."""

    key: int
    id: str
    domain_id: int
    domain: str
    finished_at: datetime
    score: int | None
    grade: str | None
    worst_level: str | None
    effective_profile_id: int | None
    profile_id: int | None
    profile_name: str
    cause_set_id: int | None


@dataclass(frozen=True, slots=True)
class Projected:
    """The facts of one run, or the error that prevented them."""

    run_key: int
    facts: RunFacts | None
    error: str | None = None


def find_waiting(session: Session, *, floor: str, created_since: datetime | None = None) -> list[UnseenBatch]:
    """Return the batches whose counters differ from those that the snapshots of cohorts have seen, newest first.

    A batch belongs to the cohorts of its tags. A batch whose tags have no cohort belongs to the cohorts whose
    members it tests; `covers` decides this.

    `floor` is the minimum level of cohorts without their own. With `created_since` older batches that are already
    captured are skipped: checking all batches is more expensive and needed less often.
    """
    cohorts = session.scalars(select(Cohort).where(Cohort.analysis_enabled).order_by(Cohort.id)).all()
    if not cohorts:
        return []
    numbers = _count_runs_since(session, created_since)
    snapshots = session.scalars(select(CohortSnapshot).where(CohortSnapshot.batch_key.in_(list(numbers))))
    known = {(snapshot.cohort_id, snapshot.batch_key): snapshot for snapshot in snapshots}
    removed = select(PurgedSnapshot.cohort_id, PurgedSnapshot.batch_key)
    purged = {tuple(row) for row in session.execute(removed.where(PurgedSnapshot.batch_key.in_(list(numbers))))}
    made_for = _tags_of_cohorts(session, list(numbers))
    found = []
    for batch_key, number in sorted(numbers.items(), reverse=True):
        tags = made_for[batch_key]
        for cohort in cohorts:
            snapshot = known.get((cohort.id, batch_key))
            is_for_others = bool(tags) and cohort.source_tag not in tags
            if (snapshot is None and (is_for_others or not number.left)) or (cohort.id, batch_key) in purged:
                continue
            if (0 if snapshot is None else snapshot.seen_runs) != number.arrived:
                found.append(_waiting(cohort, snapshot, batch_key, number.arrived, floor, is_tagged=bool(tags)))
    return found


def _tags_of_cohorts(session: Session, batch_keys: Collection[int]) -> dict[int, set[str]]:
    """Return the tags of each batch that have a cohort, whether its analysis is on or off."""
    known = set(session.scalars(select(Cohort.source_tag)))
    batches = session.scalars(select(Batch).where(Batch.key.in_(batch_keys)))
    return {batch.key: known.intersection(batch.tag_names) for batch in batches}


def _waiting(
    cohort: Cohort,
    snapshot: CohortSnapshot | None,
    batch_key: int,
    arrived: int,
    floor: str,
    *,
    is_tagged: bool,
) -> UnseenBatch:
    min_level = snapshot.tag_view_min_level if snapshot else cohort.tag_view_min_level or floor
    return UnseenBatch(
        cohort.id,
        cohort.generation,
        cohort.source_tag,
        min_level,
        batch_key,
        arrived,
        snapshot_id=snapshot.id if snapshot else None,
        seen=snapshot.seen_runs if snapshot else 0,
        is_tagged=is_tagged,
        coverage=cohort.coverage,
        storage=snapshot.storage if snapshot and snapshot.facts_revision else None,
    )


def _count_runs_since(session: Session, created_since: datetime | None) -> dict[int, _RunNumbers]:
    """Count the succeeded runs of the batches with snapshot intent; see `find_waiting`."""
    batches = select(Batch.key).where(Batch.snapshot_intent)
    if created_since is not None:
        unfinished = select(CohortSnapshot.batch_key).where(CohortSnapshot.status == SnapshotStatus.PENDING)
        batches = batches.where(or_(Batch.created_at >= created_since, Batch.key.in_(unfinished)))
    return _count_runs(session, batches)


def _count_runs(session: Session, batch_keys: Any) -> dict[int, _RunNumbers]:
    """Count the succeeded runs of batches; batches that never had any are absent.

    One statement reads both counters, because a purge moves runs from one to the other.
    """
    parts = [
        select(table.batch_key, table.runs, left.label("left")).where(
            table.batch_key.in_(batch_keys), table.status == RunStatus.SUCCEEDED
        )
        for table, left in ((RunCounter, RunCounter.runs), (PurgedRunCounter, literal(0)))
    ]
    counted = union_all(*parts).subquery().c
    query = select(counted.batch_key, func.sum(counted.runs), func.sum(counted.left)).group_by(counted.batch_key)
    return {key: _RunNumbers(int(arrived), int(left)) for key, arrived, left in session.execute(query) if arrived}


def waiting_runs(session: Session, waiting: UnseenBatch, *, limit: int) -> Sequence[int]:
    """Return the keys of up to `limit` runs of the cohort's domains that are not projected yet."""
    return session.scalars(unprojected(waiting).order_by(Run.key).limit(limit)).all()


def unprojected(waiting: UnseenBatch) -> Select[int]:
    """Select the keys of the runs of the cohort's domains without a row in `projections`."""
    carries = (DomainTag.domain_id == Run.domain_id) & (DomainTag.tag == waiting.tag)
    query = select(Run.key).join(DomainTag, carries)
    query = query.where(Run.batch_key == waiting.batch_key, Run.status == RunStatus.SUCCEEDED)
    if waiting.snapshot_id is None:
        return query
    done = (Projection.snapshot_id == waiting.snapshot_id) & (Projection.run_key == Run.key)
    return query.where(~select(Projection.run_key).where(done).exists())


def due_captures(session: Session) -> list[int]:
    """Return finished snapshots whose view does not include all facts, newest batches first.

    Their batches have no unfinished job and no run that is not projected yet.
    """
    unfinished = or_(Batch.pending > 0, select(Job.id).where(Job.batch_id == Batch.id).exists())
    query = (
        select(CohortSnapshot.id, CohortSnapshot.batch_key, CohortSnapshot.seen_runs)
        .join(Batch, Batch.key == CohortSnapshot.batch_key)
        .join(Cohort, Cohort.id == CohortSnapshot.cohort_id)
        .where(Cohort.analysis_enabled, CohortSnapshot.facts_revision != CohortSnapshot.captured_revision, ~unfinished)
    )
    rows = session.execute(query.order_by(CohortSnapshot.batch_key.desc(), CohortSnapshot.id)).all()
    if not rows:
        return []
    numbers = _count_runs(session, {row.batch_key for row in rows})
    return [row.id for row in rows if row.seen_runs == numbers.get(row.batch_key, _RunNumbers(0, 0)).arrived]


def read_run_rows(session: Session, keys: Sequence[int]) -> list[RunRow]:
    """Read rows of runs; deleted runs are skipped."""
    columns = [getattr(Run, name) for name in RunRow._fields]
    return [RunRow(*row) for row in session.execute(select(*columns).where(Run.key.in_(keys)).order_by(Run.key))]


def store_projections(session: Session, waiting: UnseenBatch, results: Sequence[Projected], *, now: datetime) -> int:
    """Store the facts of runs in the snapshot of a cohort and a batch, which is created for the first runs.

    Of two runs of one domain the later one counts. Facts that another projector has stored in the meantime are kept.
    Returns the ID of the snapshot.

    Raises: CohortChanged: The cohort or the batch has changed; nothing is stored.
    """
    cohort, batch = lock_source(session, waiting)
    snapshot = ensure_snapshot(session, cohort, batch, floor=waiting.floor, now=now)
    choose_storage(snapshot, FactStorage.ROWS)
    known = set(_projected(session, snapshot.id, [result.run_key for result in results]))
    fresh = [result for result in results if result.run_key not in known]
    if not fresh:
        return snapshot.id
    write_facts(session, snapshot.id, _latest(session, snapshot.id, [result.facts for result in fresh if result.facts]))
    record_projections(session, snapshot, fresh)
    count_projected(snapshot, len(fresh), now=now)
    session.flush()
    return snapshot.id


def choose_storage(snapshot: CohortSnapshot, storage: FactStorage) -> None:
    """Set the storage of a locked snapshot that has no facts yet.

    Raises: CohortChanged: It has facts in the other storage.
    """
    if not snapshot.facts_revision:
        snapshot.storage = storage
    elif snapshot.storage is not storage:
        raise CohortChanged(snapshot.slug)


def record_projections(session: Session, snapshot: CohortSnapshot, results: Sequence[Projected]) -> None:
    """Record the state of runs, one row for each."""
    rows = (
        (snapshot.id, result.run_key, "projected" if result.facts else "failed", PROJECTOR_VERSION, result.error)
        for result in sorted(results, key=attrgetter("run_key"))
    )
    insert_rows(session, Projection, _COLUMNS, rows)


def count_projected(snapshot: CohortSnapshot, runs: int, *, now: datetime) -> None:
    """Record that the facts of a locked snapshot have changed."""
    snapshot.facts_revision += 1
    if snapshot.materialization_status == RUNNING:
        snapshot.materialization_done += runs
    snapshot.updated_at = now


def record_seen(session: Session, waiting: UnseenBatch, snapshot_id: int) -> None:
    """Record that all runs of the batch were checked, unless the snapshot has been marked for a rebuild since."""
    statement = update(CohortSnapshot).where(CohortSnapshot.id == snapshot_id, CohortSnapshot.seen_runs == waiting.seen)
    session.execute(statement.values(seen_runs=waiting.arrived), execution_options=_NO_SYNC)


def lock_source(session: Session, waiting: UnseenBatch) -> tuple[Cohort, Batch]:
    """Lock the cohort against changes until the commit; projectors do not wait for each other.

    Raises: CohortChanged: The cohort or the batch has changed.
    """
    cohort = session.scalar(select(Cohort).where(Cohort.id == waiting.cohort_id).with_for_update(read=True))
    batch = session.scalar(
        select(Batch).where(Batch.key == waiting.batch_key).with_for_update(read=True, key_share=True)
    )
    if cohort is None or batch is None or not cohort.analysis_enabled or cohort.generation != waiting.generation:
        raise CohortChanged(waiting.tag)
    if session.get(PurgedSnapshot, (cohort.id, batch.key)) is not None:
        raise CohortChanged(waiting.tag)
    return cohort, batch


def _projected(session: Session, snapshot_id: int, run_keys: Collection[int]) -> Sequence[int]:
    done = (Projection.snapshot_id == snapshot_id, Projection.run_key.in_(run_keys))
    return session.scalars(select(Projection.run_key).where(*done)).all()


def _latest(session: Session, snapshot_id: int, runs: Sequence[RunFacts]) -> list[RunFacts]:
    """Return the last run of each domain, unless the stored facts come from a later run."""
    last: dict[int, RunFacts] = {}
    for run in sorted(runs, key=attrgetter("finished_at", "run_id")):
        last[run.domain_id] = run
    facts = FactDomainSummary
    stored = select(facts.domain_id, facts.finished_at, facts.run_id).where(facts.snapshot_id == snapshot_id)
    rows = session.execute(stored.where(facts.domain_id.in_(list(last))))
    later = {
        domain_id for domain_id, *order in rows if tuple(order) > (last[domain_id].finished_at, last[domain_id].run_id)
    }
    return [run for domain_id, run in last.items() if domain_id not in later]
