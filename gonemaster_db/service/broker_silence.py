"""Processes that the broker does not answer, as they say in the database: what one cannot tell the others elsewhere."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from gonemaster_db.models import WatchState

_STATE = "broker_silence"
_FORGOTTEN_AFTER_S = 300.0


def note_silence(session: Session, *, name: str, said: Mapping[str, Any]) -> None:
    """Note what a process says, whose time is `at` (POSIX seconds); those that have said nothing for long go."""
    row = _row(session)
    kept = {} if row is None else row.value
    kept = {one: old for one, old in kept.items() if old["at"] > said["at"] - _FORGOTTEN_AFTER_S}
    if row is None:
        session.add(WatchState(name=_STATE, value={name: dict(said)}, version=1))
    else:
        row.value = {**kept, name: dict(said)}
        row.version += 1


def end_silence(session: Session, *, name: str) -> None:
    """Forget what a process has said."""
    row = _row(session)
    if row is not None and name in row.value:
        row.value = {one: said for one, said in row.value.items() if one != name}
        row.version += 1


def read_silences(session: Session) -> Mapping[str, Mapping[str, Any]]:
    """Return what processes have said, by name; who has not said it again for some seconds may have an answer."""
    found = session.scalar(select(WatchState.value).where(WatchState.name == _STATE))
    return found or {}


def _row(session: Session) -> WatchState | None:
    return session.scalar(select(WatchState).where(WatchState.name == _STATE).with_for_update())
