"""The status strip of the admin pages: the state of the queue, cached for a second."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from flask import g

from gonemaster_api.queries.health import read_issues
from gonemaster_api.state import State, state
from gonemaster_api.ui.shell.partial_cache import clear_partials
from gonemaster_db.core.errors import StoreError
from gonemaster_db.models import JobStatus, QueuePause
from gonemaster_db.queue.pauses import list_pauses
from gonemaster_db.queue.queue import count_states
from gonemaster_db.queue.throughput import count_finished
from gonemaster_tasks.broker.processes.workers import WorkerState
from gonemaster_tasks.errors import BrokerUnavailable
from gonemaster_tasks.monitoring.pending_calls import CallTimeout, PendingCall
from gonemaster_tasks.queues import TIERS

T = TypeVar("T")
Counts = Mapping[tuple[int, JobStatus], int]
LIFE_S = 1.0
# After this time the strip is rendered without the data; the next page shows it.
_KNOWN_WITHIN = timedelta(seconds=0.3)
_ISSUES_LIFE_S = 10.0
_WINDOW = timedelta(minutes=1)


@dataclass(frozen=True)
class TierStatus:
    """The state of a tier: waiting, held and running jobs, and its pause."""

    name: str
    waiting: int
    held: int
    running: int
    paused: bool = False
    paused_by: str = ""
    reason: str = ""
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True)
class QueueStatus:
    """The state of the queue; without workers if the broker does not respond.

    `last_minute` is the number of tests that finished in the last minute, `issues` the number of issues.
    """

    tiers: Sequence[TierStatus]
    workers: Sequence[WorkerState] | None
    last_minute: int = 0
    issues: int = 0

    @property
    def waiting(self) -> int:
        """Waiting jobs in all tiers."""
        return sum(tier.waiting for tier in self.tiers)

    @property
    def running(self) -> int:
        """Running jobs."""
        return sum(tier.running for tier in self.tiers)

    @property
    def paused(self) -> list[TierStatus]:
        """The paused tiers."""
        return [tier for tier in self.tiers if tier.paused]

    @property
    def slots(self) -> int:
        """The number of jobs that the workers can run at the same time."""
        return sum(worker.slots for worker in self.workers or ())

    @property
    def slots_in_use(self) -> int:
        """The number of slots in use."""
        return sum(worker.slots_in_use for worker in self.workers or ())


def queue_status() -> QueueStatus | None:
    """Return the state of the queue, at most a second old; None if the database does not respond.

    All parts of one response show the same state.
    """
    shared = state()
    if "queue_status" not in g:
        g.queue_status = shared.recent.get("ui-queue-status", lambda: _read(shared), life_s=LIFE_S)
    found: QueueStatus | None = g.queue_status
    return found


def clear_queue_status() -> None:
    """Clear the cached state after a change, so that the next page shows it."""
    g.pop("queue_status", None)
    state().recent.forget(lambda key: key == "ui-queue-status")
    clear_partials()


def _read(shared: State) -> QueueStatus | None:
    until = shared.wait_until()
    issues, workers = (
        PendingCall(lambda: len(read_issues(shared, life_s=_ISSUES_LIFE_S))),
        PendingCall(lambda: _workers(shared)),
    )
    try:
        counts, pauses, last_minute = PendingCall(lambda: _rows(shared)).result_while_reachable(
            shared.store.ping, until
        )
    except (StoreError, CallTimeout):
        return None
    tiers = []
    for priority, name in enumerate(TIERS):
        pause = pauses.get(name)
        held = counts.get((priority, JobStatus.PAUSED), 0)
        tiers.append(
            TierStatus(
                name,
                counts.get((priority, JobStatus.QUEUED), 0) + held,
                held,
                counts.get((priority, JobStatus.RUNNING), 0),
                pause is not None,
                pause.paused_by if pause else "",
                pause.reason if pause else "",
                pause.since if pause else None,
                pause.until if pause else None,
            )
        )
    return QueueStatus(
        tiers,
        _known(workers, until, None),
        last_minute,
        _known(issues, min(until, shared.wait_until(_KNOWN_WITHIN)), 0),
    )


def _rows(shared: State) -> tuple[Counts, dict[str, QueuePause], int]:
    now = shared.queue.clock.now()
    with shared.store.read_only() as session:
        counts = count_states(session)
        pauses = {pause.tier: pause for pause in list_pauses(session, now=now)}
        return counts, pauses, count_finished(session, now=now, window=_WINDOW)


def _known(pending: PendingCall[T], until: float, otherwise: T) -> T:
    try:
        return pending.result(until)
    except CallTimeout:
        return otherwise


def _workers(shared: State) -> list[WorkerState] | None:
    try:
        return shared.broker.workers.live()
    except BrokerUnavailable:
        return None
