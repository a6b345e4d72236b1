"""All jobs of a filtered list: canceled, or tested again as a batch."""

from dataclasses import replace
from typing import NamedTuple

from gonemaster_api.state import State
from gonemaster_db.core.filters import JobFilter
from gonemaster_db.models import Operation, OperationKind
from gonemaster_db.runs.matching_jobs import count_repeatable, count_unfinished
from gonemaster_tasks.control import matching, operations
from gonemaster_tasks.control.batches import CanceledBatch
from gonemaster_tasks.control.submit import SubmittedBatch


class Matching(NamedTuple):
    """How many jobs and runs of a list wait or run, and how many have finished."""

    unfinished: int
    finished: int


def count_matching(state: State, wanted: JobFilter) -> Matching:
    """Count the jobs and runs that match."""
    with state.store.read_only() as session:
        finished, _ = count_repeatable(session, wanted)
        return Matching(count_unfinished(session, wanted), finished)


def cancel_matching_jobs(state: State, wanted: JobFilter, *, who: str) -> CanceledBatch | Operation:
    """Cancel the waiting and running jobs that match now; more than fit into a request become an operation."""
    wanted = _until_now(state, wanted)
    with state.store.read_only() as session:
        total = count_unfinished(session, wanted)
    if total > operations.MAX_ROWS_IN_REQUEST:
        about = matching.parameters_of(wanted)
        kind = OperationKind.CANCEL_JOBS
        return operations.start_operation(
            state.queue, kind, target="", total=total, who=who, parameters=about, details=about
        )
    return matching.cancel_matching(state.queue, wanted, who=who)


def rerun_matching_jobs(state: State, wanted: JobFilter, *, who: str) -> SubmittedBatch:
    """Queue a new batch with all finished runs that match now.

    Raises:
        NothingToRepeat: no run matches.
        OptionsTooLarge: their options are.
        BrokerUnavailable: Redis is unavailable; nothing was written.
    """
    return matching.rerun_matching(state.queue, _until_now(state, wanted), who=who)


def _until_now(state: State, wanted: JobFilter) -> JobFilter:
    """Leave out what is submitted after the request: nobody has seen it in the list."""
    return wanted if wanted.created_before else replace(wanted, created_before=state.queue.clock.now())
