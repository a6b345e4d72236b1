"""The test of a claimed job, in the event loop of the process or alone, and the events published in the meantime."""

import logging
import time
from collections.abc import Mapping
from functools import partial
from typing import Any

from gonemaster_db.core.records import EntryRecord, RunRecord
from gonemaster_db.core.states import RunStatus
from gonemaster_engine.findings.verdict import verdict_of
from gonemaster_engine.scoring.rule import RULE_VERSION
from gonemaster_engine.texts import text_of
from gonemaster_tasks.broker.events import FOUND, JobEvent
from gonemaster_tasks.control.jobs import RUN_UNTIL
from gonemaster_tasks.queues import BATCH, CHECK, NORMAL
from gonemaster_tasks.tracing import span
from gonemaster_tasks.worker.execute.claims import Claim
from gonemaster_tasks.worker.execute.isolation import IsolatedProcessEnded, IsolatedProcessLost, IsolatedRunFailed
from gonemaster_tasks.worker.execute.process import Process
from gonemaster_tasks.worker.execute.runner import Listeners, RunOutcome, TestOrder
from gonemaster_tasks.worker.execute.running import RunningJob, Stop

log = logging.getLogger(__name__)

_PROGRESS_EVERY_S = 0.5
_MIN_LIMIT_S = 0.1
NO_NETWORK = "no_network"


def publish(process: Process, running: RunningJob, kind: str, data: dict[str, Any]) -> None:
    """Post an event; events of batch jobs are sent only while a client reads them, as a sweep would fill Redis."""
    is_optional = running.tier == BATCH or kind == FOUND
    process.publisher.post(running.job_id, JobEvent(kind, data), if_watched=is_optional)


def test_domain(process: Process, claim: Claim) -> RunRecord | None:
    """Run the test; return None if it was stopped or its process ended (see `failure` of the job)."""
    job = claim.job
    try:
        with span("run", domain=job.domain):
            outcome = _outcome(process, claim)
    except IsolatedProcessEnded as error:
        log.warning("the process of a job ended", extra={"job_id": job.id, "starts": job.starts, "error": str(error)})
        claim.running.failure = text_of(error)
        return None
    except IsolatedProcessLost:
        log.warning("the process of a job did not start", extra={"job_id": job.id, "starts": job.starts})
        claim.running.stop(Stop.UNSTARTED)
        return None
    except IsolatedRunFailed as error:
        log.warning("the engine failed in the process of a job", extra={"job_id": job.id, "error": str(error)})
        return RunRecord(RunStatus.FAILED, process.clock.now(), error=str(error))
    except Exception as error:
        log.exception("the engine failed", extra={"job_id": job.id, "batch_id": job.batch_id})
        text = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        return RunRecord(RunStatus.FAILED, process.clock.now(), error=text)
    if outcome is None:
        return None
    verdict = verdict_of(outcome.entries)
    has_network = verdict is None or not verdict.is_of_the_tester
    if process.network.invalidates(outcome, has_verdict=not has_network):
        claim.running.stop(Stop.OFFLINE)
        return None
    return _record(process, outcome, has_network=has_network)


def _outcome(process: Process, claim: Claim) -> RunOutcome | None:
    """Test in the shared event loop, or from the second start on in a separate process."""
    job, running = claim.job, claim.running
    is_urgent, policy = running.tier != BATCH, _policy_document(process, job.config)
    limit_s = _limit_s(process, claim)
    order = TestOrder(job.id, job.domain, job.config, job.profile, limit_s, is_urgent=is_urgent, policy=policy)
    listeners = _listeners(process, running)
    if job.starts > 1:
        return process.isolation.run(order, running, listeners, settings=process.settings, gate=process.gate)
    return process.loop.run(running, process.runner.run(order, listeners))


def _policy_document(process: Process, config: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the document of the policy of a job; None without a policy, or for one of another release."""
    reference = config.get("policy")
    policy = process.policies.get(process.store, reference) if reference else None
    return policy.as_dict() if policy else None


def _limit_s(process: Process, claim: Claim) -> float:
    """Return the time limit of a run; a check ends before its client stops waiting for the result."""
    limit_s = float(process.settings.job_timeout_seconds)
    end = claim.job.config.get(RUN_UNTIL) if claim.running.tier == CHECK else None  # A rerun has no such client.
    return limit_s if end is None else max(_MIN_LIMIT_S, min(limit_s, end - process.clock.timestamp()))


def _record(process: Process, outcome: RunOutcome, *, has_network: bool) -> RunRecord:
    """Return the record of a run. A run without a network fails, because it says nothing about the domain."""
    return RunRecord(
        RunStatus.SUCCEEDED if has_network else RunStatus.FAILED,
        process.clock.now(),
        error="" if has_network else NO_NETWORK,
        entries=outcome.entries,
        effective_profile=outcome.effective_profile,
        nameserver_timings=outcome.nameserver_timings,
        dnssec_chain=outcome.dnssec_chain,
        score=outcome.score,
        grade=outcome.grade,
        verdict=outcome.verdict,
        causes=outcome.causes if has_network else None,
        score_rule=None if outcome.score is None else RULE_VERSION,
    )


def _listeners(process: Process, running: RunningJob) -> Listeners:
    """Create the callbacks that publish progress, unless in a batch entries, and of normal jobs what they found."""
    published_at = 0.0

    def on_progress(percent: int) -> None:
        nonlocal published_at
        running.progressed_at = time.monotonic()
        if running.progressed_at - published_at >= _PROGRESS_EVERY_S:
            published_at = running.progressed_at
            publish(process, running, "progress", {"progress": percent})

    def on_entry(entry: EntryRecord) -> None:
        running.progressed_at = time.monotonic()
        if running.tier != BATCH:
            publish(process, running, "entry", _as_event(entry))

    def on_found(found: Mapping[str, Any]) -> None:
        publish(process, running, FOUND, dict(found))

    on_stall = partial(process.gate.yield_slot, running.job_id, runs_on=True)
    found = on_found if running.tier == NORMAL else None
    return Listeners(on_progress, on_entry, on_stall, found, partial(process.lines.add, running.job_id))


def _as_event(entry: EntryRecord) -> dict[str, Any]:
    return {
        "timestamp": entry.timestamp,
        "module": entry.module,
        "testcase": entry.testcase,
        "tag": entry.tag,
        "level": entry.level,
        "args": dict(entry.args),
    }
