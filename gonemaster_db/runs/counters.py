"""Counters of runs, updated by the transactions that write, score and delete runs, so that totals need no counting."""

import random
from collections import Counter
from collections.abc import Collection, Mapping
from functools import cache
from typing import Any, NamedTuple, cast

from sqlalchemy import ARRAY, Table, bindparam, delete, func, select
from sqlalchemy import cast as cast_as
from sqlalchemy.orm import Session

from gonemaster_db.core.upsert import insert_into
from gonemaster_db.models import RunCounter, RunStatus
from gonemaster_db.runs.models.counters import ALL_RUNS
from gonemaster_db.service.metrics.counting import count_removed_runs

SHARDS = 16
_COUNTERS = cast("Table", RunCounter.__table__)
_KEY = (_COUNTERS.c.batch_key, _COUNTERS.c.shard, _COUNTERS.c.status, _COUNTERS.c.level, _COUNTERS.c.grade)


class RunGroup(NamedTuple):
    """The properties by which runs are counted."""

    batch_key: int | None
    status: RunStatus
    level: str | None
    grade: str | None


def count_runs_in(session: Session, groups: Mapping[RunGroup, int]) -> None:
    """Add to the counters of batches and of all runs; numbers may be negative.

    Call it last before the commit, because other transactions wait for the rows until then. Runs that are subtracted
    and not moved to another counter (as by a new score) count as removed: the number of finished jobs never decreases.
    """
    connection = session.connection()
    if connection.dialect.name == "sqlite":
        if rows := counter_rows(groups, sharded=False):
            connection.execute(_upsert_each(), rows)
    elif rows := counter_rows(groups, sharded=True):
        connection.execute(_upsert_all(), {f"all_{name}": [row[name] for row in rows] for name in rows[0]})
    if any(number < 0 for number in groups.values()):
        changes: Counter[RunStatus] = Counter()
        for group, number in groups.items():
            changes[group.status] += number
        count_removed_runs(session, changes)


def counter_rows(groups: Mapping[RunGroup, int], *, sharded: bool) -> list[dict[str, Any]]:
    """Return the rows to add to counters, in lock order; a single writer needs no shards."""
    sums: Counter[tuple[int, RunStatus, str | None, str]] = Counter()
    for group, number in groups.items():
        for batch_key in {ALL_RUNS, group.batch_key or ALL_RUNS}:
            sums[batch_key, group.status, group.level, group.grade or ""] += number
    shard = random.randrange(SHARDS) if sharded else 0
    return [_row(shard, key, number) for key, number in sorted(sums.items(), key=_order) if number]


def remove_batch_counters(session: Session, batch_key: int) -> None:
    """Remove the counters of a batch whose runs are all deleted, and subtract them from the counters of all runs."""
    deletion = delete(_COUNTERS).where(_COUNTERS.c.batch_key == batch_key)
    columns = (_COUNTERS.c.status, _COUNTERS.c.level, _COUNTERS.c.grade, _COUNTERS.c.runs)
    sums: Counter[RunGroup] = Counter()
    for status, level, grade, number in session.connection().execute(deletion.returning(*columns)):
        sums[RunGroup(None, status, level, grade)] -= number
    count_runs_in(session, sums)


def read_counts(session: Session, batch_key: int | None = None) -> dict[RunGroup, int]:
    """Return the numbers of runs of a batch, or of all runs, by group."""
    columns = (_COUNTERS.c.status, _COUNTERS.c.level, _COUNTERS.c.grade)
    match_batch = _COUNTERS.c.batch_key == (ALL_RUNS if batch_key is None else batch_key)
    rows = session.execute(select(*columns, func.sum(_COUNTERS.c.runs)).where(match_batch).group_by(*columns))
    return {
        RunGroup(batch_key, status, level, grade or None): int(number)
        for status, level, grade, number in rows
        if number
    }


def count_runs(
    session: Session,
    *,
    batch_key: int | None = None,
    status: str | None = None,
    levels: Collection[str] | None = None,
    grade: str | None = None,
) -> int:
    """Count the runs of a batch, or all runs, with a status, one of these worst levels and a grade; None means any."""
    given: dict[str, Any] = {"status": status, "level": levels if levels is None else list(levels), "grade": grade}
    given = {name: value for name, value in given.items() if value is not None}
    given["batch_key"] = ALL_RUNS if batch_key is None else batch_key
    return int(session.scalar(_sum_of(frozenset(given)), given) or 0)


@cache
def _sum_of(names: frozenset[str]) -> Any:
    """Return the statement, cached because building it takes longer than executing it."""
    conditions = [
        _COUNTERS.c[name].in_(bindparam(name, expanding=True))
        if name == "level"
        else _COUNTERS.c[name] == bindparam(name)
        for name in sorted(names)
    ]
    return select(func.coalesce(func.sum(_COUNTERS.c.runs), 0)).where(*conditions)


def count_runs_of_batches(session: Session, batch_keys: Collection[int]) -> dict[int, int]:
    """Count the runs of batches; batches without runs are absent."""
    number = func.sum(_COUNTERS.c.runs)
    query = select(_COUNTERS.c.batch_key, number).where(_COUNTERS.c.batch_key.in_(batch_keys))
    rows = session.execute(query.group_by(_COUNTERS.c.batch_key))
    return {batch_key: int(number) for batch_key, number in rows if number}


def _row(shard: int, key: tuple[int, RunStatus, str | None, str], number: int) -> dict[str, Any]:
    batch_key, status, level, grade = key
    return {
        "batch_key": batch_key, "shard": shard, "status": status, "level": level, "grade": grade, "runs": number,
    }  # fmt: skip


def _order(item: tuple[tuple[int, RunStatus, str | None, str], int]) -> tuple[int, str, str, str]:
    """Return the lock order of rows, so that two transactions cannot deadlock."""
    (batch_key, status, level, grade), _ = item
    return batch_key, status, level or "", grade


@cache
def _upsert_each() -> Any:
    return added(insert_into("sqlite", RunCounter))


@cache
def _upsert_all() -> Any:
    """Return a statement that takes arrays: removing a thousand runs changes hundreds of counters."""
    arrays = [bindparam(f"all_{column.name}", type_=ARRAY(column.type)) for column in _COUNTERS.c]
    names = [column.name for column in _COUNTERS.c]
    rows = func.unnest(*(cast_as(column, column.type) for column in arrays)).table_valued(*names)
    return added(insert_into("postgresql", RunCounter).from_select(names, select(rows.render_derived("added"))))


def added(statement: Any) -> Any:
    """Let an insert of counters add to existing rows."""
    return statement.on_conflict_do_update(
        index_elements=list(_KEY), set_={"runs": _COUNTERS.c.runs + statement.excluded.runs}
    )
