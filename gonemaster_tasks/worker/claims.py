"""The claim store: claims and results of the jobs of one process, grouped into transactions."""

import logging
from collections.abc import Sequence
from datetime import timedelta

from gonemaster_db.errors import JobStateError, StoreConflict, StoreUnavailable
from gonemaster_db.models.runs import RunStatus
from gonemaster_db.repositories.graduation import Finished, graduate_jobs
from gonemaster_db.repositories.jobs import ClaimedJob, claim_jobs
from gonemaster_db.session import Store
from gonemaster_tasks.broker.clock import SharedClock
from gonemaster_tasks.worker.group_commit import GroupCommit

log = logging.getLogger(__name__)

_MAX_GROUP = 32  # bounds how long a transaction takes, and so the wait of who comes next
_UNAVAILABLE = (StoreUnavailable, StoreConflict)  # of the database, not of the job: the same call may succeed later


class ClaimStore:
    """Writes claims and results for the slots of a process. Safe in threads; a lone call does not wait."""

    def __init__(self, store: Store, *, worker: str, clock: SharedClock, lease: timedelta) -> None:
        self._store = store
        self._worker = worker
        self._clock = clock
        self._lease = lease
        self._claims: GroupCommit[str, ClaimedJob | None] = GroupCommit(self._claim_all, max_group=_MAX_GROUP)
        self._ends: GroupCommit[Finished, RunStatus] = GroupCommit(self._graduate_all, max_group=_MAX_GROUP)

    @property
    def pending(self) -> int:
        """Calls that are not answered yet."""
        return self._claims.pending + self._ends.pending

    def claim(self, job_id: str) -> ClaimedJob | None:
        """Claim a job; None if it may not start (any more).

        Raises:
            StoreUnavailable, StoreConflict: the database does not answer; nothing is known.
        """
        return self._claims.submit(job_id)

    def graduate(self, finished: Finished) -> RunStatus:
        """Replace a job by its run; returns the state of the run. May be repeated.

        Raises:
            JobStateError: the claim is over; nothing is written.
            StoreUnavailable, StoreConflict: the database does not answer; nothing is known.
        """
        return self._ends.submit(finished)

    def _claim_all(self, job_ids: Sequence[str]) -> list[ClaimedJob | None]:
        """Claim by one statement that commits by itself."""
        with self._store.autocommit() as session:
            jobs = claim_jobs(session, job_ids, worker=self._worker, now=self._clock.now(), lease=self._lease)
        # The UPDATE decides the race: of two workers with the same message one gets the row, the other nothing.
        claimed = {job.id: job for job in jobs}
        return [claimed.pop(job_id, None) for job_id in job_ids]  # once, if it was asked for twice

    def _graduate_all(self, group: Sequence[Finished]) -> list[RunStatus | Exception]:
        """Graduate a group together, or one by one if the database refuses it for the sake of one of them."""
        try:
            return self._graduated(group)
        except _UNAVAILABLE:
            raise
        except Exception as error:
            if len(group) == 1:
                raise
            log.warning("results refused together, stored one by one", extra={"jobs": len(group), "error": str(error)})
        return [self._graduated_alone(finished) for finished in group]

    def _graduated(self, group: Sequence[Finished]) -> list[RunStatus | Exception]:
        ended = self._store.run_in_transaction(lambda session: graduate_jobs(session, group, worker=self._worker))
        return [
            ended.get((one.job_id, one.attempt)) or JobStateError(f"claim {one.attempt} of {one.job_id} is over")
            for one in group
        ]

    def _graduated_alone(self, finished: Finished) -> RunStatus | Exception:
        try:
            return self._graduated([finished])[0]
        except Exception as error:  # noqa: BLE001  # its own thread raises it, the others of the group go on
            return error
