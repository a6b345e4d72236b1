"""Actions on all jobs of a filtered list: cancel them, or test them again as a batch."""

from dataclasses import replace
from typing import NamedTuple

from gonemaster_api.state import State
from gonemaster_db.core.filters import JobFilter
from gonemaster_db.models import Operation, OperationKind
from gonemaster_db.runs.matching_jobs import count_repeatable, count_unfinished
from gonemaster_tasks.control import matching, operations
from gonemaster_tasks.control.batches import CanceledBatch
from gonemaster_tasks.control.submit import SubmittedBatch


class MatchingJobs(NamedTuple):
    """Numbers of unfinished and finished jobs of a list."""

    unfinished: int
    finished: int


def count_matching(state: State, criteria: JobFilter) -> MatchingJobs:
    """Count the jobs and runs that match."""
    with state.store.read_only() as session:
        finished, _ = count_repeatable(session, criteria)
        return MatchingJobs(count_unfinished(session, criteria), finished)


def cancel_matching_jobs(state: State, criteria: JobFilter, *, who: str) -> CanceledBatch | Operation:
    """Cancel matching jobs that are waiting or running now; return an operation if there are too many for a request."""
    criteria = _until_now(state, criteria)
    with state.store.read_only() as session:
        total = count_unfinished(session, criteria)
    if total > operations.MAX_ROWS_IN_REQUEST:
        about = matching.parameters_of(criteria)
        kind = OperationKind.CANCEL_JOBS
        return operations.start_operation(
            state.queue, kind, target="", total=total, who=who, parameters=about, details=about
        )
    return matching.cancel_matching(state.queue, criteria, who=who)


def rerun_matching_jobs(state: State, criteria: JobFilter, *, who: str) -> SubmittedBatch:
    """Queue a new batch with all matching runs that have finished by now.

    Raises:
        NothingToRerun: no run matches.
        OptionsTooLarge: the options of the runs are too large.
        BrokerUnavailable: Redis is unavailable; nothing was written.
    """
    return matching.rerun_matching(state.queue, _until_now(state, criteria), who=who)


def _until_now(state: State, criteria: JobFilter) -> JobFilter:
    """Exclude jobs submitted after the request, because the user has not seen them in the list."""
    return criteria if criteria.created_before else replace(criteria, created_before=state.queue.clock.now())
