"""Old runs removed on request; what beat does regularly is in gonemaster_tasks."""

from datetime import timedelta

from gonemaster_api.errors import BadRequest
from gonemaster_api.state import State
from gonemaster_db.clock import utcnow
from gonemaster_db.repositories.audit import record_action
from gonemaster_db.repositories.deletion import purge_finished_before
from gonemaster_db.repositories.settings import read_settings

_KEY = "database.retention_days"


def purge(state: State, older_than_days: int) -> int:
    """Remove runs that ended before a number of days ago, 0 for the setting; gives their number.

    Raises:
        BadRequest: retention_not_configured.
    """
    days = older_than_days or _configured_days(state)
    if not days:
        raise BadRequest("retention_not_configured", f"give older_than_days, or set {_KEY}")
    now = utcnow()
    cutoff, purged = now - timedelta(days=days), 0
    while removed := state.store.run(lambda session: purge_finished_before(session, cutoff)):
        purged += removed
    details = {"older_than_days": days}
    state.store.run(
        lambda session: record_action(session, "jobs.purge", who="", now=now, count=purged, details=details)
    )
    return purged


def _configured_days(state: State) -> int:
    """Read the setting; one saved over the API goes before all but a flag."""
    if state.settings.source(_KEY) == "cli_flag":
        return state.settings.retention_days
    with state.store.reading() as session:
        return int(read_settings(session, [_KEY]).get(_KEY, state.settings.retention_days))
