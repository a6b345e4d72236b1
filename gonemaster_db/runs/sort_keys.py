"""Sort orders of lists of jobs and runs; ties are always sorted by ID in ascending order."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    SmallInteger,
    and_,
    cast,
    func,
    literal,
    literal_column,
    null,
    select,
    union_all,
)

from gonemaster_db.core.base import UtcDateTime
from gonemaster_db.models import Job, Run, RunStatus

JOB_SORT = "started_at_desc"
RUN_SORT = "finished_at_desc"
Direction = Callable[[ColumnElement[Any]], ColumnElement[Any]]
_NEVER = literal(datetime(1, 1, 1, tzinfo=UTC), UtcDateTime())


def _up(column: ColumnElement[Any]) -> ColumnElement[Any]:
    return column.asc()


def _down(column: ColumnElement[Any]) -> ColumnElement[Any]:
    return column.desc()


# Indexes of runs match exactly these expressions (models/run_indexes.py).
def _up_none_first(column: ColumnElement[Any]) -> ColumnElement[Any]:
    return column.asc().nulls_first()


def _up_none_last(column: ColumnElement[Any]) -> ColumnElement[Any]:
    return column.asc().nulls_last()


def _down_none_last(column: ColumnElement[Any]) -> ColumnElement[Any]:
    return column.desc().nulls_last()


@dataclass(frozen=True)
class SortKeys:
    """Sort expressions of jobs or of runs."""

    id: ColumnElement[Any]
    created: ColumnElement[Any]
    begun: ColumnElement[Any]
    finished: ColumnElement[Any]
    domain: ColumnElement[Any]
    batch: ColumnElement[Any]
    severe: ColumnElement[Any]
    critical: ColumnElement[Any]
    rank: ColumnElement[Any]
    score: ColumnElement[Any]
    duration: ColumnElement[Any]
    entries: ColumnElement[Any]


RUN_KEYS = SortKeys(
    id=Run.id.expression,
    created=Run.created_at.expression,
    begun=Run.begun_at.expression,
    finished=Run.finished_at.expression,
    domain=Run.domain.expression,
    batch=Run.batch_key.expression,
    severe=Run.sev_severe.expression,
    critical=Run.sev_critical.expression,
    rank=Run.worst_rank.expression,
    score=Run.score.expression,
    duration=Run.duration_ms.expression,
    entries=Run.entry_count.expression,
)
# Values that an unfinished job does not have yet count as empty or 0.
JOB_KEYS = SortKeys(
    id=Job.id.expression,
    created=Job.created_at.expression,
    begun=func.coalesce(Job.started_at, Job.created_at),
    finished=_NEVER,
    domain=Job.domain.expression,
    batch=Job.batch_id.expression,
    severe=literal(0),
    critical=literal(0),
    rank=literal(0),
    score=cast(null(), SmallInteger),
    duration=cast(null(), BigInteger),
    entries=literal(0),
)

SORTS: dict[str, tuple[tuple[str, Direction], ...]] = {
    "created_at_desc": (("created", _down),),
    "created_at_asc": (("created", _up),),
    "started_at_desc": (("begun", _down), ("created", _down)),
    "started_at_asc": (("begun", _up), ("created", _up)),
    "domain_asc": (("domain", _up), ("finished", _down)),
    "domain_desc": (("domain", _down), ("finished", _down)),
    "batch_id_asc": (("batch", _up_none_first), ("finished", _down)),
    "batch_id_desc": (("batch", _down_none_last), ("finished", _down)),
    "error_desc": (("severe", _down), ("critical", _down), ("finished", _down)),
    "critical_desc": (("critical", _down), ("severe", _down), ("finished", _down)),
    "finished_at_desc": (("finished", _down),),
    "finished_at_asc": (("finished", _up),),
    "worst_level_desc": (("rank", _down), ("finished", _down)),
    "worst_level_asc": (("rank", _up), ("finished", _down)),
    "score_desc": (("score", _down_none_last), ("finished", _down)),
    "score_asc": (("score", _up_none_last), ("finished", _down)),
    "duration_desc": (("duration", _down_none_last), ("finished", _down)),
    "duration_asc": (("duration", _up_none_last), ("finished", _down)),
    "entry_count_desc": (("entries", _down), ("finished", _down)),
    "entry_count_asc": (("entries", _up), ("finished", _down)),
}


def _none_first(column: ColumnElement[Any]) -> ColumnElement[Any]:
    return column.asc().nulls_first()


class _ListPart(NamedTuple):
    """Runs that follow each other in a list, and the direction of the first key that an index of them has."""

    condition: ColumnElement[bool]
    direction: Direction


# Each index costs 0.2 kB of WAL a run, so most keys have one index for both directions. The list in the other direction
# is read in parts, because an index that is read backwards also has its nulls at the other end, and its ties of a rank
# in the other order. A part that only has one value of the key is in the order of the index.
_PARTS: Mapping[str, Sequence[_ListPart]] = {
    "worst_level_desc": [_ListPart(Run.worst_rank == literal_column(str(rank)), _up) for rank in range(5)],
    "score_asc": [_ListPart(Run.score.is_not(None), _none_first), _ListPart(Run.score.is_(None), _down_none_last)],
    "duration_asc": [
        _ListPart(Run.duration_ms.is_not(None), _none_first),
        _ListPart(Run.duration_ms.is_(None), _down_none_last),
    ],
    # Few runs have critical findings. The others are in the order of `error_desc`.
    "critical_desc": [
        _ListPart(Run.sev_critical > literal_column("0"), _down),
        _ListPart(Run.sev_critical == literal_column("0"), _down),
    ],
}


def select_page(
    sort: str,
    conditions: Sequence[ColumnElement[bool]],
    *,
    limit: Any,
    offset: Any = 0,
    others: Sequence[ColumnElement[Any]] = (),
) -> Select[Any]:
    """Select the sort keys (k0, k1, ...), ID and other columns of a page of runs, in order."""
    columns = [*sort_columns(RUN_KEYS, sort), *others]
    parts = [
        select(*columns)
        .where(*conditions, part.condition)
        .order_by(part.direction(columns[0]), *sort_order(columns, sort)[1:])
        .limit(limit + offset)
        .subquery()
        for part in _PARTS.get(sort, ())
    ]
    if not parts:
        return select(*columns).where(*conditions).order_by(*sort_order(columns, sort)).limit(limit).offset(offset)
    merged = union_all(*(select(part) for part in parts)).subquery()
    return select(merged).order_by(*sort_order(list(merged.c), sort)).limit(limit).offset(offset)


def has_status(status: str) -> ColumnElement[bool]:
    """Return the condition that a run has a status."""
    # The constant matches the partial index of runs that did not succeed, which SQLite does not use for a parameter.
    return (
        and_(Run.status != literal_column("0"), Run.status == status)
        if status != RunStatus.SUCCEEDED
        else Run.status == status
    )


def sort_columns(keys: SortKeys, sort: str) -> list[ColumnElement[Any]]:
    """Return the expressions of one sort, labelled k0, k1, ... and id."""
    columns = [getattr(keys, name).label(f"k{number}") for number, (name, _) in enumerate(SORTS[sort])]
    return [*columns, keys.id.label("id")]


def sort_order(columns: Sequence[ColumnElement[Any]], sort: str) -> list[ColumnElement[Any]]:
    """Return the sort order for the columns of sort_columns, or for their counterparts in a subquery.

    Columns after these do not matter.
    """
    directions = [direction for _, direction in SORTS[sort]] + [_up]
    return [direct(column) for column, direct in zip(columns, directions, strict=False)]
