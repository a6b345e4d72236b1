"""Cohorts whose facts are removed or rebuilt from their runs; the projector does the work.

Unfinished work is discarded, because the generation has changed or the snapshot no longer exists.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from gonemaster_db.analysis.discarding import discard_snapshots, lock_snapshots
from gonemaster_db.analysis.snapshots import count_missing_runs, count_succeeded_of, ensure_snapshot
from gonemaster_db.models import (
    Batch,
    Cohort,
    CohortSnapshot,
    DomainTag,
    MaterializationStatus,
    PurgedSnapshot,
    Run,
    RunStatus,
)

_NO_SYNC = {"synchronize_session": False}


@dataclass(frozen=True, slots=True)
class Rebuilding:
    """A rebuild that has begun: the number of its runs, and the snapshots that remain unchanged.

    `kept` has the number of missing runs by slug.
    """

    runs: int
    kept: Mapping[str, int]


def discard_all_snapshots(session: Session, cohort: Cohort, *, now: datetime, kept: Collection[int] = ()) -> int:
    """Discard the snapshots of a cohort whose row is locked, except those in `kept`; return their number."""
    found = lock_snapshots(session, CohortSnapshot.cohort_id == cohort.id)
    snapshots = [snapshot.id for snapshot in found if snapshot.id not in kept]
    discard_snapshots(session, snapshots, now=now)
    session.execute(delete(PurgedSnapshot).where(PurgedSnapshot.cohort_id == cohort.id), execution_options=_NO_SYNC)
    session.refresh(cohort)
    return len(snapshots)


def clear_cohort(session: Session, cohort: Cohort, *, now: datetime) -> int:
    """Remove facts and snapshots of a cohort whose row is locked; return the number of snapshots.

    Existing batches get no snapshots until the cohort is rebuilt.
    """
    removed = discard_all_snapshots(session, cohort, now=now)
    batches = session.scalars(select(Batch.key).where(Batch.snapshot_intent)).all()
    session.add_all(PurgedSnapshot(cohort_id=cohort.id, batch_key=key) for key in batches)
    cohort.generation += 1
    cohort.materialization_done = cohort.materialization_total = 0
    cohort.materialization_status = MaterializationStatus.READY
    cohort.updated_at = now
    session.flush()
    return removed


def rebuild_cohort(
    session: Session, cohort: Cohort, *, floor: str, now: datetime, force: bool = False
) -> Rebuilding | None:
    """Project all runs of a cohort again; the caller has locked its row. `floor` is the server's minimum level.

    Snapshots that lack runs cannot be rebuilt and remain unchanged; `force` removes them. The other snapshots lose
    their slugs, labels and pins. Returns None if the cohort is already being rebuilt.

    Each batch that had a snapshot immediately gets a new one without facts: it continues to belong to the cohort, even
    if the cohort has grown since, so that the batch alone would no longer test enough of its members.
    """
    if cohort.materialization_status is MaterializationStatus.PENDING and cohort.materialization_total:
        return None
    snapshots = session.scalars(select(CohortSnapshot).where(CohortSnapshot.cohort_id == cohort.id)).all()
    lacking = {} if force else count_missing_runs(session, snapshots)
    discard_all_snapshots(session, cohort, now=now, kept=lacking)
    cohort.generation += 1
    rebuilt = {snapshot.batch_key or 0 for snapshot in snapshots if snapshot.id not in lacking}
    _begin_snapshots(session, cohort, rebuilt, floor=floor, now=now)
    begin_materialisation(session, cohort, now=now)
    slugs = {snapshot.id: snapshot.slug for snapshot in snapshots}
    return Rebuilding(cohort.materialization_total, {slugs[number]: runs for number, runs in lacking.items()})


def _begin_snapshots(
    session: Session, cohort: Cohort, batch_keys: Collection[int], *, floor: str, now: datetime
) -> None:
    """Create the snapshots of batches that have runs; a batch that is being deleted gets none."""
    with_runs = count_succeeded_of(session, batch_keys)
    batches = select(Batch).where(Batch.key.in_(with_runs), Batch.snapshot_intent).order_by(Batch.key)
    for batch in session.scalars(batches.with_for_update(read=True, key_share=True)).all():
        ensure_snapshot(session, cohort, batch, floor=cohort.tag_view_min_level or floor, now=now)


def begin_materialisation(session: Session, cohort: Cohort, *, now: datetime) -> None:
    """Record that the facts of a cohort are about to be built, and the number of runs."""
    cohort.materialization_status = MaterializationStatus.PENDING
    cohort.materialization_done, cohort.materialization_total = 0, count_source_runs(session, cohort.source_tag)
    cohort.last_materialization_error = ""
    cohort.updated_at = now
    session.flush()


def count_source_runs(session: Session, tag: str) -> int:
    """Count the succeeded runs of the domains of a tag in batches with snapshot intent."""
    query = select(func.count()).select_from(Run).join(Batch, Batch.key == Run.batch_key)
    query = query.join(DomainTag, (DomainTag.domain_id == Run.domain_id) & (DomainTag.tag == tag))
    return session.scalar(query.where(Batch.snapshot_intent, Run.status == RunStatus.SUCCEEDED)) or 0


def delete_cohort(session: Session, cohort: Cohort, *, now: datetime) -> None:
    """Remove a cohort whose row is locked, with its snapshots and facts; the tag and its runs are not deleted."""
    discard_all_snapshots(session, cohort, now=now)
    session.delete(cohort)
    session.flush()


def add_progress(session: Session, cohort_id: int, *, generation: int, runs: int) -> None:
    """Add to the number of projected runs of a cohort that is being built."""
    pending = (Cohort.materialization_status == MaterializationStatus.PENDING, Cohort.generation == generation)
    more = update(Cohort).where(Cohort.id == cohort_id, *pending)
    done = more.values(materialization_done=Cohort.materialization_done + runs)
    session.execute(done, execution_options=_NO_SYNC)


def note_error(session: Session, cohort_id: int, text: str) -> None:
    """Store why the facts of a cohort cannot be written; an empty text clears the error."""
    changed = update(Cohort).where(Cohort.id == cohort_id, Cohort.last_materialization_error != text)
    session.execute(changed.values(last_materialization_error=text), execution_options=_NO_SYNC)


def finish_materialisation(session: Session, cohort_id: int, *, generation: int, now: datetime) -> bool:
    """Record that the facts of a cohort are complete; return whether they were being built."""
    pending = (Cohort.materialization_status == MaterializationStatus.PENDING, Cohort.generation == generation)
    ended = (
        update(Cohort)
        .where(Cohort.id == cohort_id, *pending)
        .values(
            materialization_status=MaterializationStatus.READY,
            materialization_total=Cohort.materialization_done,
            last_materialized_at=now,
        )
    )
    return session.scalar(ended.returning(Cohort.id), execution_options=_NO_SYNC) is not None


def pending_cohorts(session: Session) -> dict[int, int]:
    """Return the generations of enabled cohorts that are being built, by ID."""
    pending = (Cohort.analysis_enabled, Cohort.materialization_status == MaterializationStatus.PENDING)
    rows = session.execute(select(Cohort.id, Cohort.generation).where(*pending).order_by(Cohort.id))
    return {row[0]: row[1] for row in rows}
