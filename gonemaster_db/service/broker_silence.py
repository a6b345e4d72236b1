"""Processes that cannot reach the broker report it in the database, since they cannot report it through Redis."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from gonemaster_db.models import WatchState

_STATE = "broker_silence"
_FORGOTTEN_AFTER_S = 300.0


def report_outage(session: Session, *, name: str, report: Mapping[str, Any]) -> None:
    """Store the report of a process, with the time `at` (POSIX seconds), and remove old reports of other processes."""
    row = _row(session)
    reports = {} if row is None else row.value
    reports = {process: old for process, old in reports.items() if old["at"] > report["at"] - _FORGOTTEN_AFTER_S}
    if row is None:
        session.add(WatchState(name=_STATE, value={name: dict(report)}, version=1))
    else:
        row.value = {**reports, name: dict(report)}
        row.version += 1


def end_outage(session: Session, *, name: str) -> None:
    """Remove the report of a process."""
    row = _row(session)
    if row is not None and name in row.value:
        row.value = {process: report for process, report in row.value.items() if process != name}
        row.version += 1


def read_outages(session: Session) -> Mapping[str, Mapping[str, Any]]:
    """Return the reports by process name; a report that was not renewed for a few seconds may be outdated."""
    found = session.scalar(select(WatchState.value).where(WatchState.name == _STATE))
    return found or {}


def _row(session: Session) -> WatchState | None:
    return session.scalar(select(WatchState).where(WatchState.name == _STATE).with_for_update())
