"""Removal of old runs on request; gonemaster_tasks has the periodic removal by beat."""

from datetime import timedelta

from gonemaster_api.errors import BadRequest
from gonemaster_api.state import State
from gonemaster_db.batches.deletion import count_finished_before
from gonemaster_db.models import Operation, OperationKind
from gonemaster_engine.texts import Text
from gonemaster_tasks.control import operations
from gonemaster_tasks.maintenance.retention import purge_old_runs


def purge_runs(state: State, older_than_days: int, *, who: str) -> int | Operation:
    """Remove runs that ended more than a number of days ago; 0 uses the setting. Return the number of runs.

    Return an operation if there are more runs than one request may delete.

    Raises:
        BadRequest: retention_not_configured.
    """
    days = older_than_days or state.settings.retention_days
    if not days:
        raise BadRequest("retention_not_configured", Text("specify older_than_days, or set database.retention_days"))
    now = state.queue.clock.now()
    with state.store.read_only() as session:
        total = count_finished_before(session, now - timedelta(days=days))
    if total > operations.MAX_ROWS_IN_REQUEST:
        about = {"older_than_days": days}
        kind = OperationKind.PURGE_RUNS
        return operations.start_operation(
            state.queue, kind, target="", total=total, who=who, parameters=about, details=about
        )
    return purge_old_runs(state.store, days=days, now=now, who=who)
