"""Counts of the purged runs of a batch: their numbers, the first start and the last finish."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple, cast

from sqlalchemy import ARRAY, ColumnElement, Table, bindparam, delete, func, select
from sqlalchemy import cast as cast_as
from sqlalchemy.orm import Session

from gonemaster_db.core.upsert import insert_into
from gonemaster_db.models import PurgedRunCounter, Run
from gonemaster_db.runs.counters import RunGroup

_KEPT = cast("Table", PurgedRunCounter.__table__)
_KEY = (_KEPT.c.batch_key, _KEPT.c.status, _KEPT.c.level, _KEPT.c.grade)


class PurgedGroup(NamedTuple):
    """Runs of one group that are about to be purged."""

    group: RunGroup
    runs: int
    first_started_at: datetime | None
    last_finished_at: datetime


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


def count_groups(session: Session, chosen: ColumnElement[bool]) -> list[PurgedGroup]:
    """Count the selected runs by batch, status, worst level and grade."""
    group = (Run.batch_key, Run.status, Run.worst_level, Run.grade)
    counts = (func.count(), func.min(Run.started_at), func.max(Run.finished_at))
    rows = session.execute(select(*group, *counts).where(chosen).group_by(*group))
    return [PurgedGroup(RunGroup(*row[:4]), *row[4:]) for row in rows]


def add_purged_counts(session: Session, counted: Iterable[PurgedGroup]) -> None:
    """Add runs to the purged counts of their batches before they are removed; runs without a batch are ignored."""
    # Sorted by key, so that two transactions that purge runs of the same batches cannot deadlock.
    of_batches = (each for each in counted if each.group.batch_key is not None)
    added = [_row(each) for each in sorted(of_batches, key=lambda each: tuple(map(str, each.group)))]
    if not added:
        return
    dialect, connection = session.get_bind().dialect.name, session.connection()
    if dialect == "postgresql":
        connection.execute(_adding(dialect), {f"all_{name}": [row[name] for row in added] for name in added[0]})
    else:
        connection.execute(_adding(dialect), added)


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


def _row(counted: PurgedGroup) -> dict[str, Any]:
    batch_key, status, level, grade = counted.group
    return {
        "batch_key": batch_key,
        "status": status,
        "level": level,
        "grade": grade or "",
        "runs": counted.runs,
        "first_started_at": counted.first_started_at,
        "last_finished_at": counted.last_finished_at,
    }


@cache
def _adding(dialect: str) -> Any:
    """Return the statement that adds rows; on PostgreSQL it takes arrays, because a step has rows of many batches."""
    statement: Any = insert_into(dialect, PurgedRunCounter)
    lower: Any
    upper: Any
    if dialect == "postgresql":
        lower, upper = func.least, func.greatest
        arrays = [bindparam(f"all_{column.name}", type_=ARRAY(column.type)) for column in _KEPT.c]
        names = [column.name for column in _KEPT.c]
        rows = func.unnest(*(cast_as(column, column.type) for column in arrays)).table_valued(*names)
        statement = statement.from_select(names, select(rows.render_derived("added")))
    else:
        lower, upper = func.min, func.max
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
