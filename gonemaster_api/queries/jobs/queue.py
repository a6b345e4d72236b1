"""The queue as one document: tiers, workers, running and waiting jobs."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy.orm import Session

from gonemaster_api.queries.jobs.jobs import job_documents, new_job_document
from gonemaster_api.rest.paging import Slice, page_document, slice_of
from gonemaster_api.state import State
from gonemaster_db.core.errors import StoreUnavailable
from gonemaster_db.models import Job, JobStatus, QueuePause
from gonemaster_db.queue.pauses import list_pauses
from gonemaster_db.queue.queue import count_states, list_running, list_waiting
from gonemaster_engine.texts import Text
from gonemaster_tasks.broker.processes.workers import WorkerState
from gonemaster_tasks.errors import BrokerUnavailable
from gonemaster_tasks.monitoring.pending_calls import CallTimeout, PendingCall
from gonemaster_tasks.queues import TIERS

MAX_RUNNING = 500

Counts = Mapping[tuple[int, JobStatus], int]


@dataclass(frozen=True)
class _Rows:
    counts: Counts
    pauses: Mapping[str, QueuePause]
    running: list[Job]
    waiting: list[Job]


def read_queue(state: State, query: Mapping[str, Any]) -> dict[str, Any]:
    """Return the queue: workers from the broker, all other data from the database; within a time limit.

    If Redis is unavailable, workers, progress and estimates are missing.

    Raises:
        StoreUnavailable: the database is unavailable or does not respond in time.
    """
    until = state.wait_until()
    part = slice_of(query)
    listed = [query["tier"]] if query.get("tier") else list(TIERS)
    workers = PendingCall(lambda: _workers(state))
    try:
        rows = PendingCall(lambda: _rows(state, listed, part)).result_while_reachable(state.store.ping, until)
    except CallTimeout as error:
        raise StoreUnavailable(Text("the database does not answer")) from error
    counts = rows.counts
    tiers = [_tier(tier, counts, rows.pauses.get(tier)) for tier in TIERS]
    running, jobs = rows.running, [*rows.running, *rows.waiting]
    documents = PendingCall(lambda: job_documents(state, jobs))
    shown_workers = _or_none(workers, state, until)
    shown = _documents(documents, jobs, state, until, is_unavailable=shown_workers is None)
    total = sum(_queued_or_held(counts, TIERS.index(tier)) for tier in listed)
    return {
        "paused": all(tier["paused"] for tier in tiers),
        "depth": {tier["tier"]: tier["queued"] for tier in tiers},
        "tiers": tiers,
        "running": shown[: len(running)],
        "workers": shown_workers,
    } | page_document(shown[len(running) :], total, part)


def _rows(state: State, tiers: list[str], part: Slice) -> _Rows:
    now = state.queue.clock.now()
    with state.store.read_only() as session:
        counts = count_states(session)
        pauses = {pause.tier: pause for pause in list_pauses(session, now=now)}
        return _Rows(counts, pauses, list_running(session, limit=MAX_RUNNING), _waiting(session, tiers, counts, part))


def _documents(
    documents: PendingCall[list[dict[str, Any]]], jobs: list[Job], state: State, until: float, *, is_unavailable: bool
) -> list[dict[str, Any]]:
    """Return the documents of the jobs; without the broker's data if the broker does not respond in time."""
    try:
        if (
            is_unavailable
        ):  # The workers' call has already checked the broker; another check would take the same time again.
            return documents.result(until)
        return documents.result_while_reachable(state.broker.ping, until)
    except (CallTimeout, BrokerUnavailable):
        return [new_job_document(job) for job in jobs]


def _or_none(
    workers: PendingCall[list[dict[str, Any]] | None], state: State, until: float
) -> list[dict[str, Any]] | None:
    try:
        return workers.result_while_reachable(state.broker.ping, until)
    except (CallTimeout, BrokerUnavailable):
        return None


def _waiting(session: Session, tiers: list[str], counts: Counts, part: Slice) -> list[Job]:
    """Return a slice of the waiting jobs of some tiers as if they were one list."""
    found: list[Job] = []
    offset = part.offset
    for tier in tiers:
        priority = TIERS.index(tier)
        # Apply the offset to the tiers in order; the rest of the offset applies to the next tier.
        if len(found) < part.limit:
            found += list_waiting(session, priority, limit=part.limit - len(found), offset=max(0, offset))
        offset -= _queued_or_held(counts, priority)
    return found


def _queued_or_held(counts: Counts, priority: int) -> int:
    return counts.get((priority, JobStatus.QUEUED), 0) + counts.get((priority, JobStatus.PAUSED), 0)


def _tier(tier: str, counts: Counts, pause: QueuePause | None) -> dict[str, Any]:
    priority = TIERS.index(tier)
    return {
        "tier": tier,
        "queued": counts.get((priority, JobStatus.QUEUED), 0),
        "held": counts.get((priority, JobStatus.PAUSED), 0),
        "running": counts.get((priority, JobStatus.RUNNING), 0),
        "paused": pause is not None,
        "paused_by": pause.paused_by if pause else "",
        "reason": pause.reason if pause else "",
        "since": pause.since if pause else None,
        "until": pause.until if pause else None,
    }


def _workers(state: State) -> list[dict[str, Any]] | None:
    try:
        return [_worker(worker) for worker in state.broker.workers.live()]
    except BrokerUnavailable:
        return None


def _worker(worker: WorkerState) -> dict[str, Any]:
    return {
        "name": worker.name,
        "host": worker.host,
        "pid": worker.pid,
        "queues": list(worker.queues),
        "slots": worker.slots,
        "slots_in_use": worker.slots_in_use,
        "reserved_check_slots": worker.reserved_check_slots,
        "checks": worker.checks,
        "running": list(worker.running),
        "started_at": datetime.fromtimestamp(worker.started_at, UTC),
        "draining": worker.draining,
    }
