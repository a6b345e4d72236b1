"""Cancellation of a batch: within the request, or as an operation if too many jobs are waiting."""

from gonemaster_api.state import State
from gonemaster_db.batches.batch_jobs import count_waiting
from gonemaster_db.batches.batches import get_batch
from gonemaster_db.batches.sweeps import stop_filling
from gonemaster_db.models import Operation, OperationKind
from gonemaster_tasks.control import operations
from gonemaster_tasks.control.batches import CanceledBatch, cancel_batch


def cancel_whole_batch(state: State, batch_id: str, *, who: str) -> CanceledBatch | Operation:
    """Cancel all waiting and running jobs of a batch. Raises BatchNotFound."""
    with state.store.read_only() as session:
        get_batch(session, batch_id)
        total = count_waiting(session, batch_id)
    # An operation that fills the batch would perform its last chunk before the one that cancels it.
    state.store.run_in_transaction(lambda session: stop_filling(session, batch_id))
    if total > operations.MAX_ROWS_IN_REQUEST:
        kind = OperationKind.CANCEL_BATCH
        return operations.start_operation(state.queue, kind, target=batch_id, total=total, who=who)
    return cancel_batch(state.queue, batch_id, who=who)
