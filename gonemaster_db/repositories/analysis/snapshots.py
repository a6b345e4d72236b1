"""Snapshots: found or created for a cohort and a batch."""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from gonemaster_db.errors import StoreConflict
from gonemaster_db.models import Batch, Cohort, CohortSnapshot, SnapshotStatus
from gonemaster_db.upsert import insert

RESERVED_SLUG = "rematerialize"
# What the database has no default for.
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
    """Return the first slug of the snapshots of a batch: date of its creation and 12 digits of SHA-1 of its id.

    Source: contract analysis.md section 3.
    """
    digits = hashlib.sha1(batch.id.encode(), usedforsecurity=False).hexdigest()[:12]
    return f"{batch.created_at.astimezone(UTC):%Y-%m-%d}-{digits}"


def ensure_snapshot(session: Session, cohort: Cohort, batch: Batch, *, floor: str, now: datetime) -> CohortSnapshot:
    """Find or create the snapshot of a cohort and a batch, and lock it. `floor`: the level its facts begin at."""
    mine = select(CohortSnapshot).where(CohortSnapshot.cohort_id == cohort.id, CohortSnapshot.batch_key == batch.key)
    found = session.scalar(mine.with_for_update())
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
    found = session.scalar(mine.with_for_update())
    if found is None:  # an operator has just given the slug to another snapshot
        raise StoreConflict("the slug of a new snapshot is in use")
    return found


def _free_slug(session: Session, cohort_id: int, wanted: str) -> str:
    """Return the wanted slug, or one with a number behind it: an operator may have given it to another snapshot."""
    like = select(CohortSnapshot.slug).where(
        CohortSnapshot.cohort_id == cohort_id, CohortSnapshot.slug.startswith(wanted)
    )
    taken, number, slug = set(session.scalars(like)), 1, wanted
    while slug in taken:
        number += 1
        slug = f"{wanted}-{number}"
    return slug
