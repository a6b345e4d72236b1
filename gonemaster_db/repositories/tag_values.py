"""Values of one argument of a message tag over the runs of a batch."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Any

from sqlalchemy import CTE, ColumnElement, Select, Text, cast, desc, func, literal, select, type_coerce
from sqlalchemy.orm import Session

from gonemaster_db.json_text import dump_json
from gonemaster_db.models import Entry, Run

_SAMPLES = 10
_MAX_SCORE = 100


@dataclass(frozen=True, slots=True)
class TagValue:
    """One value, the number of domains that have it, their average score and some of their names."""

    value: str
    count: int
    avg_score: float | None
    sample_domains: Sequence[str]


def list_tag_values(
    session: Session,
    batch_id: str,
    *,
    message_tag: str,
    argument: str,
    min_count: int = 1,
    limit: int = 50,
    weight_by_score: bool = False,
) -> list[TagValue]:
    """Group the values by the number of domains, most first.

    With `weight_by_score` a domain counts 100 minus its score, so that values of bad domains come first.
    A value that is not a string is returned as JSON text.
    """
    if '"' in argument:  # no argument has such a name, and a JSON path of SQLite cannot express it
        return []
    found = _found(_value(session, argument), batch_id, message_tag)
    counted = _counted(found, min_count, weight_by_score=weight_by_score).limit(limit).cte("counted")
    place = func.row_number().over(partition_by=found.c.value, order_by=found.c.domain)
    placed = select(found.c.value, found.c.domain, place.label("place")).cte("placed")
    query = (
        select(counted.c.value, counted.c.number, counted.c.average, placed.c.domain)
        .join(placed, placed.c.value == counted.c.value)
        .where(placed.c.place <= _SAMPLES)
        .order_by(counted.c.lacking.desc(), counted.c.number.desc(), counted.c.value, placed.c.place)
    )
    return [_tag_value(list(rows)) for _, rows in groupby(session.execute(query), key=itemgetter(0))]


def _found(value: ColumnElement[str], batch_id: str, message_tag: str) -> CTE:
    """Select values with each of their domains; a CTE that is used twice is computed once."""
    return (
        select(value.label("value"), Run.domain.label("domain"), func.min(Run.score).label("score"))
        .join(Run, Run.id == Entry.run_id)
        .where(Run.batch_id == batch_id, Entry.tag == message_tag, value.is_not(None))
        .group_by(value, Run.domain)
        .cte("found")
    )


def _counted(found: CTE, min_count: int, *, weight_by_score: bool) -> "Select[str, int, Any, int]":
    count = func.count()
    lacking = (
        func.coalesce(func.sum(_MAX_SCORE - func.coalesce(found.c.score, _MAX_SCORE)), 0)
        if weight_by_score
        else literal(0)
    )
    return (
        select(
            found.c.value,
            count.label("number"),
            func.avg(found.c.score).label("average"),
            lacking.label("lacking"),
        )
        .group_by(found.c.value)
        .having(count >= min_count)
        .order_by(desc("lacking"), count.desc(), found.c.value)
    )


def _tag_value(rows: Sequence[Any]) -> TagValue:
    text, number, average, _ = rows[0]
    score = None if average is None else round(float(average), 1)
    return TagValue(_readable(text), number, score, [row[3] for row in rows])


def _value(session: Session, argument: str) -> ColumnElement[str]:
    """Read the argument as JSON text, in which booleans and numbers look the same on both databases."""
    if session.get_bind().dialect.name == "postgresql":
        name: ColumnElement[str] = literal(argument, Text())
    else:
        name = literal(f'$."{argument}"', Text())
    return cast(type_coerce(Entry.args, Text()).op("->")(name), Text())


def _readable(text: str) -> str:
    value = json.loads(text)
    return value if isinstance(value, str) else dump_json(value)
