"""The end of a claimed job: its run is stored, or the job is requeued.

The first matching line applies:

| the test | the job was stopped because | action |
| --- | --- | --- |
| has a result | its claim was lost | left to the other worker |
| has a result | (any other reason, or not stopped) | the run is stored |
| has no result | it was canceled | a canceled run is stored |
| has no result | this worker stops or has no network | requeued; the start does not count as an attempt |
| has no result | its process did not start | requeued; the start does not count as an attempt |
| has no result | (its process ended) | requeued, or failed after the last attempt |
| has no result | its claim was lost | left to the other worker |
"""

import logging

from sqlalchemy.orm import Session

from gonemaster_db.core.connection.failures import reason_of, refuses_content
from gonemaster_db.core.errors import (
    JobStateError,
    ReferenceGone,
    StoreConflict,
    StoreError,
    StoreOutdated,
    StoreUnavailable,
)
from gonemaster_db.core.records import RunRecord
from gonemaster_db.core.states import RunStatus
from gonemaster_db.models import Job, Run
from gonemaster_db.queue.attempt_logs import add_attempt_log
from gonemaster_db.runs.graduation import requeue_job
from gonemaster_engine.texts import Text
from gonemaster_tasks.queues import BATCH
from gonemaster_tasks.worker.execute.claims import Claim
from gonemaster_tasks.worker.execute.process import Process
from gonemaster_tasks.worker.execute.retries import retry_pauses
from gonemaster_tasks.worker.execute.running import Stop
from gonemaster_tasks.worker.execute.testing import publish

log = logging.getLogger(__name__)

# Errors of the database, not of the result: conflicts, timeouts, a full disk, a referenced row that was deleted in the
# meantime (the next attempt writes or omits it), tables that are being migrated.
_MOMENTARY = (StoreUnavailable, StoreConflict, ReferenceGone, StoreOutdated)
_MAX_REFUSALS = 2
_MAX_UNKNOWN_ERRORS = 8  # half a minute, including the pauses between attempts


def finish_job(process: Process, claim: Claim, record: RunRecord | None) -> bool:
    """Store the run or requeue the job; return False if the claim was lost and nothing was written."""
    running = claim.running
    if record is None and running.stopped is Stop.CANCELED:
        record = RunRecord(RunStatus.CANCELED, process.clock.now(), error="canceled")
    if record is not None and running.stopped is not Stop.LOST:
        return _graduate(process, claim, record)
    if running.stopped in (Stop.DRAINED, Stop.OFFLINE, Stop.UNSTARTED) or (running.failure and running.stopped is None):
        _requeue(process, claim)
        return True
    log.warning("result dropped: the lease was lost", extra={"job_id": claim.job.id})
    return False


def _graduate(process: Process, claim: Claim, record: RunRecord) -> bool:
    """Store the run; return False if the claim was lost.

    After a database error the result is kept and retried after a pause. Only a result that the database rejects
    repeatedly, and for the result's own fault, becomes a failed run with the reason.
    """
    job_id, refusals = claim.job.id, 0
    for pause_s in retry_pauses():
        try:
            lines = process.lines.of(job_id)
            expected = process.jobs.count() if claim.running.tier == BATCH else 1
            attempt = claim.running.attempt
            status = process.claims.graduate(job_id, record, attempt=attempt, lines=lines, expected=expected)
        except JobStateError:
            log.info("result dropped: the job is no longer claimed by this worker", extra={"job_id": job_id})
            return False
        except _MOMENTARY as error:
            log.warning("result kept: the database is unavailable", extra={"job_id": job_id, "error": str(error)})
        except Exception as error:
            refusals += 1
            log.exception("result refused", extra={"job_id": job_id, "refusals": refusals})
            if refusals >= (_MAX_REFUSALS if refuses_content(error) else _MAX_UNKNOWN_ERRORS):
                reason = Text("graduation failed: {reason}", reason=reason_of(error))
                record = RunRecord(RunStatus.FAILED, process.clock.now(), error=reason)
        else:
            log.debug("test ended", extra={"status": str(status)})
            publish(process, claim.running, "done", {"status": str(status)})
            return True
        claim.running.has_result = True  # The heartbeat reports it: the lease cannot be renewed either.
        if process.given_up.wait(pause_s):
            break
    log.error("stopped while the database is unavailable: another worker repeats the job", extra={"job_id": job_id})
    return True


def _requeue(process: Process, claim: Claim) -> None:
    """Requeue the job; the start counts as an attempt only if it failed, and the last attempt ends the job."""
    job_id, failure = claim.job.id, claim.running.failure if claim.running.stopped is None else ""
    now, attempt = process.clock.now(), claim.running.attempt

    def requeue(session: Session) -> Job | Run:
        left = requeue_job(
            session,
            job_id,
            worker=process.name,
            attempt=attempt,
            now=now,
            max_attempts=process.settings.max_attempts,
            released=not failure,
            failure=failure,
        )
        if failure:
            lines = process.lines.of(job_id)
            add_attempt_log(session, job_id, attempt=attempt, worker=process.name, ended_at=now, lines=lines)
        return left

    try:
        left = process.store.run_in_transaction(requeue)
    except StoreError as error:
        log.warning("job not requeued: its lease will expire", extra={"job_id": job_id, "error": str(error)})
        return
    if isinstance(left, Job):
        process.head_order.put_back(job_id, claim.running.tier)
        publish(process, claim.running, "state", {"status": "queued", "progress": 0})
    else:
        publish(process, claim.running, "done", {"status": str(left.status)})
