"""Sort orders of lists of jobs and runs; ties are always sorted by ID in ascending order."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, SmallInteger, cast, func, literal, null

from gonemaster_db.core.base import UtcDateTime
from gonemaster_db.models import Job, Run

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


def sort_columns(keys: SortKeys, sort: str) -> list[ColumnElement[Any]]:
    """Return the expressions of one sort, labelled k0, k1, ... and id."""
    columns = [getattr(keys, name).label(f"k{number}") for number, (name, _) in enumerate(SORTS[sort])]
    return [*columns, keys.id.label("id")]


def sort_order(columns: Sequence[ColumnElement[Any]], sort: str) -> list[ColumnElement[Any]]:
    """Return the sort order for the columns of sort_columns, or for their counterparts in a subquery."""
    directions = [direction for _, direction in SORTS[sort]] + [_up]
    return [direct(column) for column, direct in zip(columns, directions, strict=True)]
