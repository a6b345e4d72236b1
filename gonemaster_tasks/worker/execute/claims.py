"""The claim store: claims and results of the jobs of one process."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy.orm import Session

from gonemaster_db.core.records import RunRecord
from gonemaster_db.core.session import Store
from gonemaster_db.core.states import RunStatus
from gonemaster_db.queue.attempt_logs import add_attempt_log
from gonemaster_db.queue.jobs import ClaimedJob, claim_job
from gonemaster_db.runs.graduation import graduate_job
from gonemaster_tasks.broker.clock import SharedClock
from gonemaster_tasks.worker.execute.running import RunningJob


@dataclass(frozen=True)
class Claim:
    """A job that this process holds until its lease ends."""

    job: ClaimedJob
    running: RunningJob


class ClaimStore:
    """Writes claims and results for the slots of a process. Thread-safe."""

    def __init__(self, store: Store, *, worker: str, clock: SharedClock, lease: timedelta) -> None:
        self._store = store
        self._worker = worker
        self._clock = clock
        self._lease = lease
        self._counting = threading.Lock()
        self.started = 0  # claims so far

    def claim(self, job_id: str) -> ClaimedJob | None:
        """Claim a job; return None if it may not start (any more).

        Raises:
            StoreUnavailable, StoreConflict: the database does not answer; the outcome is unknown.
        """
        # The UPDATE decides the race: of two workers with the same message, only one gets the row. It is not repeated
        # after a conflict: the caller waits first, and stops waiting when the process stops.
        with self._store.autocommit() as session:
            job = claim_job(session, job_id, worker=self._worker, now=self._clock.now(), lease=self._lease)
        if job is not None:
            with self._counting:
                self.started += 1
        return job

    def graduate(self, job_id: str, record: RunRecord, *, attempt: int, lines: Sequence[str] = ()) -> RunStatus:
        """Replace a job with its run, and store the log lines of a failed run; return the state of the run. Idempotent.

        Raises:
            JobStateError: the claim was lost; nothing is written.
            StoreUnavailable, StoreConflict: the database does not answer; the outcome is unknown.
        """

        def graduate(session: Session) -> RunStatus:
            status = graduate_job(session, job_id, worker=self._worker, attempt=attempt, record=record)
            if status is RunStatus.FAILED:
                ended_at = record.finished_at
                add_attempt_log(session, job_id, attempt=attempt, worker=self._worker, ended_at=ended_at, lines=lines)
            return status

        return self._store.run_in_transaction(graduate)
