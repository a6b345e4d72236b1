"""The strip on top of each admin page: what the queue does now, kept for a second for all who look."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from gonemaster_api.queries.health import read_issues
from gonemaster_api.state import State, state
from gonemaster_api.ui.shell.kept import forget_parts
from gonemaster_db.core.errors import StoreError
from gonemaster_db.models import JobStatus, QueuePause
from gonemaster_db.queue.pauses import list_pauses
from gonemaster_db.queue.queue import count_states
from gonemaster_db.queue.throughput import count_finished
from gonemaster_tasks.broker.workers import WorkerState
from gonemaster_tasks.errors import BrokerUnavailable
from gonemaster_tasks.monitoring.patience import NotInTime, PendingCall
from gonemaster_tasks.queues import TIERS

T = TypeVar("T")
Counts = Mapping[tuple[int, JobStatus], int]
LIFE_S = 1.0
_KNOWN_WITHIN = timedelta(seconds=0.3)  # the next page shows what is not known by then
_ISSUES_LIFE_S = 10.0
_WINDOW = timedelta(minutes=1)


@dataclass(frozen=True)
class TierGlance:
    """A tier: jobs that wait, those of them that are held, those that run, and its pause if it has one."""

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
class Glance:
    """The queue at a glance; without workers if the broker does not answer.

    `last_minute` is the number of tests that ended in it, `issues` that of the issues.
    """

    tiers: Sequence[TierGlance]
    workers: Sequence[WorkerState] | None
    last_minute: int = 0
    issues: int = 0

    @property
    def waiting(self) -> int:
        """Jobs that wait, in all tiers."""
        return sum(tier.waiting for tier in self.tiers)

    @property
    def running(self) -> int:
        """Jobs that run."""
        return sum(tier.running for tier in self.tiers)

    @property
    def paused(self) -> list[TierGlance]:
        """The tiers that are paused."""
        return [tier for tier in self.tiers if tier.paused]

    @property
    def slots(self) -> int:
        """Jobs that the workers can run at a time."""
        return sum(worker.slots for worker in self.workers or ())

    @property
    def slots_in_use(self) -> int:
        """Slots that have a job."""
        return sum(worker.slots_in_use for worker in self.workers or ())


def glance() -> Glance | None:
    """Return the state of the queue, up to a second old; None if the database does not answer."""
    shared = state()
    found: Glance | None = shared.recent.get("ui-glance", lambda: _read(shared), life_s=LIFE_S)
    return found


def forget_glance() -> None:
    """Let the next page look anew: after a change, the page shows it."""
    state().recent.forget(lambda key: key == "ui-glance")
    forget_parts()


def _read(shared: State) -> Glance | None:
    until = shared.patient_until()
    issues, workers = (
        PendingCall(lambda: len(read_issues(shared, life_s=_ISSUES_LIFE_S))),
        PendingCall(lambda: _workers(shared)),
    )
    try:
        counts, pauses, last_minute = PendingCall(lambda: _rows(shared)).result_unless_away(shared.store.ping, until)
    except (StoreError, NotInTime):
        return None
    tiers = []
    for priority, name in enumerate(TIERS):
        pause = pauses.get(name)
        held = counts.get((priority, JobStatus.PAUSED), 0)
        tiers.append(
            TierGlance(
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
    return Glance(
        tiers,
        _known(workers, until, None),
        last_minute,
        _known(issues, min(until, shared.patient_until(_KNOWN_WITHIN)), 0),
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
    except NotInTime:
        return otherwise


def _workers(shared: State) -> list[WorkerState] | None:
    try:
        return shared.broker.workers.live()
    except BrokerUnavailable:
        return None
