"""Counts of the purged runs of a batch: their numbers, the first start and the last finish."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol, cast

from sqlalchemy import ColumnElement, Table, delete, func, select
from sqlalchemy.orm import Session

from gonemaster_db.core.upsert import insert
from gonemaster_db.models import PurgedRunCounter, RunStatus
from gonemaster_db.runs.counters import RunGroup

_KEPT = cast("Table", PurgedRunCounter.__table__)
_KEY = (_KEPT.c.batch_key, _KEPT.c.status, _KEPT.c.level, _KEPT.c.grade)


class PurgedRow(Protocol):
    """The columns of a run that are counted."""

    batch_key: int | None
    status: RunStatus
    worst_level: str | None
    grade: str | None
    started_at: datetime | None
    finished_at: datetime


@dataclass(frozen=True, slots=True)
class PurgedRuns:
    """The purged runs of a batch."""

    groups: Mapping[RunGroup, int] = field(default_factory=dict)
    started_at: datetime | None = None
    finished_at: datetime | None = None

    @property
    def number(self) -> int:
        """Number of purged runs."""
        return sum(self.groups.values())


def add_purged_counts(session: Session, rows: Iterable[PurgedRow]) -> None:
    """Add runs to the purged counts of their batches before they are removed; runs without a batch are ignored."""
    of_groups: defaultdict[tuple[Any, ...], list[PurgedRow]] = defaultdict(list)
    for row in rows:
        if row.batch_key is not None:
            of_groups[row.batch_key, row.status, row.worst_level, row.grade or ""].append(row)
    # Sorted by key, so that two transactions that purge runs of the same batches cannot deadlock.
    added = [_row(key, of_groups[key]) for key in sorted(of_groups, key=lambda key: tuple(map(str, key)))]
    if added:
        session.connection().execute(_adding(session), added)


def read_purged(session: Session, batch_keys: Collection[int]) -> dict[int, PurgedRuns]:
    """Return the purged counts of batches; batches without purged runs are absent."""
    groups: defaultdict[int, dict[RunGroup, int]] = defaultdict(dict)
    starts: defaultdict[int, list[datetime]] = defaultdict(list)
    ends: defaultdict[int, list[datetime]] = defaultdict(list)
    for row in session.execute(select(_KEPT).where(_KEPT.c.batch_key.in_(batch_keys))):
        key = row.batch_key
        groups[key][RunGroup(key, row.status, row.level, row.grade or None)] = row.runs
        starts[key] += [row.first_started_at] if row.first_started_at else []
        ends[key].append(row.last_finished_at)
    return {key: PurgedRuns(groups[key], min(starts[key], default=None), max(ends[key])) for key in groups}


def remove_purged_counts(session: Session, batch_key: int) -> None:
    """Remove the purged counts of a deleted batch."""
    session.connection().execute(delete(_KEPT).where(_KEPT.c.batch_key == batch_key))


def _row(key: tuple[Any, ...], rows: Collection[PurgedRow]) -> dict[str, Any]:
    batch_key, status, level, grade = key
    return {
        "batch_key": batch_key,
        "status": status,
        "level": level,
        "grade": grade,
        "runs": len(rows),
        "first_started_at": min((row.started_at for row in rows if row.started_at), default=None),
        "last_finished_at": max(row.finished_at for row in rows),
    }


def _adding(session: Session) -> Any:
    on_postgres = session.get_bind().dialect.name == "postgresql"
    lower, upper = (func.least, func.greatest) if on_postgres else (func.min, func.max)
    statement = insert(session, PurgedRunCounter)
    started, new_start = _KEPT.c.first_started_at, statement.excluded.first_started_at
    # In SQLite min() returns NULL if an argument is NULL.
    first: ColumnElement[Any] = func.coalesce(lower(started, new_start), started, new_start)
    return statement.on_conflict_do_update(
        index_elements=list(_KEY),
        set_={
            "runs": _KEPT.c.runs + statement.excluded.runs,
            "first_started_at": first,
            "last_finished_at": upper(_KEPT.c.last_finished_at, statement.excluded.last_finished_at),
        },
    )
