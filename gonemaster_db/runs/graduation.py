"""Graduation: a job becomes a run with the same ID, or returns to the queue."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from sqlalchemy import ColumnElement, RowMapping, Table, bindparam, case, delete, literal, select, tuple_, update
from sqlalchemy import insert as plain_insert
from sqlalchemy.orm import Session

from gonemaster_db.core.chunks import chunks
from gonemaster_db.core.errors import JobStateError
from gonemaster_db.core.ids import batch_key
from gonemaster_db.core.records import RunRecord
from gonemaster_db.core.states import WAITING
from gonemaster_db.core.texts import Text
from gonemaster_db.domains.domains import ensure_domains, refresh_domains
from gonemaster_db.models import Batch, Domain, Job, JobStatus, Run, RunStatus
from gonemaster_db.queue.jobs import find_job_or_run, lock_in_id_order
from gonemaster_db.runs.counters import RunGroup, count_runs_in
from gonemaster_db.runs.run_rows import KEPT, write_run, write_runs

_JOBS = cast("Table", Job.__table__)
_CHUNK = 5000
_MAX_SHARED_STARTS = 20  # additional starts above max_attempts, after which the job fails in any case
_COUNTS = ("sev_notice", "sev_warning", "sev_error", "sev_critical", "entry_count")
_RUNS = cast("Table", Run.__table__)
# Built once, because constructing a statement costs more than executing it.
_CLAIMED = (_JOBS.c.status == JobStatus.RUNNING, _JOBS.c.worker == bindparam("claimant"))
_TAKE_ONE = (
    delete(_JOBS)
    .where(_JOBS.c.id == bindparam("job_id"), _JOBS.c.attempt == bindparam("number"), *_CLAIMED)
    .returning(*_JOBS.c)
)
_NAMED = (tuple_(_JOBS.c.id, _JOBS.c.attempt).in_(bindparam("claims", expanding=True)), *_CLAIMED)
# The condition is repeated for rows that change while the subquery waits for their locks.
_TAKE_SEVERAL = delete(_JOBS).where(_JOBS.c.id.in_(lock_in_id_order(*_NAMED)), *_NAMED).returning(*_JOBS.c)
_STATUS_OF_CLAIM = select(_RUNS.c.status).where(
    _RUNS.c.id == bindparam("job_id"),
    _RUNS.c.attempt == bindparam("number"),
    _RUNS.c.worker == bindparam("claimant"),
)


@dataclass(frozen=True, slots=True)
class AttemptResult:
    """The result of one attempt of a job."""

    job_id: str
    attempt: int
    record: RunRecord


def graduate_job(session: Session, job_id: str, *, worker: str, attempt: int, record: RunRecord) -> RunStatus:
    """Replace a running job with its run and entries, like `graduate_jobs`; return the status of the run.

    Raises: JobStateError: This worker and attempt have lost the claim, or the job no longer exists; nothing is written.
    StoreConflict: A row that this process has cached was removed; a retry creates it again.
    """
    (status,) = graduate_jobs(session, [AttemptResult(job_id, attempt, record)], worker=worker)
    if isinstance(status, JobStateError):
        raise status
    return status


def graduate_jobs(
    session: Session, results: Sequence[AttemptResult], *, worker: str
) -> list[RunStatus | JobStateError]:
    """Replace running jobs of a worker with their runs and entries; return the status of each run.

    The status is a JobStateError if this worker and attempt have lost the claim, or if the job no longer exists; then
    nothing is written for this job. A repeated call for the same claim returns the status of the existing run, so a
    call may be repeated after a commit with unknown result.

    Raises: StoreConflict: A row that this process has cached was removed; a retry creates it again.
    """
    session.flush()
    # The DELETE decides which process ends a job: a cancellation or the reaper may try it at the same time.
    jobs = _take_claimed(session, results, worker)
    write_runs(session, [(jobs[each.job_id], each.record) for each in results if each.job_id in jobs])
    return [each.record.status if each.job_id in jobs else _status_of_claim(session, each, worker) for each in results]


def _take_claimed(session: Session, results: Sequence[AttemptResult], worker: str) -> dict[str, RowMapping]:
    """Delete the jobs that a worker holds, and return their rows by ID."""
    if len(results) == 1:
        claim = {"job_id": results[0].job_id, "number": results[0].attempt, "claimant": worker}
        rows = session.connection().execute(_TAKE_ONE, claim)
    else:
        claims = [(each.job_id, each.attempt) for each in results]
        rows = session.connection().execute(_TAKE_SEVERAL, {"claims": claims, "claimant": worker})
    return {row["id"]: row for row in rows.mappings()}


def _status_of_claim(session: Session, result: AttemptResult, worker: str) -> RunStatus | JobStateError:
    claim = {"job_id": result.job_id, "number": result.attempt, "claimant": worker}
    stored: RunStatus | None = session.connection().execute(_STATUS_OF_CLAIM, claim).scalar()
    if stored is not None:
        return stored
    lost = Text(
        "claim {attempt} of {worker} on job {job_id} is no longer valid",
        attempt=result.attempt,
        worker=worker,
        job_id=result.job_id,
    )
    return JobStateError(lost)


def requeue_job(
    session: Session,
    job_id: str,
    *,
    worker: str,
    attempt: int,
    now: datetime,
    max_attempts: int,
    released: bool = False,
    failure: str = "",
    shared_worker: bool = False,
) -> Job | Run:
    """Return a running job to its position in the queue, after an expired lease or (`released`) by its own worker.

    A job with a cancel request becomes a canceled run. After `max_attempts` starts (released ones do not count) it
    becomes a failed run with the error `abandoned after <n> attempts`, or with `<failure> (attempt <n> of <m>)` if its
    own worker, which holds the lease, reports how this start failed.

    With `shared_worker` its worker died with several jobs, each of which may be the cause. Only the first of such
    starts counts, because the job is then tested in a separate process. These starts fail the job only above a high
    limit, so that it is not repeated forever.

    Raises: JobNotFound: The job does not exist. JobStateError: This worker and attempt have lost the claim, or the
    lease was renewed.
    """
    claim: tuple[ColumnElement[bool], ...] = (Job.id == job_id, *_claimed_by(worker, attempt))
    if not (released or failure):
        # A lease that was renewed in the meantime means that its worker is running.
        claim = (*claim, Job.lease_until <= now)
    if canceled := _take(session, *claim, Job.cancel_requested_at.is_not(None)):
        return _write_run(session, canceled, RunRecord(RunStatus.CANCELED, now, error="canceled"))
    exhausted = Job.attempt - Job.releases >= max_attempts
    if shared_worker:
        exhausted = Job.attempt >= max_attempts + _MAX_SHARED_STARTS
    if not released and (job := _take(session, *claim, exhausted)):
        # Starts that ended with an orderly shutdown of the worker do not count against the job.
        starts = job["attempt"] - job["releases"]
        maximum = max(starts, max_attempts)  # With max_attempts 1, a job that ran with other jobs has a second start.
        error = (
            Text("{failure} (attempt {starts} of {most})", failure=failure, starts=starts, most=maximum)
            if failure
            else Text("abandoned after {starts} attempts", starts=starts)
        )
        return _write_run(session, job, RunRecord(RunStatus.FAILED, now, error=error))
    uncounted = 1 if released else case((Job.attempt - Job.releases > 1, 1), else_=0) if shared_worker else 0
    return _requeue(session, job_id, claim, uncounted)


def request_cancel(session: Session, job_id: str, *, now: datetime, error: str = "canceled") -> Job | Run:
    """Cancel a waiting job immediately (return its run) or mark a running job (return the job).

    A finished run is returned unchanged. Raises JobNotFound.
    """
    for _ in range(10):  # The job may change its state between two statements.
        if waiting := _take(session, Job.id == job_id, Job.status.in_(WAITING)):
            return _write_run(session, waiting, RunRecord(RunStatus.CANCELED, now, error=error))
        if running := _mark_canceled(session, job_id, now):
            return running
        found = find_job_or_run(session, job_id)
        if isinstance(found, Run):
            return found
    raise JobStateError(Text("job {job_id} keeps changing its state; try again", job_id=job_id))


def cancel_waiting_jobs(
    session: Session, job_ids: Sequence[str], *, now: datetime, error: str = "canceled"
) -> list[str]:
    """Graduate the waiting (queued or held) jobs of a list as canceled; return their IDs, sorted."""
    ended: list[str] = []
    for chunk in chunks(sorted(set(job_ids)), _CHUNK):
        ended += _end_waiting(session, Job.id.in_(chunk), RunStatus.CANCELED, error, now)
    return ended


def has_expired_jobs(session: Session, *, now: datetime) -> bool:
    """Return whether a waiting job has passed its expiry time."""
    expired = select(Job.id).where(Job.expires_at <= now, Job.status.in_(WAITING)).limit(1)
    return session.scalar(expired) is not None


def expire_jobs(session: Session, *, now: datetime, limit: int) -> list[str]:
    """Graduate waiting jobs whose `expires_at` has passed as expired, except locked ones; return their IDs."""
    due = session.scalars(
        select(Job.id)
        .where(Job.expires_at <= now, Job.status.in_(WAITING))
        .order_by(Job.expires_at)
        .limit(min(limit, _CHUNK))
    ).all()
    return _end_waiting(session, Job.id.in_(due), RunStatus.EXPIRED, "expired", now, skip_locked=True) if due else []


def _claimed_by(worker: str, attempt: int) -> tuple[ColumnElement[bool], ...]:
    return Job.status == JobStatus.RUNNING, Job.worker == worker, Job.attempt == attempt


def _take(session: Session, *conditions: ColumnElement[bool]) -> RowMapping | None:
    """Delete the job and return its row; this statement decides which process ends it."""
    session.flush()
    deleted = delete(_JOBS).where(*conditions).returning(*_JOBS.c)
    return session.execute(deleted).mappings().one_or_none()


def _mark_canceled(session: Session, job_id: str, now: datetime) -> Job | None:
    return session.scalar(
        update(Job)
        .where(Job.id == job_id, Job.status == JobStatus.RUNNING)
        .values(cancel_requested_at=case((Job.cancel_requested_at.is_(None), now), else_=Job.cancel_requested_at))
        .returning(Job),
        execution_options={"populate_existing": True, "synchronize_session": False},
    )


def _requeue(
    session: Session, job_id: str, claim: tuple[ColumnElement[bool], ...], uncounted: int | ColumnElement[int]
) -> Job:
    job: Job | None = session.scalar(
        update(Job)
        .where(*claim)
        .values(
            status=JobStatus.QUEUED,
            worker=None,
            lease_until=None,
            started_at=None,
            progress=0,
            releases=Job.releases + uncounted,
        )
        .returning(Job),
        execution_options={"populate_existing": True, "synchronize_session": False},
    )
    if job is None:
        raise _state_error(session, job_id)
    return job


def _state_error(session: Session, job_id: str) -> JobStateError:
    return JobStateError(
        Text("job {job_id} is {status}", job_id=job_id, status=find_job_or_run(session, job_id).status)
    )


def _write_run(session: Session, job: RowMapping, record: RunRecord) -> Run:
    write_run(session, job, record)
    return session.scalars(select(Run).where(Run.id == job["id"])).one()


def _end_waiting(
    session: Session,
    chosen: ColumnElement[bool],
    status: RunStatus,
    error: str,
    now: datetime,
    *,
    skip_locked: bool = False,
) -> list[str]:
    """Graduate many waiting jobs with a few set-based statements.

    The rows are first locked in order of ID, because DELETE and INSERT FROM SELECT lock in the order of their plan and
    could deadlock with claims and lease renewals.
    """
    session.flush()
    columns = (Job.id, Job.domain, Job.batch_id)
    waiting = (
        select(*columns)
        .where(chosen, Job.status.in_(WAITING))
        .order_by(Job.id)
        .with_for_update(skip_locked=skip_locked)
    )
    found = session.execute(waiting).all()
    ids = [job.id for job in found]
    if not ids:
        return []
    domain_ids = ensure_domains(session, (job.domain for job in found), now=now)
    computed = {
        "domain_id": Domain.id,
        "batch_key": Batch.key,
        "status": literal(status, Run.status.type),
        "finished_at": literal(now, Run.finished_at.type),
        "error": literal(error, Run.error.type),
        **{name: literal(0) for name in _COUNTS},
    }
    copied = (_JOBS.c[name] for name in KEPT)
    source = select(*copied, *computed.values()).join(Domain, Domain.name == _JOBS.c.domain)
    source = source.outerjoin(Batch, Batch.id == _JOBS.c.batch_id)
    session.execute(plain_insert(Run).from_select([*KEPT, *computed], source.where(_JOBS.c.id.in_(ids))))
    session.execute(delete(_JOBS).where(_JOBS.c.id.in_(ids)))
    refresh_domains(session, domain_ids.values())
    batches = Counter(None if job.batch_id is None else batch_key(job.batch_id) for job in found)
    count_runs_in(session, {RunGroup(batch, status, None, None): number for batch, number in batches.items()})
    return ids
