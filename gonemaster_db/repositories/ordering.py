"""How lists of jobs and runs are sorted; ties always end with the id ascending."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, func, literal

from gonemaster_db.base import UtcDateTime
from gonemaster_db.models import Job, Run

JOB_SORT = "started_at_desc"
RUN_SORT = "finished_at_desc"
_NEVER = literal(datetime(1, 1, 1, tzinfo=UTC), UtcDateTime())
_LONGEST = 2**62
_ASC, _DESC = False, True


@dataclass(frozen=True)
class SortKeys:
    """Expressions to sort by, of jobs or of runs."""

    id: ColumnElement[Any]
    created: ColumnElement[Any]
    begun: ColumnElement[Any]
    finished: ColumnElement[Any]
    domain: ColumnElement[Any]
    batch: ColumnElement[Any]
    severe: ColumnElement[Any]
    critical: ColumnElement[Any]
    rank: ColumnElement[Any]
    score_or_least: ColumnElement[Any]
    score_or_most: ColumnElement[Any]
    duration_or_least: ColumnElement[Any]
    duration_or_most: ColumnElement[Any]
    entries: ColumnElement[Any]


RUN_KEYS = SortKeys(
    id=Run.id.expression,
    created=Run.created_at.expression,
    begun=Run.begun_at.expression,
    finished=Run.finished_at.expression,
    domain=Run.domain.expression,
    batch=func.coalesce(Run.batch_id, ""),
    severe=Run.sev_severe.expression,
    critical=Run.sev_critical.expression,
    rank=Run.worst_rank.expression,
    score_or_least=func.coalesce(Run.score, -1),
    score_or_most=func.coalesce(Run.score, 9999),
    duration_or_least=func.coalesce(Run.duration_ms, -1),
    duration_or_most=func.coalesce(Run.duration_ms, _LONGEST),
    entries=Run.entry_count.expression,
)
# What an unfinished job does not have yet counts as nothing.
JOB_KEYS = SortKeys(
    id=Job.id.expression,
    created=Job.created_at.expression,
    begun=func.coalesce(Job.started_at, Job.created_at),
    finished=_NEVER,
    domain=Job.domain.expression,
    batch=func.coalesce(Job.batch_id, ""),
    severe=literal(0),
    critical=literal(0),
    rank=literal(0),
    score_or_least=literal(-1),
    score_or_most=literal(9999),
    duration_or_least=literal(-1),
    duration_or_most=literal(_LONGEST),
    entries=literal(0),
)

SORTS: dict[str, tuple[tuple[str, bool], ...]] = {
    "created_at_desc": (("created", _DESC),),
    "created_at_asc": (("created", _ASC),),
    "started_at_desc": (("begun", _DESC), ("created", _DESC)),
    "started_at_asc": (("begun", _ASC), ("created", _ASC)),
    "domain_asc": (("domain", _ASC), ("finished", _DESC)),
    "domain_desc": (("domain", _DESC), ("finished", _DESC)),
    "batch_id_asc": (("batch", _ASC), ("finished", _DESC)),
    "batch_id_desc": (("batch", _DESC), ("finished", _DESC)),
    "error_desc": (("severe", _DESC), ("critical", _DESC), ("finished", _DESC)),
    "critical_desc": (("critical", _DESC), ("severe", _DESC), ("finished", _DESC)),
    "finished_at_desc": (("finished", _DESC),),
    "finished_at_asc": (("finished", _ASC),),
    "worst_level_desc": (("rank", _DESC), ("finished", _DESC)),
    "worst_level_asc": (("rank", _ASC), ("finished", _DESC)),
    "score_desc": (("score_or_least", _DESC), ("finished", _DESC)),
    "score_asc": (("score_or_most", _ASC), ("finished", _DESC)),
    "duration_desc": (("duration_or_least", _DESC), ("finished", _DESC)),
    "duration_asc": (("duration_or_most", _ASC), ("finished", _DESC)),
    "entry_count_desc": (("entries", _DESC), ("finished", _DESC)),
    "entry_count_asc": (("entries", _ASC), ("finished", _DESC)),
}


def sort_columns(keys: SortKeys, sort: str) -> list[ColumnElement[Any]]:
    """List the expressions of one sort, labelled k0, k1, ... and id."""
    columns = [getattr(keys, name).label(f"k{number}") for number, (name, _) in enumerate(SORTS[sort])]
    return [*columns, keys.id.label("id")]


def sort_order(columns: Sequence[ColumnElement[Any]], sort: str) -> list[ColumnElement[Any]]:
    """Direct the columns of sort_columns, or their counterparts in a subquery."""
    directions = [descending for _, descending in SORTS[sort]] + [_ASC]
    return [
        column.desc() if descending else column.asc() for column, descending in zip(columns, directions, strict=True)
    ]
