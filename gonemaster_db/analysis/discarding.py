"""Removal of snapshots: hidden immediately, while a maintenance task removes their rows in steps.

A discarded snapshot has no cohort and no batch. Its view is kept for a few minutes for its current readers.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from gonemaster_db.analysis.columns.files import count_rows_of
from gonemaster_db.analysis.views.views import retire_views
from gonemaster_db.models import (
    FACT_TABLES,
    Cohort,
    CohortSnapshot,
    DefaultPolicy,
    Projection,
    SnapshotStatus,
    SnapshotView,
)

_NO_SYNC = {"synchronize_session": False}


def lock_snapshots(session: Session, *conditions: Any) -> Sequence[CohortSnapshot]:
    """Lock snapshots after their cohorts, both in order of ID, which is the lock order of all code."""
    chosen = (CohortSnapshot.cohort_id.is_not(None), *conditions)
    cohorts = select(CohortSnapshot.cohort_id).where(*chosen)
    session.execute(select(Cohort.id).where(Cohort.id.in_(cohorts)).order_by(Cohort.id).with_for_update()).all()
    query = select(CohortSnapshot).where(*chosen).order_by(CohortSnapshot.id)
    fresh = {"populate_existing": True}
    return session.scalars(query.with_for_update(), execution_options=fresh).all()


def discard_snapshots(session: Session, snapshot_ids: Collection[int], *, now: datetime) -> None:
    """Discard snapshots that the caller has locked; cohorts pinned to them return to the newest snapshot."""
    unpin(session, snapshot_ids, now=now)
    views = select(SnapshotView.id).where(SnapshotView.snapshot_id.in_(snapshot_ids))
    retire_views(session, session.scalars(views).all(), now=now)
    cleared = {"cohort_id": None, "batch_key": None, "view_id": None, "is_public": False}
    discarded = update(CohortSnapshot).where(CohortSnapshot.id.in_(snapshot_ids))
    values = {**cleared, "status": SnapshotStatus.RETIRED, "updated_at": now}
    session.execute(discarded.values(values), execution_options=_NO_SYNC)


def unpin(session: Session, snapshot_ids: Collection[int], *, now: datetime) -> None:
    """Return cohorts that are pinned to snapshots to the newest snapshot."""
    pinned = update(Cohort).where(Cohort.default_snapshot_id.in_(snapshot_ids))
    back = {"default_snapshot_policy": DefaultPolicy.AUTO_LATEST, "default_snapshot_id": None, "updated_at": now}
    session.execute(pinned.values(back), execution_options=_NO_SYNC)


def discard_snapshots_of_batch(session: Session, batch_key: int, *, now: datetime) -> None:
    """Discard the snapshots of a batch before it is removed."""
    found = lock_snapshots(session, CohortSnapshot.batch_key == batch_key)
    discard_snapshots(session, [snapshot.id for snapshot in found], now=now)


def snapshots_of_batch(session: Session, batch_key: int) -> list[Mapping[str, Any]]:
    """Describe the snapshots of a batch for the preview of its deletion."""
    columns = (
        Cohort.id, Cohort.label, Cohort.source_tag, CohortSnapshot.id, CohortSnapshot.slug, CohortSnapshot.label,
        Cohort.default_snapshot_policy, Cohort.default_snapshot_id,
    )  # fmt: skip
    query = select(*columns).join(CohortSnapshot, CohortSnapshot.cohort_id == Cohort.id)
    rows = session.execute(query.where(CohortSnapshot.batch_key == batch_key).order_by(Cohort.id)).all()
    return [
        {
            "cohort_id": cohort_id,
            "cohort_label": label or tag,
            "snapshot_slug": slug,
            "snapshot_label": snapshot_label,
            "is_default": snapshot_id == (pinned or newest_snapshot(session, cohort_id)),
        }
        for cohort_id, label, tag, snapshot_id, slug, snapshot_label, _policy, pinned in rows
    ]


def newest_snapshot(session: Session, cohort_id: int) -> int | None:
    """Return the newest captured and public snapshot of a cohort that covers enough of its members."""
    shown = (CohortSnapshot.status == SnapshotStatus.CAPTURED, CohortSnapshot.is_public, CohortSnapshot.default_allowed)
    query = select(CohortSnapshot.id).where(CohortSnapshot.cohort_id == cohort_id, *shown)
    newest = query.order_by(CohortSnapshot.last_run_at.desc(), CohortSnapshot.id.desc())
    return session.scalar(newest.limit(1))


def count_facts_of_batch(session: Session, batch_key: int) -> int:
    """Return the number of rows that the snapshots of a batch have in the six fact tables.

    A view stores the number of rows it was built from; rows are counted only if there is no view or there are newer
    facts.
    """
    shown = select(CohortSnapshot.id, CohortSnapshot.facts_revision == CohortSnapshot.captured_revision)
    query = shown.add_columns(SnapshotView.fact_rows).outerjoin(SnapshotView, CohortSnapshot.view_id == SnapshotView.id)
    rows = session.execute(query.where(CohortSnapshot.batch_key == batch_key)).all()
    return sum(
        known if known is not None and is_current else count_facts(session, snapshot_id)
        for snapshot_id, is_current, known in rows
    )


def count_facts(session: Session, snapshot_id: int) -> int:
    """Count the rows of a snapshot in the six fact tables and in its files."""
    tables: Sequence[Any] = FACT_TABLES
    queries = [select(func.count()).where(table.snapshot_id == snapshot_id).scalar_subquery() for table in tables]
    return sum(session.execute(select(*queries)).one()) + count_rows_of(session, snapshot_id)


def discarded_snapshots(session: Session, *, limit: int = 10) -> Sequence[int]:
    """Return discarded snapshots whose rows are not removed yet."""
    is_discarded = CohortSnapshot.cohort_id.is_(None)
    return session.scalars(select(CohortSnapshot.id).where(is_discarded).order_by(CohortSnapshot.id).limit(limit)).all()


def remove_discarded_step(session: Session, snapshot_id: int, limit: int) -> int:
    """Remove the rows of about `limit` domains of a discarded snapshot; return their number, 0 if no row is left.

    The snapshot itself is removed last, so that an interrupted removal is found again.
    """
    unowned = select(CohortSnapshot.id).where(CohortSnapshot.id == snapshot_id, CohortSnapshot.cohort_id.is_(None))
    if session.scalar(unowned.with_for_update(skip_locked=True)) is None:
        return 0
    for table, key in (*((table, "domain_id") for table in FACT_TABLES), (Projection, "run_key")):
        if removed := _remove_some(session, table, key, snapshot_id, limit):
            return removed
    session.execute(delete(CohortSnapshot).where(CohortSnapshot.id == snapshot_id), execution_options=_NO_SYNC)
    return 1


def _remove_some(session: Session, table: Any, name: str, snapshot_id: int, limit: int) -> int:
    key, of_snapshot = getattr(table, name), table.snapshot_id == snapshot_id
    next_one = session.scalar(select(key).where(of_snapshot).distinct().order_by(key).offset(limit).limit(1))
    deletion = (
        delete(table).where(of_snapshot) if next_one is None else delete(table).where(of_snapshot, key < next_one)
    )
    return session.connection().execute(deletion).rowcount
