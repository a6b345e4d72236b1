"""Snapshots: created for a cohort and a batch, changed, retired, removed, rebuilt."""

import hashlib
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from gonemaster_db.analysis.columns.files import void_files
from gonemaster_db.analysis.discarding import discard_snapshots, lock_snapshots, unpin
from gonemaster_db.core.errors import (
    InvalidSlug,
    MaterialisationRunning,
    SlugExists,
    SnapshotNotFound,
    SnapshotStateError,
    SourceRunsPurged,
    StoreConflict,
)
from gonemaster_db.core.texts import Text
from gonemaster_db.core.upsert import insert
from gonemaster_db.models import (
    Batch,
    Cohort,
    CohortSnapshot,
    DefaultPolicy,
    Projection,
    PurgedSnapshot,
    RunCounter,
    RunStatus,
    SnapshotStatus,
)
from gonemaster_db.runs.purged_runs import read_purged

RESERVED_SLUG = "rematerialize"
_NO_SYNC = {"synchronize_session": False}
# Columns without a default in the database.
_NEW: Mapping[str, Any] = {
    **dict.fromkeys(("label", "description", "profile_name", "engine_version", "scoring_config_hash"), ""),
    **dict.fromkeys(("materialization_status", "last_materialization_error"), ""),
    **dict.fromkeys(("run_count", "domain_count", "materialization_done", "materialization_total", "seen_runs"), 0),
    "mixed_engine_version": False,
    "status": SnapshotStatus.PENDING,
    "is_public": True,
    "facts_revision": 0,
    "captured_revision": -1,
}


def slug_of(batch: Batch) -> str:
    """Return the default slug of the snapshots of a batch: its creation date and 12 digits of the SHA-1 of its ID.

    Source: contract analysis.md section 3.
    """
    digits = hashlib.sha1(batch.id.encode(), usedforsecurity=False).hexdigest()[:12]
    return f"{batch.created_at.astimezone(UTC):%Y-%m-%d}-{digits}"


def ensure_snapshot(session: Session, cohort: Cohort, batch: Batch, *, floor: str, now: datetime) -> CohortSnapshot:
    """Find or create the snapshot of a cohort and a batch, and lock it; `floor` is the minimum level of its facts."""
    query = select(CohortSnapshot).where(CohortSnapshot.cohort_id == cohort.id, CohortSnapshot.batch_key == batch.key)
    found = session.scalar(query.with_for_update())
    if found is not None:
        return found
    row = {
        **_NEW,
        "cohort_id": cohort.id,
        "batch_key": batch.key,
        "slug": _free_slug(session, cohort.id, slug_of(batch)),
        "tag_view_min_level": floor,
        "created_at": now,
        "updated_at": now,
    }
    session.execute(insert(session, CohortSnapshot).values(row).on_conflict_do_nothing())
    found = session.scalar(query.with_for_update())
    if found is None:  # An operator has just given the slug to another snapshot.
        raise StoreConflict("the slug of a new snapshot is in use")
    return found


def _free_slug(session: Session, cohort_id: int, base: str) -> str:
    """Return the slug `base`, with a number appended if an operator has given it to another snapshot."""
    like = select(CohortSnapshot.slug).where(
        CohortSnapshot.cohort_id == cohort_id, CohortSnapshot.slug.startswith(base)
    )
    taken, number, slug = set(session.scalars(like)), 1, base
    while slug in taken:
        number += 1
        slug = f"{base}-{number}"
    return slug


_SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?")
SLUG_RULE = "1 to 64 characters from a-z, 0-9 and -, starting and ending with a letter or digit; not `rematerialize`"
RUNNING = "running"  # value of `materialization_status` while a snapshot is being rebuilt
_TEXTS = ("label", "description")


def list_snapshots(session: Session, cohort_id: int) -> Sequence[CohortSnapshot]:
    """Return all snapshots of a cohort, newest batches first."""
    query = select(CohortSnapshot).where(CohortSnapshot.cohort_id == cohort_id)
    return session.scalars(query.order_by(CohortSnapshot.batch_key.desc(), CohortSnapshot.id.desc())).all()


def with_source_runs(session: Session, snapshots: Iterable[CohortSnapshot]) -> set[int]:
    """Return the IDs of the snapshots whose batches still have succeeded runs from which facts can be extracted."""
    found = {snapshot.id: snapshot.batch_key for snapshot in snapshots if snapshot.batch_key is not None}
    full = count_full_runs(session, set(found.values()))
    return {number for number, batch_key in found.items() if full.get(batch_key)}


def count_missing_runs(session: Session, snapshots: Iterable[CohortSnapshot]) -> dict[int, int]:
    """Return the number of purged and reduced runs of snapshots, by ID of the snapshot; complete snapshots are absent.

    A rebuild does not read these runs; it keeps their facts. They are those of the whole batch, of which the cohort may
    be a part.
    """
    found = {snapshot.id: snapshot for snapshot in snapshots if snapshot.batch_key is not None}
    keys = {snapshot.batch_key or 0 for snapshot in found.values()}
    stored, purged = count_full_runs(session, keys), read_purged(session, keys)
    succeeded = count_succeeded_of(session, keys)
    missing = {}
    for number, snapshot in found.items():
        key = snapshot.batch_key or 0
        counted = purged[key].groups if key in purged else {}
        lost = sum(runs for group, runs in counted.items() if group.status is RunStatus.SUCCEEDED)
        lost += succeeded.get(key, 0) - stored.get(key, 0)
        missing[number] = max(lost, snapshot.run_count - stored.get(key, 0))
    return {number: runs for number, runs in missing.items() if runs > 0}


def get_snapshot(session: Session, cohort_id: int, slug: str) -> CohortSnapshot:
    """Read a snapshot of a cohort. Raises SnapshotNotFound."""
    query = select(CohortSnapshot).where(CohortSnapshot.cohort_id == cohort_id, CohortSnapshot.slug == slug)
    found = session.scalar(query)
    if found is None:
        raise SnapshotNotFound(slug)
    return found


def change_snapshot(
    session: Session, cohort_id: int, slug: str, changes: Mapping[str, Any], *, now: datetime
) -> CohortSnapshot:
    """Change slug, label, description, is_public, is_default or status (`captured` or `retired`).

    Retiring hides a snapshot; restoring shows it again unless `is_public` is False. A hidden or retired snapshot is no
    longer the default.

    Raises: SnapshotNotFound, InvalidSlug, SlugExists. SnapshotStateError: The snapshot was never captured, or cannot be
    the default while it is hidden.
    """
    snapshot = _lock(session, cohort_id, slug)
    if "slug" in changes and changes["slug"] != snapshot.slug:
        snapshot.slug = _checked_slug(session, cohort_id, changes["slug"])
    for name in _TEXTS:
        if name in changes:
            setattr(snapshot, name, changes[name])
    if "status" in changes:
        _change_status(snapshot, SnapshotStatus(changes["status"]))
    if "is_public" in changes:
        _show(snapshot, public=changes["is_public"])
    snapshot.updated_at = now
    session.flush()
    _change_default(session, snapshot, changes.get("is_default"), now)
    return snapshot


def purge_snapshot(session: Session, cohort_id: int, slug: str, *, now: datetime) -> None:
    """Remove a snapshot with its view and facts. Raises SnapshotNotFound.

    Its batch does not become a snapshot of the cohort again until the cohort is rebuilt.
    """
    snapshot = _lock(session, cohort_id, slug)
    if snapshot.batch_key is not None:
        session.add(PurgedSnapshot(cohort_id=cohort_id, batch_key=snapshot.batch_key))
        session.flush()
    discard_snapshots(session, [snapshot.id], now=now)


def rematerialise(session: Session, cohort_id: int, slug: str, *, floor: str, now: datetime) -> CohortSnapshot:
    """Project all runs of a snapshot again, after which its view is rebuilt and replaced.

    Slug, label and pin are kept, as are the facts of domains without runs. `floor` is the server's minimum level.

    Raises: SnapshotNotFound: The snapshot does not exist. SourceRunsPurged: No run of its batch is left.
    MaterialisationRunning: The snapshot is already being rebuilt.
    """
    snapshot = _lock(session, cohort_id, slug)
    if snapshot.materialization_status == RUNNING:
        raise MaterialisationRunning(Text("snapshot {slug} is already being rebuilt", slug=slug))
    if not _begin_rebuild(session, snapshot, floor=floor, now=now):
        raise SourceRunsPurged(slug)
    return snapshot


def rematerialise_all(session: Session, cohort_id: int, *, floor: str, now: datetime) -> int:
    """Rebuild all snapshots of a cohort that still have runs, like `rematerialise`; return their number.

    Raises: MaterialisationRunning: A snapshot is already being rebuilt.
    """
    snapshots = lock_snapshots(session, CohortSnapshot.cohort_id == cohort_id)
    if any(snapshot.materialization_status == RUNNING for snapshot in snapshots):
        raise MaterialisationRunning(Text("snapshots of the cohort are already being rebuilt"))
    return sum(_begin_rebuild(session, snapshot, floor=floor, now=now) for snapshot in snapshots)


def _begin_rebuild(session: Session, snapshot: CohortSnapshot, *, floor: str, now: datetime) -> bool:
    if not (full := count_full_runs(session, {snapshot.batch_key or 0}).get(snapshot.batch_key or 0)):
        return False
    session.execute(delete(Projection).where(Projection.snapshot_id == snapshot.id), execution_options=_NO_SYNC)
    void_files(session, snapshot.id)
    cohort_floor = session.scalar(select(Cohort.tag_view_min_level).where(Cohort.id == snapshot.cohort_id))
    snapshot.tag_view_min_level = cohort_floor or floor
    snapshot.facts_revision += 1
    snapshot.seen_runs = -snapshot.facts_revision  # a mark that never occurs twice: see `record_seen`
    snapshot.materialization_status = RUNNING
    snapshot.materialization_done, snapshot.materialization_total = 0, full
    snapshot.last_materialization_error = ""
    snapshot.updated_at = now
    session.flush()
    return True


def count_full_runs(session: Session, batch_keys: Collection[int]) -> dict[int, int]:
    """Count the succeeded runs of batches from which facts can be extracted: those that are not reduced.

    Reduced runs that were purged later are subtracted too, so the number may be too low.
    """
    succeeded = count_succeeded_of(session, batch_keys)
    rows = session.execute(
        select(Batch.key, Batch.reduced_runs).where(Batch.key.in_(batch_keys), Batch.reduced_runs > 0)
    )
    reduced = {row.key: row.reduced_runs for row in rows}
    return {key: full for key, number in succeeded.items() if (full := number - reduced.get(key, 0)) > 0}


def count_succeeded_of(session: Session, batch_keys: Collection[int]) -> dict[int, int]:
    """Count the succeeded runs of batches."""
    of_batches = (RunCounter.batch_key.in_(batch_keys), RunCounter.status == RunStatus.SUCCEEDED)
    counted = select(RunCounter.batch_key, func.sum(RunCounter.runs)).where(*of_batches)
    return {key: int(number) for key, number in session.execute(counted.group_by(RunCounter.batch_key)) if number}


def _lock(session: Session, cohort_id: int, slug: str) -> CohortSnapshot:
    found = lock_snapshots(session, CohortSnapshot.cohort_id == cohort_id, CohortSnapshot.slug == slug)
    if not found:
        raise SnapshotNotFound(slug)
    return found[0]


def _checked_slug(session: Session, cohort_id: int, slug: str) -> str:
    if not _SLUG.fullmatch(slug) or slug == RESERVED_SLUG:
        raise InvalidSlug(Text("invalid slug {slug}: use {slug_rule}", slug=repr(slug), slug_rule=SLUG_RULE))
    taken = select(CohortSnapshot.id).where(CohortSnapshot.cohort_id == cohort_id, CohortSnapshot.slug == slug)
    if session.scalar(taken) is not None:
        raise SlugExists(slug)
    return slug


def _change_status(snapshot: CohortSnapshot, status: SnapshotStatus) -> None:
    if status not in {SnapshotStatus.CAPTURED, SnapshotStatus.RETIRED}:
        raise SnapshotStateError(Text("status must be captured or retired"))
    may_hide = status is SnapshotStatus.RETIRED and snapshot.status is SnapshotStatus.FAILED_MIXED_PROFILES
    if snapshot.view_id is None and not may_hide:
        raise SnapshotStateError(Text("snapshot {slug} has not been captured yet", slug=snapshot.slug))
    if status is snapshot.status:
        return
    snapshot.status, snapshot.is_public = status, status is SnapshotStatus.CAPTURED


def _show(snapshot: CohortSnapshot, *, public: bool) -> None:
    if public and snapshot.status in {SnapshotStatus.RETIRED, SnapshotStatus.FAILED_MIXED_PROFILES}:
        raise SnapshotStateError(
            Text("snapshot {slug} is {status} and cannot be public", slug=snapshot.slug, status=snapshot.status.value)
        )
    snapshot.is_public = public


def _change_default(session: Session, snapshot: CohortSnapshot, is_default: bool | None, now: datetime) -> None:
    is_shown = snapshot.status is SnapshotStatus.CAPTURED and snapshot.is_public
    if is_default and not is_shown:
        raise SnapshotStateError(
            Text("snapshot {slug} is not captured and public, so it cannot be the default", slug=snapshot.slug)
        )
    if is_default is False or not is_shown:
        unpin(session, [snapshot.id], now=now)
    elif is_default:
        pin = {"default_snapshot_policy": DefaultPolicy.PINNED, "default_snapshot_id": snapshot.id, "updated_at": now}
        session.execute(update(Cohort).where(Cohort.id == snapshot.cohort_id).values(pin), execution_options=_NO_SYNC)
