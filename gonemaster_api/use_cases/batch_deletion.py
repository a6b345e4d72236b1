"""Deletion of a batch: cancel its jobs, wait for them, remove the rows."""

import time

from sqlalchemy.orm import Session

from gonemaster_api.queries.batches.batches import impact_counts
from gonemaster_api.state import State
from gonemaster_db.batches.batches import count_unfinished
from gonemaster_db.batches.deletion import delete_batch
from gonemaster_db.core.clock import utcnow
from gonemaster_db.core.errors import JobsNotTerminal
from gonemaster_db.service.audit import record_action
from gonemaster_tasks.control.batches import cancel_batch

DELETED = "deleted_by_admin"
WAIT_S = 5.0
_LOOK_EVERY_S = 0.05


def cancel_and_delete_batch(state: State, batch_id: str, *, who: str) -> None:
    """Cancel unfinished jobs, wait for them to stop, and remove the batch in one transaction.

    Raises:
        BatchNotFound: no such batch.
        JobsNotTerminal: jobs still run after 5 s, or immediately if too many requests are waiting; nothing was removed.
    """
    if _unfinished(state, batch_id):
        cancel_batch(state.queue, batch_id, error=DELETED, who=who)
    if unfinished := _wait_for_unfinished(state, batch_id):
        raise JobsNotTerminal(unfinished)

    def remove(session: Session) -> None:
        impact = delete_batch(session, batch_id)
        count, details = impact.completed_runs, impact_counts(impact)
        record_action(session, "batch.delete", who=who, now=utcnow(), target=batch_id, count=count, details=details)

    state.store.run_in_transaction(remove)


def _wait_for_unfinished(state: State, batch_id: str) -> int:
    """Wait for the jobs of a batch to stop; return the number of unfinished jobs.

    A waiting request occupies a thread, as a stream does, so both share a limit that keeps threads free for others.
    """
    unfinished = _unfinished(state, batch_id)
    if not unfinished or not state.streams.acquire(blocking=False):
        return unfinished
    try:
        deadline = time.monotonic() + WAIT_S
        while unfinished and time.monotonic() < deadline:
            # Workers stop canceled jobs within a second but notify only event streams, so the rows are polled.
            time.sleep(_LOOK_EVERY_S)
            unfinished = _unfinished(state, batch_id)
    finally:
        state.streams.release()
    return unfinished


def _unfinished(state: State, batch_id: str) -> int:
    with state.store.read_only() as session:
        return count_unfinished(session, batch_id)
