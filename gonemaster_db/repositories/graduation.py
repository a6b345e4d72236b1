"""The end of a job: it becomes a run of the same id, or goes back to the queue."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any, cast

from sqlalchemy import ColumnElement, RowMapping, Table, and_, bindparam, case, delete, literal, or_, select, update
from sqlalchemy import insert as plain_insert
from sqlalchemy.orm import Session, make_transient_to_detached

from gonemaster_db.bulk import insert_rows
from gonemaster_db.chunks import chunks
from gonemaster_db.errors import JobStateError
from gonemaster_db.json_text import clean_text, dump_json
from gonemaster_db.levels import count_severities, worst
from gonemaster_db.models import DnssecChain, Domain, EffectiveProfile, Entry, Job, JobStatus, Run, RunStatus
from gonemaster_db.models.jobs import WAITING
from gonemaster_db.records import RunRecord
from gonemaster_db.repositories.domains import ensure_domains, refresh_domains
from gonemaster_db.repositories.jobs import find_job_or_run
from gonemaster_db.repositories.tags import tag_domains
from gonemaster_db.upsert import insert, insert_into

_JOBS = cast("Table", Job.__table__)
_CHUNK = 5000
_KEPT = (
    "id", "public_id", "domain", "batch_id", "priority", "created_at", "started_at", "attempt", "worker",
    "profile", "profile_id", "profile_name", "config",
)  # fmt: skip  # columns that a run has from its job
_COUNTS = ("sev_notice", "sev_warning", "sev_error", "sev_critical", "entry_count")
_RUNS = cast("Table", Run.__table__)
_INSERT_RUN = plain_insert(_RUNS).returning(_RUNS.c.begun_at, _RUNS.c.sev_severe, _RUNS.c.worst_rank)
_KNOWN_PROFILE = select(EffectiveProfile.digest).where(EffectiveProfile.digest == bindparam("wanted"))
_TAKE_CLAIMED = (
    delete(_JOBS)
    .where(
        _JOBS.c.id == bindparam("claimed"),
        _JOBS.c.status == JobStatus.RUNNING,
        _JOBS.c.worker == bindparam("claimant"),
        _JOBS.c.attempt == bindparam("number"),
    )
    .returning(*_JOBS.c)
)
_ENTRY = ("run_id", "domain_id", "timestamp", "module", "testcase", "tag", "level", "args")


def graduate_job(session: Session, job_id: str, *, worker: str, attempt: int, record: RunRecord) -> Run:
    """Replace a running job by its run and entries.

    A repeated call of the same claim returns the run of the first, so it may follow a commit of unknown outcome.

    Raises:
        JobStateError: the claim is no longer that of this worker and attempt; nothing is written.
    """
    session.flush()
    claim = {"claimed": job_id, "claimant": worker, "number": attempt}
    job = session.connection().execute(_TAKE_CLAIMED, claim).mappings().one_or_none()
    if job is None:
        return _own_run(session, job_id, worker, attempt)
    return _write_run(session, job, record)


def fail_job(
    session: Session,
    job_id: str,
    *,
    error: str,
    now: datetime,
    worker: str | None = None,
    attempt: int | None = None,
) -> Run:
    """End a job of any state as a failed run; with `worker` and `attempt` only if the claim is still theirs.

    Raises:
        JobNotFound: no such job.
        JobStateError: the claim is no longer theirs, or the job has ended.
    """
    claim = () if worker is None or attempt is None else _claimed_by(worker, attempt)
    job = _take(session, Job.id == job_id, *claim)
    if job is None:
        raise _lost(session, job_id)
    return _write_run(session, job, RunRecord(RunStatus.FAILED, now, error=error))


def requeue_job(
    session: Session,
    job_id: str,
    *,
    worker: str,
    attempt: int,
    now: datetime,
    max_attempts: int,
    released: bool = False,
) -> Job | Run:
    """Put a running job back to its place in the queue, after a lost lease or (`released`) by its own worker.

    With a cancel request it becomes a canceled run; after `max_attempts` starts (those that were released do not
    count) a failed one, error `abandoned after <n> attempts`.

    Raises:
        JobNotFound: no such job.
        JobStateError: the claim is no longer that of this worker and attempt, or its lease was renewed.
    """
    claim: tuple[ColumnElement[bool], ...] = (Job.id == job_id, *_claimed_by(worker, attempt))
    if not released:
        claim = (*claim, Job.lease_until <= now)  # renewed since it was found: its worker lives
    if canceled := _take(session, *claim, Job.cancel_requested_at.is_not(None)):
        return _write_run(session, canceled, RunRecord(RunStatus.CANCELED, now, error="canceled"))
    exhausted = Job.attempt - Job.releases >= max_attempts
    if not released and (job := _take(session, *claim, exhausted)):
        error = f"abandoned after {job['attempt'] - job['releases']} attempts"
        return _write_run(session, job, RunRecord(RunStatus.FAILED, now, error=error))
    return _back_to_queue(session, job_id, claim, released=released)


def request_cancel(session: Session, job_id: str, *, now: datetime, error: str = "canceled") -> Job | Run:
    """Cancel a waiting job at once (the run is returned) or mark a running one (the job is returned).

    A finished run is returned unchanged. Raises JobNotFound.
    """
    for _ in range(10):  # between two statements the job may change its state once more
        if waiting := _take(session, Job.id == job_id, Job.status.in_(WAITING)):
            return _write_run(session, waiting, RunRecord(RunStatus.CANCELED, now, error=error))
        if running := _mark_canceled(session, job_id, now):
            return running
        found = find_job_or_run(session, job_id)
        if isinstance(found, Run):
            return found
    raise JobStateError(f"job {job_id} changes its state too quickly")


def cancel_waiting_jobs(
    session: Session, job_ids: Sequence[str], *, now: datetime, error: str = "canceled"
) -> list[str]:
    """Graduate those of the jobs that wait (queued, paused) as canceled; returns their ids, sorted."""
    ended: list[str] = []
    for chunk in chunks(sorted(set(job_ids)), _CHUNK):
        ended += _end_waiting(session, Job.id.in_(chunk), RunStatus.CANCELED, error, now)
    return ended


def expire_jobs(session: Session, *, now: datetime, limit: int) -> list[str]:
    """Graduate waiting jobs whose `expires_at` has passed as expired; returns their ids."""
    due = session.scalars(
        select(Job.id)
        .where(Job.expires_at <= now, Job.status.in_(WAITING))
        .order_by(Job.expires_at)
        .limit(min(limit, _CHUNK))
    ).all()
    return _end_waiting(session, Job.id.in_(due), RunStatus.EXPIRED, "expired", now) if due else []


def _claimed_by(worker: str, attempt: int) -> tuple[ColumnElement[bool], ...]:
    return Job.status == JobStatus.RUNNING, Job.worker == worker, Job.attempt == attempt


def _take(session: Session, *conditions: ColumnElement[bool]) -> RowMapping | None:
    """Delete the job and return its row: this one statement decides who ends it."""
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


def _back_to_queue(session: Session, job_id: str, claim: tuple[ColumnElement[bool], ...], *, released: bool) -> Job:
    job: Job | None = session.scalar(
        update(Job)
        .where(*claim)
        .values(
            status=JobStatus.QUEUED,
            worker=None,
            lease_until=None,
            started_at=None,
            progress=0,
            releases=Job.releases + int(released),
        )
        .returning(Job),
        execution_options={"populate_existing": True, "synchronize_session": False},
    )
    if job is None:
        raise _lost(session, job_id)
    return job


def _own_run(session: Session, job_id: str, worker: str, attempt: int) -> Run:
    found = find_job_or_run(session, job_id)
    if isinstance(found, Run) and (found.worker, found.attempt) == (worker, attempt):
        return found
    raise JobStateError(f"job {job_id} is {found.status}, claim {attempt} of {worker} is over")


def _lost(session: Session, job_id: str) -> JobStateError:
    return JobStateError(f"job {job_id} is {find_job_or_run(session, job_id).status}")


def _write_run(session: Session, job: RowMapping, record: RunRecord) -> Run:
    levels = [entry.level for entry in record.entries]
    found = {
        "status": record.status,
        "finished_at": record.finished_at,
        "worst_level": worst(levels),
        "score": record.score,
        "grade": record.grade,
    }
    domain_id = _update_domain(session, job, found)
    values = {name: job[name] for name in _KEPT} | found
    values |= {f"sev_{level.lower()}": number for level, number in count_severities(levels).items()}
    values |= {
        "domain_id": domain_id,
        "duration_ms": _duration_ms(job["started_at"], record.finished_at),
        "error": clean_text(record.error),
        "entry_count": len(levels),
        "effective_profile_digest": _keep_profile(session, record),
        "nameserver_timings": record.nameserver_timings,
    }
    values |= session.connection().execute(_INSERT_RUN, values).mappings().one()
    _write_details(session, job["id"], domain_id, record)
    tag_domains(session, job["config"].get("tags", ()), [domain_id], now=record.finished_at)
    return _stored_run(session, values)


def _stored_run(session: Session, values: Mapping[str, Any]) -> Run:
    """Give the row that was just inserted as an object, without reading it again."""
    run = Run(**values)
    make_transient_to_detached(run)
    session.add(run)
    return run


def _write_details(session: Session, run_id: str, domain_id: int, record: RunRecord) -> None:
    rows = (
        (run_id, domain_id, entry.timestamp, entry.module, entry.testcase, entry.tag, entry.level, entry.args)
        for entry in record.entries
    )
    if record.entries:
        insert_rows(session, Entry, _ENTRY, rows)
    if record.dnssec_chain is not None:
        session.add(DnssecChain(run_id=run_id, chain=dict(record.dnssec_chain)))


def _update_domain(session: Session, job: RowMapping, found: Mapping[str, Any]) -> int:
    """Find or make the domain and let it show this run, unless a newer one is shown."""
    row = {
        "name": job["domain"],
        "created_at": found["finished_at"],
        "run_count": 1,
        "latest_run_id": job["id"],
        "latest_run_at": found["finished_at"],
        "latest_status": found["status"],
        "latest_level": found["worst_level"],
        "latest_score": found["score"],
        "latest_grade": found["grade"],
    }
    connection = session.connection()
    domain_id: int = connection.execute(_domain_upsert(connection.dialect.name), row).scalar_one()
    return domain_id


@cache
def _domain_upsert(dialect: str) -> Any:
    """Make the statement once: to build it costs more than to run it."""
    statement = insert_into(dialect, Domain)
    new = statement.excluded
    shown = or_(
        Domain.latest_run_id.is_(None),
        Domain.latest_run_at < new.latest_run_at,
        and_(Domain.latest_run_at == new.latest_run_at, Domain.latest_run_id < new.latest_run_id),
    )
    latest = ("latest_run_id", "latest_run_at", "latest_status", "latest_level", "latest_score", "latest_grade")
    columns = {name: case((shown, new[name]), else_=getattr(Domain, name)) for name in latest}
    return statement.on_conflict_do_update(
        index_elements=[Domain.name], set_={"run_count": Domain.run_count + 1, **columns}
    ).returning(Domain.id)


def _keep_profile(session: Session, record: RunRecord) -> str | None:
    """Store the profile unless it is known; most runs share one."""
    profile = record.effective_profile
    if profile is None:
        return None
    document = profile if isinstance(profile, str) else dump_json(profile)
    digest = hashlib.sha256(document.encode()).hexdigest()
    if session.connection().execute(_KNOWN_PROFILE, {"wanted": digest}).first() is None:
        row = {"digest": digest, "document": document, "created_at": record.finished_at}
        session.execute(insert(session, EffectiveProfile).on_conflict_do_nothing(), row)
    return digest


def _duration_ms(started_at: datetime | None, finished_at: datetime) -> int | None:
    """Whole milliseconds, never negative: clocks of two machines may disagree."""
    if started_at is None:
        return None
    return max(0, round((finished_at - started_at).total_seconds() * 1000))


def _end_waiting(
    session: Session, chosen: ColumnElement[bool], status: RunStatus, error: str, now: datetime
) -> list[str]:
    """Graduate many waiting jobs by a few statements, whatever their number."""
    session.flush()
    waiting = select(Job.id, Job.domain).where(chosen, Job.status.in_(WAITING)).order_by(Job.id).with_for_update()
    found = session.execute(waiting).all()
    ids = [job_id for job_id, _ in found]
    if not ids:
        return []
    domain_ids = ensure_domains(session, (domain for _, domain in found), now=now)
    made = {
        "domain_id": Domain.id,
        "status": literal(status, Run.status.type),
        "finished_at": literal(now, Run.finished_at.type),
        "error": literal(error, Run.error.type),
        **{name: literal(0) for name in _COUNTS},
    }
    source = select(*(_JOBS.c[name] for name in _KEPT), *made.values()).join(Domain, Domain.name == _JOBS.c.domain)
    session.execute(plain_insert(Run).from_select([*_KEPT, *made], source.where(_JOBS.c.id.in_(ids))))
    session.execute(delete(_JOBS).where(_JOBS.c.id.in_(ids)))
    refresh_domains(session, domain_ids.values())
    return ids
