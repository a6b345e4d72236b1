"""One job from its message to its run: claim, test, graduate."""

import logging
import time
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

from structlog.contextvars import bound_contextvars

from gonemaster_db.core.errors import (
    JobStateError,
    ReferenceGone,
    StoreConflict,
    StoreError,
    StoreOutdated,
    StoreUnavailable,
)
from gonemaster_db.core.failures import reason_of, refuses_content
from gonemaster_db.core.records import EntryRecord, RunRecord
from gonemaster_db.core.states import RunStatus
from gonemaster_db.models import Job
from gonemaster_db.queue.jobs import ClaimedJob, is_due
from gonemaster_db.queue.pauses import is_paused
from gonemaster_db.runs.graduation import requeue_job
from gonemaster_tasks.broker.events import JobEvent
from gonemaster_tasks.errors import BrokerUnavailable
from gonemaster_tasks.maintenance.losses import note_lost_jobs
from gonemaster_tasks.queues import NORMAL
from gonemaster_tasks.tracing import span
from gonemaster_tasks.worker.execute.isolation import IsolatedProcessEnded, IsolatedRunFailed
from gonemaster_tasks.worker.execute.process import Process
from gonemaster_tasks.worker.execute.runner import Listeners, Outcome, TestOrder, log_fields
from gonemaster_tasks.worker.execute.running import RunningJob, Stop
from gonemaster_tasks.worker.execute.task_events import announce_start

log = logging.getLogger(__name__)

_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 1.5  # so that work goes on within 2 s of the first answer
_PROGRESS_EVERY_S = 0.5
# Of the database, not of the result: conflicts, time-outs, a full disk, a row that the result refers to and that was
# deleted meanwhile (the next attempt writes it again, or finds none), tables that are being migrated.
_MOMENTARY = (StoreUnavailable, StoreConflict, ReferenceGone, StoreOutdated)
_MAX_REFUSALS = 2
_MAX_UNKNOWN_ERRORS = 8  # with the pauses between them half a minute


@dataclass(frozen=True)
class Claim:
    """A job that is ours until its lease ends."""

    job: ClaimedJob
    running: RunningJob


@dataclass(frozen=True)
class NotClaimed:
    """A job that may not start here; `is_given_back`: its message waits again already."""

    is_given_back: bool


def run_job(process: Process, job_id: str, tier: str) -> None:
    """Test the domain of one job and store the run. Safe to deliver twice; never raises for the job's sake."""
    # Taken by a BRPOP that was already waiting.
    if process.database.is_away():
        _put_back(process, job_id, tier, in_order=False)
        return
    if process.gate.paused(tier) or process.gate.over_limit() or process.stopping.is_set():
        _put_back(process, job_id, tier)
        return
    if not process.gate.acquire(job_id, tier):
        return
    try:
        with bound_contextvars(job_id=job_id):
            claim = _claim(process, job_id, tier)
            if isinstance(claim, Claim):
                announce_start(job_id, domain=claim.job.domain, tier=tier, batch_id=claim.job.batch_id)
                with bound_contextvars(**log_fields(claim.job.batch_id, claim.job.config)), _job_span(process, claim):
                    _work(process, claim)
    finally:
        process.gate.release(job_id)
    # After the release: this process may take the message again at once, and would drop it as one of a job in a slot.
    if isinstance(claim, NotClaimed):
        if process.database.is_away():
            if not claim.is_given_back:
                _put_back(process, job_id, tier, in_order=False)
        elif _is_still_due(process, job_id, tier):
            _put_back(process, job_id, tier)
    elif claim.running.dropped and _is_still_due(process, job_id, tier):
        # PostgreSQL has lost its claim, and left a row that waits: only this message can start it soon.
        _put_back(process, job_id, tier)


def _job_span(process: Process, claim: Claim) -> AbstractContextManager[None]:
    """Continue the trace of the request that submitted the job; jobs of a batch have traces of their own."""
    job, parent = claim.job, str(claim.job.config.get("traceparent", ""))
    about = {"job_id": job.id, "batch_id": job.batch_id, "attempt": job.attempt, "worker": process.name}
    return span("job", parent=parent, tier=claim.running.tier, **about)


def _claim(process: Process, job_id: str, tier: str) -> Claim | NotClaimed:
    """Claim the job, unless it may not start now or any more, or the database does not answer."""
    running = RunningJob(job_id, tier)
    process.jobs.add(running)
    job = _claimed(process, job_id)
    if job is None:
        process.jobs.discard(running)
        return NotClaimed(running.is_given_back)
    running.attempt = job.attempt
    if process.given_up.is_set():  # the others were stopped before this one was claimed
        running.stop(Stop.DRAINED)
    return Claim(job, running)


def _claimed(process: Process, job_id: str) -> ClaimedJob | None:
    pause_s = _FIRST_PAUSE_S
    while True:
        try:
            job = process.claims.claim(job_id)
        except StoreUnavailable as error:  # not tried again here: it is somebody's turn whose database answers
            process.database.note_refusal()
            log.warning("not claimed: the database is unavailable", extra={"job_id": job_id, "error": str(error)})
            return None
        except StoreConflict as error:
            log.warning("claim deferred: the database is busy", extra={"job_id": job_id, "error": str(error)})
        except Exception:  # whatever it is, the job must not lose its message for it
            log.exception("claim deferred", extra={"job_id": job_id})
        else:
            process.database.note_claim()
            return job
        if process.stopping.wait(pause_s):
            return None
        pause_s = min(_LONGEST_PAUSE_S, pause_s * 2)


def _is_still_due(process: Process, job_id: str, tier: str) -> bool:
    """Say whether a job that was not claimed needs its message; a pause that refused it holds the tier."""
    now = process.clock.now()
    try:
        with process.store.read_only() as session:
            # The row decides, not the pause: a pause that refused the claim may be over by now.
            due, paused = is_due(session, job_id, now=now), is_paused(session, tier, now=now)
    except StoreUnavailable:
        due, paused = True, True  # a message too many is harmless
    if not due:
        log.debug("job is not queued any more", extra={"job_id": job_id})
        with suppress(StoreUnavailable, BrokerUnavailable):
            note_lost_jobs(process.store, process.broker, [job_id])
        return False
    if paused:
        process.gate.note_pause(tier)
    return True


def _work(process: Process, claim: Claim) -> None:
    """Test, then bring the job to its end; the lease is renewed until it has one."""
    _publish(process, claim.running, "state", {"status": "running", "progress": 0})
    log.debug("test begins", extra={"domain": claim.job.domain, "attempt": claim.running.attempt})
    try:
        _finish(process, claim, _test(process, claim))
    finally:
        process.jobs.discard(claim.running)


def _publish(process: Process, running: RunningJob, kind: str, data: dict[str, Any]) -> None:
    """Post an event; those of batch jobs only go to who watches, a sweep would fill Redis with what nobody reads."""
    process.publisher.post(running.job_id, JobEvent(kind, data), if_watched=running.tier != NORMAL)


def _test(process: Process, claim: Claim) -> RunRecord | None:
    """Let the engine work; None if it was stopped."""
    job = claim.job
    limit_s, is_urgent = process.settings.job_timeout_seconds, claim.running.tier == NORMAL
    order = TestOrder(job.id, job.domain, job.config, job.profile, limit_s, is_urgent)
    try:
        outcome = _outcome(process, claim, order)
    except IsolatedRunFailed as error:
        return RunRecord(RunStatus.FAILED, process.clock.now(), error=str(error))
    except IsolatedProcessEnded as error:
        log.warning("the process of a job ended", extra={"job_id": job.id, "starts": job.starts, "error": str(error)})
        claim.running.failure = str(error)
        return None
    except Exception as error:
        log.exception("the engine failed", extra={"job_id": job.id, "batch_id": job.batch_id})
        return RunRecord(RunStatus.FAILED, process.clock.now(), error=_error_text(error))
    return None if outcome is None else _record(process, outcome)


def _outcome(process: Process, claim: Claim, order: TestOrder) -> Outcome | None:
    """Test in the event loop that all share, or in a process of its own; None if it was stopped."""
    with span("run", domain=order.domain):
        return _outcome_of_run(process, claim, order)


def _outcome_of_run(process: Process, claim: Claim, order: TestOrder) -> Outcome | None:
    listeners = _listeners(process, claim)
    if claim.job.starts > 1:
        return process.isolation.run(order, claim.running, listeners, settings=process.settings, gate=process.gate)
    return process.loop.run(claim.running, process.runner.run(order, listeners))


def _error_text(error: Exception) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def _record(process: Process, outcome: Outcome) -> RunRecord:
    return RunRecord(
        RunStatus.SUCCEEDED,
        process.clock.now(),
        entries=outcome.entries,
        effective_profile=outcome.effective_profile,
        nameserver_timings=outcome.nameserver_timings,
        dnssec_chain=outcome.dnssec_chain,
        score=outcome.score,
        grade=outcome.grade,
    )


def _listeners(process: Process, claim: Claim) -> Listeners:
    """Make the callbacks that publish how far the job is.

    Entries of batch jobs are not sent one by one: a sweep would fill Redis with what nobody watches.
    """
    running = claim.running
    published_at = 0.0

    def on_progress(percent: int) -> None:
        nonlocal published_at
        running.progressed_at = time.monotonic()
        if running.progressed_at - published_at >= _PROGRESS_EVERY_S:
            published_at = running.progressed_at
            _publish(process, running, "progress", {"progress": percent})

    def on_entry(entry: EntryRecord) -> None:
        running.progressed_at = time.monotonic()
        if running.tier == NORMAL:
            _publish(process, running, "entry", _as_event(entry))

    return Listeners(on_progress, on_entry, partial(process.gate.give_way, running.job_id))


def _as_event(entry: EntryRecord) -> dict[str, Any]:
    return {
        "timestamp": entry.timestamp,
        "module": entry.module,
        "testcase": entry.testcase,
        "tag": entry.tag,
        "level": entry.level,
        "args": dict(entry.args),
    }


def _finish(process: Process, claim: Claim, record: RunRecord | None) -> None:
    stopped = claim.running.stopped
    if record is not None and stopped is not Stop.LOST:
        _graduate(process, claim, record)
    elif stopped is Stop.CANCELED:
        _graduate(process, claim, RunRecord(RunStatus.CANCELED, process.clock.now(), error="canceled"))
    elif stopped is Stop.DRAINED:
        _give_back(process, claim)
    elif claim.running.failure:
        _give_back(process, claim, failure=claim.running.failure)
    else:
        claim.running.dropped = True
        log.warning("result dropped: the lease was lost", extra={"job_id": claim.job.id})


def _graduate(process: Process, claim: Claim, record: RunRecord) -> None:
    """Store the run. Whatever the database says, the result is kept and tried again, and a pause made in between.

    Only a result that it refuses by itself, alone and more than once, becomes a failed run with the reason.
    """
    job_id, pause_s, refusals = claim.job.id, _FIRST_PAUSE_S, 0
    while not process.given_up.is_set() or pause_s == _FIRST_PAUSE_S:
        try:
            status = process.claims.graduate(job_id, record, attempt=claim.running.attempt)
        except JobStateError:
            log.info("result dropped: the job is no longer claimed by this worker", extra={"job_id": job_id})
            claim.running.dropped = True
            return
        except _MOMENTARY as error:
            log.warning("result kept: the database is unavailable", extra={"job_id": job_id, "error": str(error)})
        except Exception as error:
            refusals += 1
            log.exception("result refused", extra={"job_id": job_id, "refusals": refusals})
            if refusals >= (_MAX_REFUSALS if refuses_content(error) else _MAX_UNKNOWN_ERRORS):
                record = RunRecord(
                    RunStatus.FAILED, process.clock.now(), error=f"graduation failed: {reason_of(error)}"
                )
        else:
            log.debug("test ended", extra={"status": str(status)})
            _publish(process, claim.running, "done", {"status": str(status)})
            return
        process.given_up.wait(pause_s)
        pause_s = min(_LONGEST_PAUSE_S, pause_s * 2)
    log.error("stopped while the database is unavailable: another worker repeats the job", extra={"job_id": job_id})


def _give_back(process: Process, claim: Claim, *, failure: str = "") -> None:
    """Queue the job again; this start counts as an attempt only if it was a failure, and the last one ends the job."""
    job_id = claim.job.id
    try:
        left = process.store.run_in_transaction(
            lambda session: requeue_job(
                session,
                job_id,
                worker=process.name,
                attempt=claim.running.attempt,
                now=process.clock.now(),
                max_attempts=process.settings.max_attempts,
                released=not failure,
                failure=failure,
            )
        )
    except StoreError as error:
        log.warning("job not returned to the queue: its lease will end", extra={"job_id": job_id, "error": str(error)})
        return
    if isinstance(left, Job):
        _put_back(process, job_id, claim.running.tier)
        _publish(process, claim.running, "state", {"status": "queued", "progress": 0})
    else:
        _publish(process, claim.running, "done", {"status": str(left.status)})


def _put_back(process: Process, job_id: str, tier: str, *, in_order: bool = True) -> None:
    """Put the message at the front; once all of a moment are there, they get the order of their rows if it is known."""
    try:
        process.broker.lists.put_back(job_id, tier)
    except BrokerUnavailable:
        log.warning("message not put back, it follows as soon as Redis answers", extra={"job_id": job_id})
        process.broker.reconciliation.post()
        return
    if in_order:
        process.head_order.restore(tier)
