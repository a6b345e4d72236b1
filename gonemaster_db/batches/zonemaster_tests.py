"""Tests that have a test ID in the JSON-RPC API of Zonemaster: the history of a domain, and the tests of a batch."""

import secrets
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Select, or_, select
from sqlalchemy.orm import Session

from gonemaster_db.core.errors import BatchNotFound
from gonemaster_db.core.ids import LAST_TEST
from gonemaster_db.core.states import WAITING, JobStatus, RunStatus
from gonemaster_db.models import Batch, BatchNumber, Domain, Job, Run

MAX_NUMBER = 2**53 - 1  # the greatest integer that JavaScript reads exactly
_UNDELEGATED = or_(*(Run.config[name].as_string().is_not(None) for name in ("nameservers", "ds")))


class PastTest(NamedTuple):
    """A finished test of a domain."""

    public_id: str
    created_at: datetime
    status: RunStatus
    worst_level: str | None
    undelegated: bool


def list_past_tests(
    session: Session, domain: str, *, undelegated: bool | None, limit: int, offset: int
) -> Sequence[PastTest]:
    """Return the finished tests of a domain, newest first; all tests, or those with or without supplied data."""
    tested = (Domain.name == domain, Run.public_id.is_not(None), Run.public_id <= LAST_TEST)
    columns = (Run.public_id, Run.created_at, Run.status, Run.worst_level, _UNDELEGATED)
    query = select(*columns).join(Domain, Domain.id == Run.domain_id).where(*tested)
    if undelegated is not None:
        query = query.where(_UNDELEGATED if undelegated else ~_UNDELEGATED)
    rows = session.execute(query.order_by(Run.finished_at.desc(), Run.key.desc()).limit(limit).offset(offset))
    return [PastTest(row[0] or "", *row[1:]) for row in rows]


def number_batch(session: Session, batch: Batch) -> int:
    """Give a new batch its number and return it."""
    number = 1 + secrets.randbelow(MAX_NUMBER)
    session.add(BatchNumber(number=number, batch_key=batch.key))
    session.flush()
    return number


def get_numbered_batch(session: Session, number: int) -> Batch:
    """Read the batch with a number. Raises BatchNotFound."""
    query = select(Batch).join(BatchNumber, BatchNumber.batch_key == Batch.key)
    found = session.scalar(query.where(BatchNumber.number == number))
    if found is None:
        raise BatchNotFound(str(number))
    return found


def waiting_tests(session: Session, batch: Batch) -> Iterator[str]:
    """Yield the public IDs of the waiting tests of a batch in queue order."""
    return _ids(session, _of_jobs(batch).where(Job.status.in_(WAITING)))


def running_tests(session: Session, batch: Batch) -> Iterator[str]:
    """Yield the public IDs of the running tests of a batch."""
    return _ids(session, _of_jobs(batch).where(Job.status == JobStatus.RUNNING))


def finished_tests(session: Session, batch: Batch) -> Iterator[str]:
    """Yield the public IDs of the finished tests of a batch."""
    return _ids(session, select(Run.public_id).where(Run.batch_key == batch.key).order_by(Run.id))


def _of_jobs(batch: Batch) -> "Select[str | None]":
    return select(Job.public_id).where(Job.batch_id == batch.id).order_by(Job.position)


def _ids(session: Session, query: "Select[str | None]") -> Iterator[str]:
    return (public_id for public_id in session.scalars(query) if public_id is not None)
