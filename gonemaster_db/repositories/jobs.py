"""Jobs: submission, claim and lease. Their end is in graduation.py, their order in queue.py."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, cast

from sqlalchemy import ColumnElement, Select, Table, bindparam, case, exists, func, or_, select, update
from sqlalchemy.orm import InstrumentedAttribute, Session

from gonemaster_db.bulk import insert_rows
from gonemaster_db.chunks import chunks
from gonemaster_db.clock import utcnow
from gonemaster_db.errors import JobNotFound, JobStateError
from gonemaster_db.ids import job_ids as new_job_ids
from gonemaster_db.ids import new_job_id
from gonemaster_db.models import Job, JobStatus, Profile, QueuePause, Run
from gonemaster_db.prepared import Prepared
from gonemaster_db.records import LeaseRenewal, NewJob
from gonemaster_db.repositories.position_allocator import MAX_SLAB_SIZE, allocate_positions
from gonemaster_db.states import Priority

_FRESH = {"populate_existing": True, "synchronize_session": False}
_JOBS = cast("Table", Job.__table__)


def lock_in_id_order(*conditions: ColumnElement[bool]) -> Select[str]:
    """Select and lock jobs in the order that every multi-row lock uses, so that two transactions cannot deadlock."""
    return select(_JOBS.c.id).where(*conditions).order_by(_JOBS.c.id).with_for_update()


_IS_NORMAL = _JOBS.c.priority == Priority.NORMAL.value
_PAUSED = exists().where(
    QueuePause.tier == case((_IS_NORMAL, Priority.NORMAL.tier), else_=Priority.BATCH.tier),
    or_(QueuePause.until.is_(None), QueuePause.until > bindparam("moment")),
)
_DUE = (
    # Not by "=": a plan kept from an empty queue would look for all queued jobs in the index of the status.
    _JOBS.c.status.is_not_distinct_from(JobStatus.QUEUED),
    or_(_JOBS.c.expires_at.is_(None), _JOBS.c.expires_at > bindparam("moment")),
)
_CLAIMABLE = (*_DUE, ~_PAUSED)
_PROFILE = select(Profile.config).where(Profile.id == _JOBS.c.profile_id).scalar_subquery()


def _claim_statement() -> Any:
    values = {
        "status": JobStatus.RUNNING,
        "worker": bindparam("claimant"),
        "attempt": _JOBS.c.attempt + 1,
        "started_at": bindparam("moment"),
        "lease_until": bindparam("lease_end"),
        "cancel_requested_at": None,
    }
    returned = (_JOBS.c[name] for name in ("id", "domain", "batch_id", "attempt", "releases", "config"))
    claim = update(_JOBS).where(_JOBS.c.id == bindparam("wanted"), *_CLAIMABLE).values(values)
    return claim.returning(*returned, _PROFILE.label("profile"))


_CLAIM = Prepared(_claim_statement())  # built once: constructing a statement costs more than executing it
_COLUMNS = (
    "id", "public_id", "domain", "batch_id", "status", "priority", "position", "created_at", "expires_at",
    "progress", "error", "attempt", "releases", "profile", "profile_id", "profile_name", "config",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ClaimedJob:
    """A job as its worker needs it until the lease ends; `profile` is the configuration of its stored profile."""

    id: str
    domain: str
    batch_id: str | None
    attempt: int
    releases: int
    config: Mapping[str, Any]
    profile: Mapping[str, Any] | None

    @property
    def starts(self) -> int:
        """The starts that count as attempts, this one among them."""
        return self.attempt - self.releases


def create_job(session: Session, new: NewJob, *, now: datetime | None = None) -> Job:
    """Queue one job at the end of its tier."""
    (position,) = allocate_positions(session, new.priority, 1)
    job = Job(
        id=new_job_id(),
        public_id=new.public_id,
        domain=new.domain,
        batch_id=new.batch_id,
        priority=new.priority,
        position=position,
        created_at=now or utcnow(),
        expires_at=new.expires_at,
        profile=new.profile,
        profile_id=new.profile_id,
        profile_name=new.profile_name,
        config=dict(new.config),
    )
    session.add(job)
    session.flush()
    return job


def create_jobs(session: Session, new: Iterable[NewJob], *, now: datetime | None = None) -> Iterator[list[str]]:
    """Queue many jobs of one tier in order; yields the ids of each chunk after it is written.

    Reads `new` one chunk at a time, so memory does not grow with the number of jobs. Lazy: nothing is written until
    the iterator is consumed.
    """
    created_at = now or utcnow()
    numbered = new_job_ids()
    for chunk in chunks(new, MAX_SLAB_SIZE):
        ids = list(islice(numbered, len(chunk)))
        positions = allocate_positions(session, chunk[0].priority, len(chunk))
        rows = map(_row, chunk, ids, positions, [created_at] * len(chunk))
        insert_rows(session, Job, _COLUMNS, rows)
        yield ids


def claim_job(session: Session, job_id: str, *, worker: str, now: datetime, lease: timedelta) -> ClaimedJob | None:
    """Move a queued job to running, with `attempt` increased, by one statement; None if it cannot be claimed.

    One conditional UPDATE decides the race, so a message delivered twice is harmless. A job whose `expires_at` has
    passed is not claimed, nor one of a paused tier: no job starts after the commit of a pause, even if a worker
    learns of the pause later.
    """
    claim = {"wanted": job_id, "claimant": worker, "moment": now, "lease_end": now + lease}
    row = _CLAIM.execute(session.connection(), claim).one_or_none()
    return None if row is None else ClaimedJob(*row)


def is_due(session: Session, job_id: str, *, now: datetime) -> bool:
    """Whether a job is queued and has not expired; its tier may be paused."""
    return bool(session.scalar(select(exists().where(_JOBS.c.id == job_id, *_DUE)), {"moment": now}))


def renew_leases(
    session: Session, job_ids: Sequence[str], *, worker: str, now: datetime, lease: timedelta
) -> LeaseRenewal:
    """Renew the leases of all jobs of one worker by one statement."""
    if not job_ids:
        return LeaseRenewal(frozenset(), frozenset())
    # Stated twice: the subquery may wait for another transaction that takes the job away, and PostgreSQL (READ
    # COMMITTED) checks only the outer condition again, on the newest version of the row.
    ours = (_JOBS.c.id.in_(job_ids), _JOBS.c.status == JobStatus.RUNNING, _JOBS.c.worker == worker)
    renewed = session.execute(
        update(Job)
        .where(Job.id.in_(lock_in_id_order(*ours)), *ours)
        .values(lease_until=now + lease)
        .returning(Job.id, Job.cancel_requested_at),
        execution_options={"synchronize_session": False},
    ).all()
    held = {job_id for job_id, _ in renewed}
    canceled = {job_id for job_id, requested_at in renewed if requested_at}
    return LeaseRenewal(lost=frozenset(job_ids) - held, canceled=frozenset(canceled))


def get_job(session: Session, job_id: str) -> Job:
    """Read an unfinished job. Raises JobNotFound."""
    job = session.scalar(select(Job).where(Job.id == job_id), execution_options={"populate_existing": True})
    if job is None:
        raise JobNotFound(job_id)
    return job


def find_job_or_run(session: Session, job_id: str) -> Job | Run:
    """Read the job, or the run it became. Raises JobNotFound."""
    return _find(session, Job.id, Run.id, job_id)


def find_by_public_id(session: Session, public_id: str) -> Job | Run:
    """Read the job or run with this public id. Raises JobNotFound."""
    return _find(session, Job.public_id, Run.public_id, public_id)


def expired_leases(session: Session, *, now: datetime, limit: int) -> list[Job]:
    """List running jobs whose lease expired before `now`, oldest expiry first."""
    query = select(Job).where(Job.status == JobStatus.RUNNING, Job.lease_until < now)
    return list(session.scalars(query.order_by(Job.lease_until).limit(limit)))


def workers_with_several_jobs(session: Session, workers: Iterable[str]) -> set[str]:
    """Return those of the workers that have claims on more than one job, whether the leases have expired or not."""
    several = select(Job.worker).where(Job.status == JobStatus.RUNNING, Job.worker.in_(set(workers)))
    return {str(name) for name in session.scalars(several.group_by(Job.worker).having(func.count() > 1))}


def hold_job(session: Session, job_id: str) -> Job:
    """Move a queued job to paused; it keeps its position. Raises JobNotFound, JobStateError."""
    return _switch(session, job_id, JobStatus.QUEUED, JobStatus.PAUSED)


def release_job(session: Session, job_id: str) -> Job:
    """Move a paused job back to queued. Raises JobNotFound, JobStateError."""
    return _switch(session, job_id, JobStatus.PAUSED, JobStatus.QUEUED)


def _switch(session: Session, job_id: str, old: JobStatus, new: JobStatus) -> Job:
    job: Job | None = session.scalar(
        update(Job).where(Job.id == job_id, Job.status == old).values(status=new).returning(Job),
        execution_options=_FRESH,
    )
    if job is None:
        status = find_job_or_run(session, job_id).status
        raise JobStateError(f"job {job_id} is {status}, not {old}")
    return job


def _find(
    session: Session,
    job_column: InstrumentedAttribute[str] | InstrumentedAttribute[str | None],
    run_column: InstrumentedAttribute[str] | InstrumentedAttribute[str | None],
    key: str,
) -> Job | Run:
    """Look for the job first, so that a job which graduates between the two queries is found as a run."""
    options = {"populate_existing": True}
    found: Job | Run | None = session.scalar(select(Job).where(job_column == key), execution_options=options)
    if found is None:
        found = session.scalar(select(Run).where(run_column == key), execution_options=options)
    if found is None:
        raise JobNotFound(key)
    return found


def _row(new: NewJob, job_id: str, position: int, created_at: datetime) -> tuple[object, ...]:
    return (
        job_id, new.public_id, new.domain, new.batch_id, JobStatus.QUEUED, new.priority, position, created_at,
        new.expires_at, 0, "", 0, 0, new.profile, new.profile_id, new.profile_name, new.config,
    )  # fmt: skip
