"""Cohorts whose facts are removed, or made anew from their runs. The projector does the work; here it is ordered.

Whatever was begun before is dropped: it finds another generation, or no snapshot.
"""

from datetime import datetime

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from gonemaster_db.analysis.discarding import discard_snapshots, lock_snapshots
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

_QUIET = {"synchronize_session": False}


def forget_all(session: Session, cohort: Cohort, *, now: datetime) -> int:
    """Discard all snapshots of a cohort whose row is locked; returns how many."""
    snapshots = lock_snapshots(session, CohortSnapshot.cohort_id == cohort.id)
    discard_snapshots(session, [snapshot.id for snapshot in snapshots], now=now)
    session.execute(delete(PurgedSnapshot).where(PurgedSnapshot.cohort_id == cohort.id), execution_options=_QUIET)
    session.refresh(cohort)
    return len(snapshots)


def clear_cohort(session: Session, cohort: Cohort, *, now: datetime) -> int:
    """Remove facts and snapshots of a cohort whose row is locked; returns how many snapshots it had.

    Batches that are there now get none again, until the cohort is rebuilt.
    """
    removed = forget_all(session, cohort, now=now)
    batches = session.scalars(select(Batch.key).where(Batch.snapshot_intent)).all()
    session.add_all(PurgedSnapshot(cohort_id=cohort.id, batch_key=key) for key in batches)
    cohort.generation += 1
    cohort.materialization_done = cohort.materialization_total = 0
    cohort.materialization_status = MaterializationStatus.READY
    cohort.updated_at = now
    session.flush()
    return removed


def rebuild_cohort(session: Session, cohort: Cohort, *, now: datetime) -> int | None:
    """Let all runs of a cohort whose row is locked be projected anew; returns how many.

    None if it is being rebuilt: a second call changes nothing. Slugs, labels and pins are lost.
    """
    if cohort.materialization_status is MaterializationStatus.PENDING and cohort.materialization_total:
        return None
    forget_all(session, cohort, now=now)
    cohort.generation += 1
    begin_materialisation(session, cohort, now=now)
    return cohort.materialization_total


def begin_materialisation(session: Session, cohort: Cohort, *, now: datetime) -> None:
    """Note that the facts of a cohort are about to be made, and of how many runs."""
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
    """Remove a cohort whose row is locked, with snapshots and facts. The tag and its runs stay."""
    forget_all(session, cohort, now=now)
    session.delete(cohort)
    session.flush()


def add_progress(session: Session, cohort_id: int, *, generation: int, runs: int) -> None:
    """Count projected runs of a cohort whose facts are being made."""
    pending = (Cohort.materialization_status == MaterializationStatus.PENDING, Cohort.generation == generation)
    more = update(Cohort).where(Cohort.id == cohort_id, *pending)
    done = more.values(materialization_done=Cohort.materialization_done + runs)
    session.execute(done, execution_options=_QUIET)


def finish_materialisation(session: Session, cohort_id: int, *, generation: int, now: datetime) -> bool:
    """Note that the facts of a cohort are complete; returns whether they were being made."""
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
    return session.scalar(ended.returning(Cohort.id), execution_options=_QUIET) is not None


def pending_cohorts(session: Session) -> dict[int, int]:
    """Return the generations of enabled cohorts whose facts are being made, by id."""
    pending = (Cohort.analysis_enabled, Cohort.materialization_status == MaterializationStatus.PENDING)
    rows = session.execute(select(Cohort.id, Cohort.generation).where(*pending).order_by(Cohort.id))
    return {row[0]: row[1] for row in rows}
