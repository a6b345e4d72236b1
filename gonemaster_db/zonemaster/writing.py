"""Writes imported batches and runs. Their IDs are derived from the source, so that nothing is imported twice."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any, cast

from sqlalchemy import RowMapping, select
from sqlalchemy.orm import Session

from gonemaster_db.core.ids import batch_key, id_at
from gonemaster_db.core.records import RunRecord
from gonemaster_db.core.upsert import insert
from gonemaster_db.models import Batch, BatchOrigin, Run
from gonemaster_db.runs.run_rows import write_run
from gonemaster_db.zonemaster.source import SourceBatch

_KEY_STEP = 62**8  # the first two random digits of a batch ID are part of its key


def run_id_of(hash_id: str, created_at: datetime) -> str:
    """Return the ID of the run of a test."""
    return id_at("job", created_at, int.from_bytes(hash_id.encode()[-16:]))


def batch_id_of(batch: SourceBatch) -> str:
    """Return the ID of the batch that a batch becomes."""
    return id_at("batch", batch.created_at, batch.number * _KEY_STEP)


def write_batch(session: Session, batch: SourceBatch) -> bool:
    """Create a batch unless it exists; return whether it is new."""
    batch_id = batch_id_of(batch)
    row = {
        "id": batch_id,
        "key": batch_key(batch_id),
        "tag": "",
        "tags": "",
        "created_at": batch.created_at,
        "domain_count": batch.tests,
        "name": f"Zonemaster batch {batch.number}",
        "description": f"imported from Zonemaster-Backend; user {batch.username}",
        "snapshot_intent": False,
        "promote_snapshot": False,
        "origin": BatchOrigin.MANUAL,
    }
    return session.scalar(insert(session, Batch).values(row).on_conflict_do_nothing().returning(Batch.key)) is not None


def find_runs(session: Session, run_ids: Collection[str]) -> set[str]:
    """Return the IDs that exist."""
    return set(session.scalars(select(Run.id).where(Run.id.in_(run_ids))))


def write_runs(session: Session, runs: Iterable[tuple[Mapping[str, Any], RunRecord]]) -> int:
    """Write runs with the columns that a run takes from its job, except those that exist; return their number."""
    listed = list(runs)
    known = find_runs(session, [job["id"] for job, _ in listed])
    fresh = [(job, record) for job, record in listed if job["id"] not in known]
    for job, record in fresh:
        write_run(session, cast("RowMapping", job), record)
    session.flush()
    return len(fresh)
