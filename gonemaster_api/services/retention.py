"""Old runs removed on request; what beat does regularly is in gonemaster_tasks."""

from collections.abc import Callable
from datetime import timedelta

from sqlalchemy.orm import Session

from gonemaster_api.errors import BadRequest
from gonemaster_api.state import State
from gonemaster_db.clock import utcnow
from gonemaster_db.repositories.audit import LongAction
from gonemaster_db.repositories.deletion import purge_finished_before
from gonemaster_db.repositories.settings import read_settings
from gonemaster_db.session import Store

_KEY = "database.retention_days"


def purge(state: State, older_than_days: int, *, who: str) -> int:
    """Remove runs that ended before a number of days ago, 0 for the setting; gives their number.

    Raises:
        BadRequest: retention_not_configured.
    """
    days = older_than_days or _configured_days(state)
    if not days:
        raise BadRequest("retention_not_configured", f"give older_than_days, or set {_KEY}")
    now = utcnow()
    cutoff = now - timedelta(days=days)
    action = LongAction("jobs.purge", who=who, details={"older_than_days": days})
    return purge_in_steps(state.store, action, lambda session: purge_finished_before(session, cutoff))


def purge_in_steps(store: Store, action: LongAction, purge_some: Callable[[Session], int]) -> int:
    """Remove in short transactions until nothing is left; each counts in the audit what it removed."""

    def step(session: Session) -> int:
        removed = purge_some(session)
        action.add(session, removed, now=utcnow())
        return removed

    purged = 0
    while removed := store.run(step):
        purged += removed
    return purged


def _configured_days(state: State) -> int:
    """Read the setting; one saved over the API goes before all but a flag."""
    if state.settings.source(_KEY) == "cli_flag":
        return state.settings.retention_days
    with state.store.reading() as session:
        return int(read_settings(session, [_KEY]).get(_KEY, state.settings.retention_days))
