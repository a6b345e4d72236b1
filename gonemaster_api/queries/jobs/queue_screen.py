"""Data of the queue page: figures, the last hour, running and waiting jobs, issues."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from gonemaster_api.queries.causes import cause_tone
from gonemaster_api.queries.operations import read_unfinished_operations
from gonemaster_api.queries.searching import search_term
from gonemaster_api.rest.paging import page_document, slice_of
from gonemaster_api.state import State
from gonemaster_db.core.errors import JobNotFound
from gonemaster_db.models import Job, Operation
from gonemaster_db.queue.jobs import get_job
from gonemaster_db.queue.queue import list_running, next_queued_after, oldest_waiting
from gonemaster_db.queue.waiting_jobs import count_waiting_jobs, list_waiting_jobs
from gonemaster_db.runs.causes import count_recent_causes
from gonemaster_db.service.metrics.following import read_tally
from gonemaster_db.service.metrics.slots import SlotSums, read_slots
from gonemaster_tasks.control.selection import selection
from gonemaster_tasks.errors import BrokerUnavailable
from gonemaster_tasks.queues import TIERS, tier_of

MINUTES = 60
_MINUTE_S = 60
_FIGURES_LIFE_S, _CAUSES_LIFE_S = 3.0, 30.0
_HOUR = timedelta(hours=1)
_MAX_COUNTED = 200_000
_NOTHING = SlotSums()


@dataclass(frozen=True)
class Minute:
    """The jobs that finished within one minute."""

    start: datetime
    finished: int
    failed: int


@dataclass(frozen=True)
class Figures:
    """The oldest waiting job of each tier, and the minutes of the last hour; the current minute is last."""

    oldest: Mapping[str, datetime]
    minutes: Sequence[Minute]

    @property
    def finished(self) -> int:
        """Jobs that workers finished in the last hour."""
        return sum(minute.finished for minute in self.minutes)

    @property
    def failed(self) -> int:
        """Jobs that failed in the last hour."""
        return sum(minute.failed for minute in self.minutes)


def read_figures(state: State) -> Figures:
    """Return the figures, at most three seconds old."""
    found: Figures = state.recent.get("queue-figures", lambda: _figures(state), life_s=_FIGURES_LIFE_S)
    return found


def _figures(state: State) -> Figures:
    now = state.queue.clock.now()
    last = int(now.timestamp()) // _MINUTE_S * _MINUTE_S
    starts = range(last - (MINUTES - 1) * _MINUTE_S, last + _MINUTE_S, _MINUTE_S)
    with state.store.read_only() as session:
        slots = read_slots(session, since={_MINUTE_S: starts[0]})
        tally = read_tally(session, now=now)
        oldest = {tier: oldest_waiting(session, priority) for priority, tier in enumerate(TIERS)}
    for slot, added in tally.slots.items():
        slots.setdefault(slot, SlotSums()).add(added)
    sums = [(start, slots.get((_MINUTE_S, start), _NOTHING)) for start in starts]
    minutes = [Minute(datetime.fromtimestamp(start, UTC), total.throughput, total.failed) for start, total in sums]
    return Figures({tier: moment for tier, moment in oldest.items() if moment is not None}, minutes)


def read_causes_of_last_hour(state: State) -> list[tuple[str, int]]:
    """Return the causes that are more than advice and their numbers of tests, most frequent first; cached for 30 s."""

    def read() -> list[tuple[str, int]]:
        with state.store.read_only() as session:
            counts = count_recent_causes(session, state.queue.clock.now() - _HOUR, maximum=_MAX_COUNTED)
        return [(cause, count) for cause, count in counts.most_common() if cause_tone(cause) != "s1"]

    found: list[tuple[str, int]] = state.recent.get("causes-of-hour", read, life_s=_CAUSES_LIFE_S)
    return found


def read_work(state: State) -> list[Operation]:
    """Return the operations that are waiting or running."""
    return read_unfinished_operations(state)


def read_running(state: State, *, limit: int) -> list[dict[str, Any]]:
    """Return running jobs, longest running first, with progress and worker if known."""
    with state.store.read_only() as session:
        jobs = list_running(session, limit=limit)
    ids = [job.id for job in jobs]
    try:
        progress = state.broker.events.progress(ids) if ids else {}
        workers = {job_id: worker.name for worker in state.broker.workers.live() for job_id in worker.running}
    except BrokerUnavailable:
        progress, workers = {}, {}
    return [
        _common(job)
        | {
            "started_at": job.started_at,
            "progress": progress.get(job.id, job.progress),
            "worker": workers.get(job.id, ""),
            "stopping": job.cancel_requested_at is not None,
        }
        for job in jobs
    ]


def read_waiting(state: State, query: Mapping[str, Any]) -> dict[str, Any]:
    """Return a page of waiting jobs, next job first.

    Raises:
        BadRequest: invalid_cursor.
    """
    part = slice_of(query)
    criteria = selection(None, tier=query.get("tier") or "", domain=search_term(query.get("domain") or ""))
    with state.store.read_only() as session:
        jobs = list_waiting_jobs(session, criteria, limit=part.limit, offset=part.offset)
        total = count_waiting_jobs(session, criteria)
    items = [_common(job) | {"status": job.status.value, "created_at": job.created_at} for job in jobs]
    return page_document(items, total, part)


def read_place(state: State, job_id: str) -> str:
    """Return the id of the next queued job after a waiting job; empty if there is none or the job is not found."""
    with state.store.read_only() as session:
        try:
            return next_queued_after(session, get_job(session, job_id)) or ""
        except JobNotFound:
            return ""


def _common(job: Job) -> dict[str, Any]:
    return {"id": job.id, "domain": job.domain, "batch_id": job.batch_id, "tier": tier_of(job.priority)}
