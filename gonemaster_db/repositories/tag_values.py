"""Which values an argument of one message tag has over the runs of a batch."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Text, cast, func, literal, select, type_coerce
from sqlalchemy.orm import Session

from gonemaster_db.json_text import dump_json
from gonemaster_db.models import Entry, Run

_SAMPLES = 10
_BEST = 100


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

    With `weight_by_score` a domain counts as what its score lacks to 100, so that values of bad domains come first.
    A value that is no string is given as JSON text.
    """
    value = _value(session, argument)
    found = (
        select(value.label("value"), Run.domain.label("domain"), func.min(Run.score).label("score"))
        .join(Run, Run.id == Entry.run_id)
        .where(Run.batch_id == batch_id, Entry.tag == message_tag, value.is_not(None))
        .group_by(value, Run.domain)
        .subquery()
    )
    count = func.count()
    lacking = func.coalesce(func.sum(_BEST - func.coalesce(found.c.score, _BEST)), 0)
    order = [lacking.desc(), count.desc()] if weight_by_score else [count.desc()]
    query = select(found.c.value, count, func.avg(found.c.score)).group_by(found.c.value).having(count >= min_count)
    rows = session.execute(query.order_by(*order, found.c.value).limit(limit)).all()
    return [
        TagValue(
            _readable(text),
            number,
            None if average is None else round(float(average), 1),
            session.scalars(
                select(found.c.domain).where(found.c.value == text).order_by(found.c.domain).limit(_SAMPLES)
            ).all(),
        )
        for text, number, average in rows
    ]


def _value(session: Session, argument: str) -> ColumnElement[str]:
    """Read the argument as JSON text: booleans and numbers then look the same on both databases."""
    if session.get_bind().dialect.name == "postgresql":
        name: ColumnElement[str] = literal(argument, Text())
    else:
        name = literal(f'$."{argument}"', Text())
    return cast(type_coerce(Entry.args, Text()).op("->")(name), Text())


def _readable(text: str) -> str:
    value = json.loads(text)
    return value if isinstance(value, str) else dump_json(value)
