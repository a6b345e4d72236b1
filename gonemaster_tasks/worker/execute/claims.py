"""The claim store: claims and results of the jobs of one process."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy.orm import Session

from gonemaster_db.core.errors import StoreUnavailable
from gonemaster_db.core.records import RunRecord
from gonemaster_db.core.session import Store
from gonemaster_db.core.states import RunStatus
from gonemaster_db.queue.attempt_logs import add_attempt_log
from gonemaster_db.queue.jobs import ClaimedJob, claim_jobs
from gonemaster_db.runs.graduation import AttemptResult, graduate_jobs
from gonemaster_tasks.broker.clock import SharedClock
from gonemaster_tasks.control.grouping import Groups
from gonemaster_tasks.worker.execute.running import RunningJob

_MAX_GROUP = 32
_GATHERING = timedelta(milliseconds=100)


@dataclass(frozen=True)
class Claim:
    """A job that this process holds until its lease ends."""

    job: ClaimedJob
    running: RunningJob


@dataclass(frozen=True)
class _Ended:
    """The result of a job, and the log lines to store if it failed."""

    result: AttemptResult
    lines: Sequence[str]


class ClaimStore:
    """Writes claims and results for the slots of a process. Thread-safe.

    Slots that claim or store results at the same time share a statement or a transaction. A result that is not urgent
    waits up to `gathering` for others.
    """

    def __init__(
        self, store: Store, *, worker: str, clock: SharedClock, lease: timedelta, gathering: timedelta = _GATHERING
    ) -> None:
        self._store = store
        self._worker = worker
        self._clock = clock
        self._lease = lease
        self._gathering_s = gathering.total_seconds()
        self._claiming: Groups[str, ClaimedJob | None] = Groups(maximum=_MAX_GROUP)
        self._ending: Groups[_Ended, RunStatus] = Groups(maximum=_MAX_GROUP)
        self._counting = threading.Lock()
        self.started = 0  # claims so far

    def claim(self, job_id: str) -> ClaimedJob | None:
        """Claim a job; return None if it may not start (any more).

        Raises:
            StoreUnavailable, StoreConflict: the database does not answer; the outcome is unknown.
        """
        job = self._claiming.do(job_id, self._claim)
        if job is not None:
            with self._counting:
                self.started += 1
        return job

    def _claim(self, job_ids: Sequence[str]) -> list[ClaimedJob | None]:
        # The UPDATE decides the race: of two workers with the same message, only one gets the row. It is not repeated
        # after a conflict: the caller waits first, and stops waiting when the process stops.
        with self._store.autocommit() as session:
            claimed = claim_jobs(session, job_ids, worker=self._worker, now=self._clock.now(), lease=self._lease)
        return [claimed.pop(job_id, None) for job_id in job_ids]

    def graduate(
        self, job_id: str, record: RunRecord, *, attempt: int, lines: Sequence[str] = (), expected: int = 1
    ) -> RunStatus:
        """Replace a job with its run, and store the log lines of a failed run; return the state of the run. Idempotent.

        `expected` is the number of results for which this one may wait a moment, itself included.

        Raises:
            JobStateError: the claim was lost; nothing is written.
            StoreUnavailable, StoreConflict: the database does not answer; the outcome is unknown.
        """
        ended = _Ended(AttemptResult(job_id, attempt, record), lines)
        wait_s = self._gathering_s if expected > 1 else 0.0
        return self._ending.do(ended, self._graduate, wait_s=wait_s, expected=expected)

    def _graduate(self, ended: Sequence[_Ended]) -> Sequence[RunStatus | BaseException]:
        """Store results in one transaction; if one of them cannot be stored, use one transaction per result."""
        try:
            return self._store.run_in_transaction(
                lambda session: self._stored(session, ended), attempts=5 if len(ended) == 1 else 1
            )
        except StoreUnavailable:
            raise
        except Exception:
            if len(ended) == 1:
                raise
        return [self._status_or_error(each) for each in ended]

    def _status_or_error(self, ended: _Ended) -> RunStatus | BaseException:
        try:
            (status,) = self._store.run_in_transaction(lambda session: self._stored(session, [ended]))
        except Exception as error:  # noqa: BLE001 - raised in the slot of the job
            return error
        return status

    def _stored(self, session: Session, ended: Sequence[_Ended]) -> Sequence[RunStatus | BaseException]:
        found = graduate_jobs(session, [each.result for each in ended], worker=self._worker)
        for each, status in zip(ended, found, strict=True):
            if status is RunStatus.FAILED:
                add_attempt_log(
                    session,
                    each.result.job_id,
                    attempt=each.result.attempt,
                    worker=self._worker,
                    ended_at=each.result.record.finished_at,
                    lines=each.lines,
                )
        return found
