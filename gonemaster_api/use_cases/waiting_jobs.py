"""Changes of waiting jobs by id or filter: within the request, or as an operation if there are too many jobs."""

from dataclasses import dataclass

from gonemaster_api.state import State
from gonemaster_db.models import Operation, OperationKind
from gonemaster_db.queue.queue import End, priorities_of
from gonemaster_db.queue.waiting_jobs import count_waiting_jobs, waiting_ids
from gonemaster_tasks.control import operations
from gonemaster_tasks.control.order import move_jobs, remove_jobs
from gonemaster_tasks.control.selection import (
    Change,
    hold_jobs,
    parameters_of,
    parameters_of_move,
    release_jobs,
    selection,
)
from gonemaster_tasks.queues import TIERS

_CHANGES = {"hold": hold_jobs, "release": release_jobs, "remove": remove_jobs}
_KINDS = {
    "hold": OperationKind.HOLD_WAITING,
    "release": OperationKind.RELEASE_WAITING,
    "remove": OperationKind.REMOVE_WAITING,
}


@dataclass(frozen=True)
class JobSelection:
    """A selection of waiting jobs: by ids, or, without ids, by tier and a part of the domain."""

    job_ids: tuple[str, ...] = ()
    tier: str = ""
    domain: str = ""

    @property
    def is_filter(self) -> bool:
        """Whether the jobs are selected by filter instead of by id."""
        return not self.job_ids


def count_chosen(state: State, choice: JobSelection, change: Change | None = None) -> int:
    """Count the jobs that a change applies to."""
    if not choice.is_filter:
        return len(choice.job_ids)
    with state.store.read_only() as session:
        return count_waiting_jobs(session, selection(change, tier=choice.tier, domain=choice.domain))


def change_jobs(state: State, choice: JobSelection, change: Change, *, who: str) -> int | Operation:
    """Hold, release or remove waiting jobs; return the number of changed jobs, or the operation that changes them."""
    job_ids = list(choice.job_ids)
    if choice.is_filter:
        criteria = selection(change, tier=choice.tier, domain=choice.domain)
        with state.store.read_only() as session:
            total = count_waiting_jobs(session, criteria)
            if total <= operations.MAX_ROWS_IN_REQUEST:
                job_ids = waiting_ids(session, criteria, limit=operations.MAX_ROWS_IN_REQUEST)
        if total > operations.MAX_ROWS_IN_REQUEST:
            parameters = parameters_of(tier=choice.tier, domain=choice.domain)
            target = choice.tier or "queue"
            kind = _KINDS[change]
            return operations.start_operation(
                state.queue, kind, target=target, total=total, who=who, parameters=parameters
            )
    return len(_CHANGES[change](state.queue, job_ids, who=who)) if job_ids else 0


def move_chosen(state: State, choice: JobSelection, to: End, *, who: str) -> int | Operation:
    """Move waiting jobs to the front or back of their tiers, keeping their order.

    Return the number of moved jobs, or the operation that moves them.

    Raises:
        BrokerUnavailable: Redis is unavailable; nothing was written.
    """
    if choice.is_filter and (total := count_chosen(state, choice)) > operations.MAX_ROWS_IN_REQUEST:
        with state.store.read_only() as session:
            parameters = parameters_of_move(session, tier=choice.tier, domain=choice.domain, to=to)
        kind, target = OperationKind.MOVE_WAITING, choice.tier or "queue"
        return operations.start_operation(state.queue, kind, target=target, total=total, who=who, parameters=parameters)
    moved = 0
    for tier in [choice.tier] if choice.tier and choice.is_filter else TIERS:
        job_ids = _ids_in_tier(state, choice, tier)
        moved += len(move_jobs(state.queue, job_ids, to=to, who=who)) if job_ids else 0
    return moved


def _ids_in_tier(state: State, choice: JobSelection, tier: str) -> list[str]:
    with state.store.read_only() as session:
        if choice.is_filter:
            criteria = selection(None, tier=tier, domain=choice.domain)
            return waiting_ids(session, criteria, limit=operations.MAX_ROWS_IN_REQUEST)
        priorities = priorities_of(session, choice.job_ids)
    return [job_id for job_id in choice.job_ids if priorities.get(job_id) == TIERS.index(tier)]
