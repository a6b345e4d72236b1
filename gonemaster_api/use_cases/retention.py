"""Old runs removed on request; what beat does regularly is in gonemaster_tasks."""

from gonemaster_api.errors import BadRequest
from gonemaster_api.state import State
from gonemaster_db.clock import utcnow
from gonemaster_tasks.maintenance.retention import purge_old_runs


def purge_runs(state: State, older_than_days: int, *, who: str) -> int:
    """Remove runs that ended before a number of days ago, 0 for the setting; gives their number.

    Raises:
        BadRequest: retention_not_configured.
    """
    days = older_than_days or state.settings.retention_days
    if not days:
        raise BadRequest("retention_not_configured", "specify older_than_days, or set database.retention_days")
    return purge_old_runs(state.store, state.broker, days=days, now=utcnow(), who=who)
