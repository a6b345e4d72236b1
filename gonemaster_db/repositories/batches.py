"""Batches: making, reading and counting them."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy.orm import Session

from gonemaster_db.models import Batch
from gonemaster_db.records import NewBatch


def create_batch(session: Session, new: NewBatch, *, now: datetime | None = None) -> Batch:
    """Make a batch; its jobs follow with create_jobs in the same transaction."""
    raise NotImplementedError


def get_batch(session: Session, batch_id: str) -> Batch:
    """Read a batch. Raises BatchNotFound."""
    raise NotImplementedError


def count_statuses(session: Session, batch_id: str) -> Mapping[str, int]:
    """Count jobs and runs of a batch by status; every status is present."""
    raise NotImplementedError
