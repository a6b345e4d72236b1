"""Waiting jobs selected by filters: listed, counted, held and released."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.orm import Session, defer

from gonemaster_db.core.chunks import chunks
from gonemaster_db.core.recent_totals import recent_total
from gonemaster_db.core.states import WAITING
from gonemaster_db.domains.domains import contains_name
from gonemaster_db.models import Job, JobStatus, Priority

_CHUNK = 500
_NO_SYNC = {"synchronize_session": False}


@dataclass(frozen=True, slots=True)
class WaitingFilter:
    """A filter of waiting jobs; `domain` is a substring, `status` one of the two states of waiting jobs.

    The positions are inclusive bounds.
    """

    priority: Priority | None = None
    domain: str = ""
    status: JobStatus | None = None
    created_until: datetime | None = None
    first_position: int | None = None
    last_position: int | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return the conditions of a query."""
        found = [Job.status.in_(WAITING) if self.status is None else Job.status == self.status]
        if self.priority is not None:
            found.append(Job.priority == self.priority)
        if self.domain:
            found.append(contains_name(Job.domain.expression, self.domain))
        if self.created_until is not None:
            found.append(Job.created_at <= self.created_until)
        if self.first_position is not None:
            found.append(Job.position >= self.first_position)
        if self.last_position is not None:
            found.append(Job.position <= self.last_position)
        return found


def list_waiting_jobs(session: Session, criteria: WaitingFilter, *, limit: int, offset: int = 0) -> list[Job]:
    """Return a page of waiting jobs in queue order, without their configuration."""
    query = select(Job).where(*criteria.conditions()).options(defer(Job.config))
    return list(session.scalars(query.order_by(Job.priority, Job.position, Job.id).limit(limit).offset(offset)))


def count_waiting_jobs(session: Session, criteria: WaitingFilter) -> int:
    """Count waiting jobs; a large count may be a few seconds old."""

    def count() -> int:
        return session.scalar(select(func.count()).select_from(Job).where(*criteria.conditions())) or 0

    return recent_total(session, ("waiting", criteria), count)


def waiting_ids(session: Session, criteria: WaitingFilter, *, limit: int) -> list[str]:
    """Return the IDs of waiting jobs in queue order."""
    query = select(Job.id).where(*criteria.conditions()).order_by(Job.priority, Job.position, Job.id).limit(limit)
    return list(session.scalars(query))


def last_waiting_ids(session: Session, criteria: WaitingFilter, *, limit: int) -> list[str]:
    """Return the IDs of the last waiting jobs, in queue order."""
    backward = (Job.priority.desc(), Job.position.desc(), Job.id.desc())
    query = select(Job.id).where(*criteria.conditions()).order_by(*backward).limit(limit)
    return list(session.scalars(query))[::-1]


def switch_waiting_jobs(session: Session, job_ids: Sequence[str], *, held: bool) -> list[tuple[str, int]]:
    """Hold queued jobs or release held jobs, which keep their positions; return IDs and priorities of changed jobs."""
    old, new = (JobStatus.QUEUED, JobStatus.PAUSED) if held else (JobStatus.PAUSED, JobStatus.QUEUED)
    changed: list[tuple[str, int]] = []
    for chunk in chunks(sorted(set(job_ids)), _CHUNK):
        statement = update(Job).where(Job.id.in_(chunk), Job.status == old).values(status=new)
        rows = session.execute(statement.returning(Job.id, Job.priority), execution_options=_NO_SYNC)
        changed += [(job_id, priority) for job_id, priority in rows]
    return changed
