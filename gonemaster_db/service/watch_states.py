"""State rows of the tasks that follow watches; only a worker that has read the newest version may replace a row."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import delete, update
from sqlalchemy.orm import Session

from gonemaster_db.core.upsert import insert
from gonemaster_db.models import WatchState

_NO_SYNC = {"synchronize_session": False}


def read_state(session: Session, name: str) -> WatchState | None:
    """Return a state with its version, or None if nothing was stored."""
    return session.get(WatchState, name)


def store_state(session: Session, name: str, value: Mapping[str, Any], *, version: int) -> bool:
    """Store a state unless it has changed since `version` was read (0: no state); return whether it was stored."""
    statement: Any
    if version:
        unchanged = (WatchState.name == name, WatchState.version == version)
        statement = update(WatchState).where(*unchanged).values(value=value, version=version + 1)
    else:
        statement = insert(session, WatchState).values(name=name, value=value, version=1).on_conflict_do_nothing()
    return session.execute(statement.returning(WatchState.name), execution_options=_NO_SYNC).first() is not None


def remove_state(session: Session, name: str) -> None:
    """Remove a state."""
    session.execute(delete(WatchState).where(WatchState.name == name), execution_options=_NO_SYNC)
