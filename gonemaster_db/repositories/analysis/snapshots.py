"""Snapshots: found or created for a cohort and a batch."""

import hashlib
from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from gonemaster_db.models import Batch, Cohort, CohortSnapshot

RESERVED_SLUG = "rematerialize"


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
    made = CohortSnapshot(
        cohort_id=cohort.id,
        batch_key=batch.key,
        slug=_free_slug(session, cohort.id, slug_of(batch)),
        tag_view_min_level=floor,
        created_at=now,
        updated_at=now,
    )
    session.add(made)
    session.flush()
    return made


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
