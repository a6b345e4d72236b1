"""The path of a job from its message to its run: which messages are claimed, requeued or dropped.

The first matching line applies:

| when | condition | action |
| --- | --- | --- |
| before the claim | the database does not answer | requeued |
| | the tier is paused, the limit is exceeded, the worker stops or has no network | requeued in order |
| | another slot of this process has the job | dropped |
| claim | the row is queued and due; it is now running | claimed: the domain is tested |
| no claim | the database does not answer | requeued, unless `Unclaimed` has done so |
| | the row is still queued and due: the tier is paused, or the worker stops | requeued in order |
| | the row is missing, held, expired or ended, or runs elsewhere | dropped |
| end of the run | the result was stored, or the job requeued | dropped |
| | the claim was lost, and the row is queued and due again | requeued in order |
| | the claim was lost, and the row is not due | dropped |

A requeued message is the next one of its tier; "in order" also sorts the first messages by their rows, which needs the
database. Celery acknowledges a dropped message when `run_job` returns: its job no longer needs it.
"""

import enum
import logging
from contextlib import AbstractContextManager, suppress

from structlog.contextvars import bound_contextvars

from gonemaster_db.core.errors import StoreConflict, StoreUnavailable
from gonemaster_db.queue.jobs import ClaimedJob, is_due
from gonemaster_db.queue.pauses import is_paused
from gonemaster_tasks.errors import BrokerUnavailable
from gonemaster_tasks.maintenance.losses import record_lost_jobs
from gonemaster_tasks.tracing import span
from gonemaster_tasks.worker.execute.claims import Claim
from gonemaster_tasks.worker.execute.finish import finish_job
from gonemaster_tasks.worker.execute.process import Process
from gonemaster_tasks.worker.execute.retries import retry_pauses
from gonemaster_tasks.worker.execute.runner import log_fields
from gonemaster_tasks.worker.execute.running import RunningJob, Stop
from gonemaster_tasks.worker.execute.task_events import announce_start
from gonemaster_tasks.worker.execute.testing import publish, test_domain

log = logging.getLogger(__name__)


class Action(enum.Enum):
    """The action for a message."""

    CLAIM = "claim"
    DROP = "drop"
    REQUEUE = "requeue"
    REQUEUE_IN_ORDER = "requeue in order"
    ASK_ROW = "ask row"  # Requeue in order if the row needs the message, else drop.


def run_job(process: Process, job_id: str, tier: str) -> None:
    """Test the domain of one job and store the run. Safe to deliver twice; errors of the job are not raised."""
    action = _check_message(process, job_id, tier)
    if action is Action.CLAIM:
        try:
            with bound_contextvars(job_id=job_id):
                action = _claim_and_run(process, RunningJob(job_id, tier))
        finally:
            process.gate.release(job_id)
    # After the slot is released: this process may take the message again immediately, and would drop it as a duplicate.
    if action is Action.ASK_ROW:
        action = Action.REQUEUE_IN_ORDER if _needs_message(process, job_id, tier) else Action.DROP
    if action is not Action.DROP:
        process.head_order.put_back(job_id, tier, in_order=action is Action.REQUEUE_IN_ORDER)


def _check_message(process: Process, job_id: str, tier: str) -> Action:
    """Decide on a message that is a duplicate, or that a running BRPOP took after the gate was closed."""
    if process.database.is_unavailable():
        return Action.REQUEUE
    if process.gate.paused(tier) or process.gate.over_limit() or process.stopping.is_set():
        return Action.REQUEUE_IN_ORDER
    return Action.CLAIM if process.gate.acquire(job_id, tier) else Action.DROP


def _claim_and_run(process: Process, running: RunningJob) -> Action:
    process.jobs.add(running)  # Added before the claim: a cancellation right after it must find the job.
    try:
        job = _claim(process, running.job_id)
        if job is None:
            return _without_claim(process, running)
        running.attempt = job.attempt
        if process.given_up.is_set():  # The other jobs were stopped before this one was claimed.
            running.stop(Stop.DRAINED)
        return Action.DROP if _run(process, Claim(job, running)) else Action.ASK_ROW
    finally:
        process.jobs.discard(running)


def _claim(process: Process, job_id: str) -> ClaimedJob | None:
    """Claim the job; return None if it may not start or the database does not answer."""
    for pause_s in retry_pauses():
        try:
            job = process.claims.claim(job_id)
        except StoreUnavailable as error:  # Not retried here: a worker whose database answers takes the message next.
            process.database.record_refusal()
            log.warning("not claimed: the database is unavailable", extra={"job_id": job_id, "error": str(error)})
            return None
        except StoreConflict as error:
            log.warning("claim deferred: the database is busy", extra={"job_id": job_id, "error": str(error)})
        except Exception:  # Any error: the job must not lose its message.
            log.exception("claim deferred", extra={"job_id": job_id})
        else:
            process.database.record_claim()
            return job
        if process.stopping.wait(pause_s):
            break
    return None


def _without_claim(process: Process, running: RunningJob) -> Action:
    process.jobs.discard(running)  # This comes first, so that `Unclaimed` no longer requeues the message.
    if not process.database.is_unavailable():
        return Action.ASK_ROW
    return Action.DROP if running.is_given_back else Action.REQUEUE


def _run(process: Process, claim: Claim) -> bool:
    """Test the domain of a claimed job and finish the job; return whether the claim was still held."""
    job, running = claim.job, claim.running
    announce_start(job.id, domain=job.domain, tier=running.tier, batch_id=job.batch_id)
    with bound_contextvars(**log_fields(job.batch_id, job.config)), _job_span(process, claim):
        publish(process, running, "state", {"status": "running", "progress": 0})
        log.debug("test begins", extra={"domain": job.domain, "attempt": running.attempt})
        process.lines.begin(job.id)
        try:
            return finish_job(process, claim, test_domain(process, claim))
        finally:
            process.lines.discard(job.id)


def _job_span(process: Process, claim: Claim) -> AbstractContextManager[None]:
    """Continue the trace of the request that submitted the job; each job of a batch has its own trace."""
    job, parent = claim.job, str(claim.job.config.get("traceparent", ""))
    about = {"job_id": job.id, "batch_id": job.batch_id, "attempt": job.attempt, "worker": process.name}
    return span("job", parent=parent, tier=claim.running.tier, **about)


def _needs_message(process: Process, job_id: str, tier: str) -> bool:
    """Return whether a job still needs its message; a pause that refused the claim holds the tier."""
    now = process.clock.now()
    try:
        with process.store.read_only() as session:
            # The row decides, not the pause, which may have ended by now.
            due, paused = is_due(session, job_id, now=now), is_paused(session, tier, now=now)
    except StoreUnavailable:
        due, paused = True, True  # An extra message is harmless.
    if not due:
        log.debug("job is no longer queued", extra={"job_id": job_id})
        with suppress(StoreUnavailable, BrokerUnavailable):
            record_lost_jobs(process.store, process.broker, [job_id])
        return False
    if paused:
        process.gate.record_pause(tier)
    return True
