"""Reads of the metrics: the database in one snapshot, workers and beat from the broker."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog

from gonemaster_api.errors import ApiError
from gonemaster_api.queries.metrics.http import HttpCounts, read_http_counts
from gonemaster_api.state import State
from gonemaster_api.web.exporter import http_metrics
from gonemaster_db.core.errors import StoreError
from gonemaster_db.models import JobStatus, Priority, RunStatus
from gonemaster_db.queue.pauses import list_pauses
from gonemaster_db.queue.queue import count_states, oldest_waiting
from gonemaster_db.service.metrics.aggregation import JobTally
from gonemaster_db.service.metrics.counting import (
    PURGED,
    STARTED,
    Count,
    ended_jobs,
    labels_of,
    read_counts,
    read_stored,
)
from gonemaster_db.service.metrics.following import read_tally
from gonemaster_db.service.metrics.slots import SlotKey, SlotSums, read_latencies, read_slots
from gonemaster_db.service.sizes import total_bytes
from gonemaster_engine.texts import Text
from gonemaster_tasks.broker.processes.workers import WorkerState
from gonemaster_tasks.config.settings import Settings
from gonemaster_tasks.errors import BrokerUnavailable
from gonemaster_tasks.queues import TIERS

COMPLETED = (RunStatus.SUCCEEDED, RunStatus.FAILED)
_LIMIT = timedelta(seconds=10)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class Metrics:
    """All metrics at one moment; `tally` has the runs that no counter includes yet, and `counts` includes `tally`."""

    now: datetime
    started_at: datetime
    settings: Settings
    counts: Counter[Count]
    stored: Mapping[RunStatus, int]
    unfinished: Mapping[tuple[int, JobStatus], int]
    paused: frozenset[str]
    oldest: Mapping[str, datetime | None]
    tally: JobTally
    workers: list[WorkerState]
    beat_active: bool
    broker_reachable: bool
    limited_addresses: int
    database_bytes: int
    http: HttpCounts

    def labels(self, name: str) -> dict[str, int]:
        """Return the values of a counter by label."""
        return labels_of(self.counts, name)

    def total(self, name: str) -> int:
        """Return the value of a counter without labels."""
        return self.counts[Count(name)]

    @property
    def ended(self) -> dict[RunStatus, int]:
        """All jobs that have ended so far, by state."""
        return ended_jobs(self.stored, self.counts)

    @property
    def completed(self) -> int:
        """Jobs that a worker has finished."""
        return sum(self.ended[status] for status in COMPLETED)

    @property
    def submitted(self) -> int:
        """All jobs submitted so far, ended or not."""
        return sum(self.ended.values()) + sum(self.unfinished.values())

    @property
    def started(self) -> int:
        """Number of job starts, including repeated starts."""
        return self.total(STARTED)

    @property
    def purged(self) -> int:
        """Runs that were deleted by age or by tag."""
        return self.total(PURGED)

    def in_state(self, status: JobStatus) -> int:
        """Return the number of unfinished jobs in a state."""
        return sum(number for (_, state), number in self.unfinished.items() if state is status)

    @property
    def status_counts(self) -> dict[str, int]:
        """Jobs and stored runs in each of the seven states."""
        jobs = {status.value: self.in_state(status) for status in JobStatus}
        return jobs | {status.value: number for status, number in self.stored.items()}

    @property
    def slots(self) -> int:
        """Slots of all running worker processes."""
        return sum(worker.slots for worker in self.workers)

    @property
    def reserved_check_slots(self) -> int:
        """Slots that run only checks before delegation."""
        return sum(worker.reserved_check_slots for worker in self.workers)

    @property
    def reserved_check_slots_in_use(self) -> int:
        """Slots of these that run a check."""
        return sum(min(worker.checks, worker.reserved_check_slots) for worker in self.workers)

    @property
    def running_checks(self) -> int:
        """Running checks, in reserved and in idle slots."""
        return sum(worker.checks for worker in self.workers)

    @property
    def queue_paused(self) -> bool:
        """Whether all tiers are paused."""
        return self.paused >= set(TIERS)


def read_metrics(state: State) -> Metrics:
    """Read the metrics of the JSON document and the Prometheus text, except the trends; without broker no workers.

    Raises:
        ApiError: 500 metrics_error, the database does not respond.
    """
    workers, beat_active, reachable, limited = _read_broker(state)
    http = read_http_counts(http_metrics().host_metrics())
    now = state.queue.clock.now()
    try:
        with state.store.read_only_within(_LIMIT) as session:
            counts, tally = read_counts(session), read_tally(session, now=now)
            return Metrics(
                now=now,
                started_at=state.started_at,
                settings=state.settings,
                counts=counts + tally.counts,
                stored=read_stored(session),
                unfinished=count_states(session),
                paused=frozenset(pause.tier for pause in list_pauses(session, now=now)),
                oldest={tier: oldest_waiting(session, priority) for priority, tier in enumerate(TIERS)},
                tally=tally,
                workers=workers,
                beat_active=beat_active,
                broker_reachable=reachable,
                limited_addresses=limited,
                database_bytes=total_bytes(session),
                http=http,
            )
    except StoreError as error:
        raise metrics_error(error) from error


def metrics_error(error: Exception) -> ApiError:
    """Return the error for metrics that cannot be read; the reason is only logged."""
    log.error("metrics could not be read", error=str(error))
    return ApiError(500, "metrics_error", Text("the metrics cannot be read; see the log of the server"))


def _read_broker(state: State) -> tuple[list[WorkerState], bool, bool, int]:
    broker = state.broker
    try:
        return broker.workers.live(), broker.beat.active(), True, broker.limited_addresses.count()
    except BrokerUnavailable:
        return [], False, False, 0


@dataclass(frozen=True)
class TrendSlots:
    """The events in the requested slots."""

    sums: Mapping[SlotKey, SlotSums]
    latencies: Mapping[SlotKey, Mapping[str, list[int]]]


def read_trend_slots(state: State, metrics: Metrics, *, since: Mapping[int, int]) -> TrendSlots:
    """Read the slots of each length from a start time on. Raises ApiError as `read_metrics` does."""
    try:
        with state.store.read_only_within(_LIMIT) as session:
            sums = read_slots(session, since=since)
            latencies = read_latencies(session, since=since)
    except StoreError as error:
        raise metrics_error(error) from error
    for slot, added in metrics.tally.slots.items():
        if slot[1] >= since.get(slot[0], slot[1] + 1):
            sums.setdefault(slot, SlotSums()).add(added)
    return TrendSlots(sums, latencies)


def time_of(moment_s: float) -> datetime:
    """Convert POSIX seconds to a UTC datetime."""
    return datetime.fromtimestamp(moment_s, UTC)


def depth_of(metrics: Metrics) -> int:
    """Return the number of queued jobs; held jobs do not count."""
    return sum(metrics.unfinished.get((priority, JobStatus.QUEUED), 0) for priority in Priority)
