"""Log lines of attempts that failed: the jobs are running again, have failed, or succeeded later."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from gonemaster_db.core.upsert import insert
from gonemaster_db.models import AttemptLog


def add_attempt_log(
    session: Session, job_id: str, *, attempt: int, worker: str, ended_at: datetime, lines: Sequence[str]
) -> None:
    """Store the lines of an attempt; a repeated call and a call without lines do nothing."""
    if lines:
        row = {"job_id": job_id, "attempt": attempt, "worker": worker, "ended_at": ended_at, "lines": list(lines)}
        session.execute(insert(session, AttemptLog).values(row).on_conflict_do_nothing())


def list_attempt_logs(session: Session, job_id: str) -> Sequence[AttemptLog]:
    """Return the stored attempts of a job, the first attempt first."""
    return session.scalars(select(AttemptLog).where(AttemptLog.job_id == job_id).order_by(AttemptLog.attempt)).all()


def purge_attempt_logs(session: Session, *, ended_before: datetime) -> None:
    """Remove the lines of old attempts."""
    session.execute(
        delete(AttemptLog).where(AttemptLog.ended_at < ended_before),
        execution_options={"synchronize_session": False},
    )
