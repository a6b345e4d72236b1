"""Submission, claims and leases of jobs. Their end is in graduation.py, their order in queue.py."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from itertools import islice
from typing import Any, NamedTuple, cast

from sqlalchemy import ColumnElement, Select, Table, bindparam, case, exists, func, literal, or_, select, text, update
from sqlalchemy.orm import InstrumentedAttribute, Session, defer

from gonemaster_db.core.bulk import insert_rows
from gonemaster_db.core.chunks import chunks
from gonemaster_db.core.clock import utcnow
from gonemaster_db.core.errors import JobNotFound, JobStateError
from gonemaster_db.core.ids import job_ids as new_job_ids
from gonemaster_db.core.ids import new_job_id
from gonemaster_db.core.records import LeaseRenewal, NewJob
from gonemaster_db.core.states import WAITING, Priority
from gonemaster_db.core.texts import Text
from gonemaster_db.models import Domain, Job, JobStatus, Profile, QueuePause, Run
from gonemaster_db.queue.position_allocator import MAX_SLAB_SIZE, allocate_positions

_FRESH = {"populate_existing": True, "synchronize_session": False}
_JOBS = cast("Table", Job.__table__)
_LOOKED_UP = 500  # IDs or domains in one query
_LONG_MS = 2_000  # A longer test has waited for silent name servers, unless the machine is overloaded.


def lock_in_id_order(*conditions: ColumnElement[bool]) -> Select[str]:
    """Select and lock jobs by ID, the order of all multi-row locks, so that two transactions cannot deadlock."""
    return select(_JOBS.c.id).where(*conditions).order_by(_JOBS.c.id).with_for_update()


_ANY_OVERDUE = select(
    or_(
        exists().where(_JOBS.c.status == JobStatus.RUNNING, _JOBS.c.lease_until <= bindparam("now")),
        exists().where(_JOBS.c.status.in_(WAITING), _JOBS.c.expires_at <= bindparam("now")),
    )
)
_PAUSED = exists().where(
    QueuePause.tier == case({each.value: each.tier for each in Priority}, value=_JOBS.c.priority),
    or_(QueuePause.until.is_(None), QueuePause.until > bindparam("moment")),
)
_DUE = (
    _JOBS.c.status == JobStatus.QUEUED,
    or_(_JOBS.c.expires_at.is_(None), _JOBS.c.expires_at > bindparam("moment")),
)
_CLAIMABLE = (*_DUE, ~_PAUSED)
_PROFILE = select(Profile.config).where(Profile.id == _JOBS.c.profile_id).scalar_subquery()


def _claim_statement(*chosen: ColumnElement[bool]) -> Any:
    values = {
        "status": literal(JobStatus.RUNNING, _JOBS.c.status.type),
        "worker": bindparam("claimant"),
        "attempt": _JOBS.c.attempt + 1,
        "started_at": bindparam("moment"),
        "lease_until": bindparam("lease_end"),
        "cancel_requested_at": None,
    }
    returned = (_JOBS.c[name] for name in ("id", "domain", "batch_id", "attempt", "releases", "config"))
    return update(_JOBS).where(*chosen, *_CLAIMABLE).values(values).returning(*returned, _PROFILE.label("profile"))


# Built once, because constructing a statement costs more than executing it.
_CLAIM = _claim_statement(_JOBS.c.id == bindparam("wanted"))
_CLAIM_SEVERAL = _claim_statement(
    _JOBS.c.id.in_(lock_in_id_order(_JOBS.c.id.in_(bindparam("wanted", expanding=True)), *_DUE))
)


def _renewal_statement() -> Any:
    # The condition is repeated: the subquery may wait for another transaction that takes the job, and PostgreSQL (READ
    # COMMITTED) checks only the outer condition again on the newest version of the row.
    leased = (
        _JOBS.c.id.in_(bindparam("ids", expanding=True)),
        _JOBS.c.status == JobStatus.RUNNING,
        _JOBS.c.worker == bindparam("claimant"),
    )
    renewal = update(_JOBS).where(_JOBS.c.id.in_(lock_in_id_order(*leased)), *leased)
    return renewal.values(lease_until=bindparam("lease_end")).returning(_JOBS.c.id, _JOBS.c.cancel_requested_at)


# Built once, because workers execute these statements every few seconds, and the objects that SQLAlchemy builds for a
# statement are reference cycles that only the garbage collector frees.
_RENEWAL = _renewal_statement()
_WITH_SEVERAL = (
    select(_JOBS.c.worker)
    .where(_JOBS.c.status == JobStatus.RUNNING, _JOBS.c.worker.in_(bindparam("workers", expanding=True)))
    .group_by(_JOBS.c.worker)
    .having(func.count() > 1)
)
_COLUMNS = (
    "id", "public_id", "domain", "batch_id", "status", "priority", "position", "created_at", "expires_at",
    "progress", "error", "attempt", "releases", "profile", "profile_id", "profile_name", "config",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ClaimedJob:
    """A claimed job with the data that its worker needs; `profile` is the configuration of its stored profile."""

    id: str
    domain: str
    batch_id: str | None
    attempt: int
    releases: int
    config: Mapping[str, Any]
    profile: Mapping[str, Any] | None

    @property
    def starts(self) -> int:
        """The starts that count as attempts, including this one."""
        return self.attempt - self.releases


def create_job(session: Session, new: NewJob, *, now: datetime | None = None) -> Job:
    """Queue one job at the end of its tier."""
    return create_listed_jobs(session, [new], now=now)[0]


def create_listed_jobs(session: Session, new: Sequence[NewJob], *, now: datetime | None = None) -> list[Job]:
    """Queue a few jobs, each at the end of its tier, and return them in order; use `create_jobs` for many."""
    created_at = now or utcnow()
    positions = {
        priority: iter(allocate_positions(session, priority, sum(job.priority == priority for job in new)))
        for priority in dict.fromkeys(job.priority for job in new)
    }
    jobs = [
        Job(
            id=new_job_id(),
            public_id=job.public_id,
            domain=job.domain,
            batch_id=job.batch_id,
            priority=job.priority,
            position=next(positions[job.priority]),
            created_at=created_at,
            expires_at=job.expires_at,
            profile=job.profile,
            profile_id=job.profile_id,
            profile_name=job.profile_name,
            config=dict(job.config),
        )
        for job in new
    ]
    session.add_all(jobs)
    session.flush()
    return jobs


def create_jobs(session: Session, new: Iterable[NewJob], *, now: datetime | None = None) -> Iterator[list[str]]:
    """Queue many jobs of one tier in order; yield the IDs of each chunk after it was written.

    Reads `new` in chunks, so memory does not grow with the number of jobs. The function is lazy: nothing is written
    until the iterator is consumed.
    """
    for created in _create(session, new, now=now, longest_first=False):
        yield created.ids


class CreatedJobs(NamedTuple):
    """The IDs of a chunk of jobs, in the given order and in queue order; their positions are GAP apart."""

    ids: list[str]
    in_turn: list[str]
    first_position: int


def create_longest_first(
    session: Session, new: Iterable[NewJob], *, batch_id: str | None = None, now: datetime | None = None
) -> Iterator[CreatedJobs]:
    """Queue the jobs of a batch like `create_jobs`, but start domains with a slow newest run early.

    With `batch_id` all jobs get this batch and its tier.

    A test of silent name servers takes half a minute; if it starts last, the whole batch waits for it. This matters
    only for the end of a batch, so at most its last 8,191 jobs are ordered. Jobs of fast or unknown domains keep their
    order and fill the gaps: slow jobs are spread over the first half, because otherwise all slots would wait for silent
    servers at the same time.
    """
    return _create(session, new, now=now, longest_first=True, batch_id=batch_id)


def _create(
    session: Session,
    new: Iterable[NewJob],
    *,
    now: datetime | None,
    longest_first: bool,
    batch_id: str | None = None,
) -> Iterator[CreatedJobs]:
    created_at = now or utcnow()
    numbered = new_job_ids()
    for chunk in chunks(new, MAX_SLAB_SIZE):
        ids = list(islice(numbered, len(chunk)))
        priority = chunk[0].priority if batch_id is None else Priority.BATCH
        positions = allocate_positions(session, priority, len(chunk))
        is_last = len(chunk) < MAX_SLAB_SIZE
        order = _longest_first(session, chunk) if longest_first and is_last else range(len(chunk))
        position_of = dict(zip(order, positions, strict=True))
        rows = (
            _row(job, ids[number], position_of[number], created_at, priority, batch_id or job.batch_id)
            for number, job in enumerate(chunk)
        )
        insert_rows(session, Job, _COLUMNS, rows)
        yield CreatedJobs(ids, [ids[number] for number in order], positions[0])


def refresh_statistics(session: Session) -> None:
    """Let PostgreSQL count the jobs by tier and state now, because its own analysis follows up to a minute later.

    Until then it expects few jobs, and would read and sort all of them for each page of the queue.
    """
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("ANALYZE (SKIP_LOCKED) jobs (priority, position, status, batch_id)"))


def _longest_first(session: Session, jobs: Sequence[NewJob]) -> Sequence[int]:
    """Return the indexes of the jobs in the order in which they should start."""
    durations_ms: dict[str, int] = {}
    for part in chunks((job.domain for job in jobs), _LOOKED_UP):
        newest = select(Domain.name, Run.duration_ms).join(Run, Run.id == Domain.latest_run_id)
        found = session.execute(newest.where(Domain.name.in_(part), Run.duration_ms >= _LONG_MS))
        durations_ms |= {name: duration_ms for name, duration_ms in found if duration_ms is not None}
    long = [number for number, job in enumerate(jobs) if job.domain in durations_ms]
    long.sort(key=lambda number: -durations_ms[jobs[number].domain])
    rest = (number for number, job in enumerate(jobs) if job.domain not in durations_ms)
    between = max(1, len(jobs) // 2 // max(1, len(long))) - 1
    spread = [number for each in long for number in (each, *islice(rest, between))]
    return [*spread, *rest]


def claim_job(session: Session, job_id: str, *, worker: str, now: datetime, lease: timedelta) -> ClaimedJob | None:
    """Claim a queued job for a worker like `claim_jobs`; None if it cannot be claimed."""
    return claim_jobs(session, [job_id], worker=worker, now=now, lease=lease).get(job_id)


def claim_jobs(
    session: Session, job_ids: Sequence[str], *, worker: str, now: datetime, lease: timedelta
) -> dict[str, ClaimedJob]:
    """Claim queued jobs for a worker and increment `attempt`, in one statement; return the claimed jobs by ID.

    One conditional UPDATE decides the race, so a message that is delivered twice is harmless. A job is not claimed
    after its `expires_at`, or in a paused tier: no job starts after the commit of a pause, even if a worker learns of
    it later.
    """
    claim = {"claimant": worker, "moment": now, "lease_end": now + lease}
    if len(job_ids) == 1:
        rows = session.connection().execute(_CLAIM, {**claim, "wanted": job_ids[0]})
    else:
        rows = session.connection().execute(_CLAIM_SEVERAL, {**claim, "wanted": job_ids})
    return {row.id: ClaimedJob(*row) for row in rows}


def is_due(session: Session, job_id: str, *, now: datetime) -> bool:
    """Return whether a job is queued and has not expired; its tier may be paused."""
    return bool(session.scalar(select(exists().where(_JOBS.c.id == job_id, *_DUE)), {"moment": now}))


def renew_leases(
    session: Session, job_ids: Sequence[str], *, worker: str, now: datetime, lease: timedelta
) -> LeaseRenewal:
    """Renew the leases of all jobs of one worker in one statement."""
    if not job_ids:
        return LeaseRenewal(frozenset(), frozenset())
    parameters = {"ids": job_ids, "claimant": worker, "lease_end": now + lease}
    renewed = session.connection().execute(_RENEWAL, parameters).all()
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
    """Read a job, or the run that replaced it. Raises JobNotFound."""
    return _find(session, Job.id, Run.id, job_id)


def has_tests(session: Session) -> bool:
    """Return whether there is any job or run."""
    return any(session.scalar(select(model.id).limit(1)) is not None for model in (Run, Job))


def find_by_public_id(session: Session, public_id: str) -> Job | Run:
    """Read the job or run with this public ID. Raises JobNotFound."""
    return _find(session, Job.public_id, Run.public_id, public_id)


def find_final_states(session: Session, job_ids: Sequence[str]) -> dict[str, str]:
    """Return the status of the jobs that have become runs, and `deleted` for IDs of neither a job nor a run."""
    ends: dict[str, str] = {}
    for part in chunks(job_ids, _LOOKED_UP):
        # Jobs are read first: otherwise a job that graduates between the two queries would be found as neither.
        waiting = set(session.scalars(select(Job.id).where(Job.id.in_(part))))
        missing = [job_id for job_id in part if job_id not in waiting]
        if missing:
            runs = session.execute(select(Run.id, Run.status).where(Run.id.in_(missing))).all()
            ends |= dict.fromkeys(missing, "deleted") | {run.id: run.status.value for run in runs}
    return ends


def expired_leases(
    session: Session,
    *,
    now: datetime,
    limit: int,
    worker: str | None = None,
    without: Collection[str] = (),
    skip_locked: bool = False,
) -> list[Job]:
    """Return running jobs (of one worker) whose lease expired before `now`, oldest expiry first.

    `without` lists jobs to skip; `skip_locked` skips jobs that another transaction has locked.
    """
    query = select(Job).where(Job.status == JobStatus.RUNNING, Job.lease_until < now)
    if worker is not None:
        query = query.where(Job.worker == worker)
    if without:
        query = query.where(Job.id.not_in(without))
    if skip_locked:
        query = query.with_for_update(skip_locked=True)
    return list(session.scalars(query.order_by(Job.lease_until).limit(limit)))


def is_any_overdue(session: Session, *, now: datetime) -> bool:
    """Return whether a lease or the start deadline of a waiting job has passed: one cheap statement for both."""
    return bool(session.scalar(_ANY_OVERDUE, {"now": now}))


def lock_expired(session: Session, job_id: str, *, now: datetime) -> bool:
    """Lock a running job with an expired lease; return False if it was renewed or another transaction has locked it."""
    expired = (_JOBS.c.id == job_id, _JOBS.c.status == JobStatus.RUNNING, _JOBS.c.lease_until <= now)
    return session.scalar(select(_JOBS.c.id).where(*expired).with_for_update(skip_locked=True)) is not None


def end_leases(session: Session, *, worker: str, now: datetime) -> int:
    """Expire the leases of a worker's claims made up to `now`; return the number of leases that were still valid."""
    # The lost process may hold row locks until the database notices its loss; those leases expire on their own.
    claims = (_JOBS.c.status == JobStatus.RUNNING, _JOBS.c.worker == worker, _JOBS.c.started_at <= now)
    held = select(_JOBS.c.id).where(*claims, _JOBS.c.lease_until > now).order_by(_JOBS.c.id)
    ended = (
        update(_JOBS)
        .where(_JOBS.c.id.in_(held.with_for_update(skip_locked=True)))
        .values(lease_until=now)
        .returning(_JOBS.c.id)
    )
    return len(session.execute(ended).all())


def list_running_jobs(session: Session, job_ids: Collection[str]) -> list[Job]:
    """Return the running jobs among some IDs, the earliest start first."""
    query = select(Job).where(Job.id.in_(job_ids), Job.status == JobStatus.RUNNING).options(defer(Job.config))
    return list(session.scalars(query.order_by(Job.started_at, Job.id)))


def workers_with_several_jobs(session: Session, workers: Iterable[str]) -> set[str]:
    """Return the workers with claims on more than one job, including claims with expired leases."""
    return {str(name) for name in session.scalars(_WITH_SEVERAL, {"workers": list(workers)})}


def hold_job(session: Session, job_id: str) -> Job:
    """Hold a queued job; it keeps its position. Raises JobNotFound, JobStateError."""
    return _switch(session, job_id, JobStatus.QUEUED, JobStatus.PAUSED)


def release_job(session: Session, job_id: str) -> Job:
    """Return a held job to the queue. Raises JobNotFound, JobStateError."""
    return _switch(session, job_id, JobStatus.PAUSED, JobStatus.QUEUED)


def _switch(session: Session, job_id: str, old: JobStatus, new: JobStatus) -> Job:
    job: Job | None = session.scalar(
        update(Job).where(Job.id == job_id, Job.status == old).values(status=new).returning(Job),
        execution_options=_FRESH,
    )
    if job is None:
        status = find_job_or_run(session, job_id).status
        raise JobStateError(Text("job {job_id} is {status}, not {old}", job_id=job_id, status=status, old=old))
    return job


def _find(
    session: Session,
    job_column: InstrumentedAttribute[str] | InstrumentedAttribute[str | None],
    run_column: InstrumentedAttribute[str] | InstrumentedAttribute[str | None],
    key: str,
) -> Job | Run:
    """Find the job first, so that a job that graduates between the two queries is found as a run."""
    found: Job | Run | None = session.scalar(
        _one_by(job_column), {"key": key}, execution_options={"populate_existing": True}
    )
    if found is None:
        found = session.scalar(_one_by(run_column), {"key": key}, execution_options={"populate_existing": True})
    if found is None:
        raise JobNotFound(key)
    return found


@cache
def _one_by(column: InstrumentedAttribute[str] | InstrumentedAttribute[str | None]) -> Select[Any]:
    """Return the statement for the row with a key, cached because building it takes as long as executing it."""
    return select(column.class_).where(column == bindparam("key"))


def _row(
    new: NewJob, job_id: str, position: int, created_at: datetime, priority: int, batch_id: str | None
) -> tuple[object, ...]:
    return (
        job_id, new.public_id, new.domain, batch_id, JobStatus.QUEUED, priority, position, created_at,
        new.expires_at, 0, "", 0, 0, new.profile, new.profile_id, new.profile_name, new.config,
    )  # fmt: skip
