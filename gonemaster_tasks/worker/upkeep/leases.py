"""Renewal of the leases of all jobs of a process, which also finds the jobs to stop."""

from datetime import timedelta

from sqlalchemy.orm import Session

from gonemaster_db.core.records import LeaseRenewal
from gonemaster_db.queue.jobs import renew_leases
from gonemaster_tasks.repeating import RepeatedTask
from gonemaster_tasks.worker.execute.process import Process
from gonemaster_tasks.worker.execute.running import Stop

_RETRY_S = 1.0  # reapers wait a little longer after the database was unavailable


class LeaseKeeper:
    """The task that renews leases. It runs three times per lease period, and every second after a failure."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._lease = timedelta(seconds=process.settings.lease_seconds)
        self._task = RepeatedTask("leases", self.renew, pause_s=self._lease.total_seconds() / 3, retry_s=_RETRY_S)

    def start(self) -> None:
        """Start the renewals."""
        self._task.start()

    def stop(self) -> None:
        """Stop the renewals. Call this only after the last job has ended."""
        self._task.stop()

    def renew(self) -> None:
        """Renew all leases once; stop jobs that were canceled and jobs that now belong to another worker."""
        ids = self._process.jobs.ids()
        if not ids:
            return
        # Use one statement for all jobs. A job whose lease is not renewed now belongs to another worker, and its result
        # would be a second run.
        answer = self._process.store.run_in_transaction(lambda session: self._renewed(session, ids))
        for job_id in answer.lost:
            self._process.jobs.stop(job_id, Stop.LOST)
        for job_id in answer.canceled:
            self._process.jobs.stop(job_id, Stop.CANCELED)

    def _renewed(self, session: Session, ids: tuple[str, ...]) -> LeaseRenewal:
        now = self._process.clock.now()
        return renew_leases(session, ids, worker=self._process.name, now=now, lease=self._lease)
