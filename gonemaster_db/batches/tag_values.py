"""Values of one argument of a message tag over the runs of a batch."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import cast

from sqlalchemy import ColumnElement, Table, select
from sqlalchemy.orm import Session

from gonemaster_db.batches.batch_statistics import signature_of
from gonemaster_db.batches.batches import find_batch_key
from gonemaster_db.core.chunks import chunks
from gonemaster_db.core.errors import StatisticsPending
from gonemaster_db.core.texts import Text
from gonemaster_db.models import BatchStatistics, Run, TagValueTable
from gonemaster_db.runs.argument_values import canonical_json, readable
from gonemaster_db.runs.documents.registry import matching_kinds
from gonemaster_db.runs.documents.value_table import (
    MAX_TEXT,
    MAX_VALUES,
    DomainScores,
    ValueRow,
    ValueTable,
    by_count,
    by_lack,
    choose,
    unpack_rows,
)
from gonemaster_db.runs.matching_outcomes import find_outcomes, has_outcome
from gonemaster_db.runs.run_documents import read_in_parts

SLICE = 500
MAX_READ = 5000  # Runs with the message tag; the limit bounds the documents that one request reads.
_TABLES = cast("Table", TagValueTable.__table__)


@dataclass(frozen=True, slots=True)
class TagValue:
    """A value, the number of domains that have it, their average score and some of the domains."""

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
    """Return the values of an argument by number of domains, most frequent first.

    With `weight_by_score` a domain counts 100 minus its score, so that values of low-scoring domains come first. A
    value that is not a string is returned as JSON text; values longer than MAX_TEXT characters are skipped. Batches
    with statistics are answered from their tables, others from the documents of their runs. If a large batch has lost
    runs since its tables were built, the old tables are used until they are rebuilt.

    Raises: DocumentDamaged: The document of a run cannot be read. StatisticsPending: The batch is large and has no
    tables yet.
    """
    key = find_batch_key(session, batch_id)
    if key is None or '"' in argument:  # No argument name contains a quotation mark.
        return []
    signature = session.scalar(select(BatchStatistics.signature).where(BatchStatistics.batch_key == key))
    usable = limit <= MAX_VALUES and signature is not None
    ask_table = partial(_from_table, session, key, message_tag, argument, min_count, limit, weighted=weight_by_score)
    if usable and signature == signature_of(session, key):
        rows = ask_table()
    else:
        try:
            every = _from_documents(session, key, message_tag, argument)
        except StatisticsPending:
            if not usable:
                raise
            rows = ask_table()
        else:
            enough = [row for row in every if row.domains >= min_count]
            rows = sorted(enough, key=by_lack if weight_by_score else by_count)[:limit]
    return [TagValue(readable(row.text), row.domains, row.avg_score, row.samples) for row in rows]


def _from_table(
    session: Session, batch_key: int, message_tag: str, argument: str, min_count: int, limit: int, *, weighted: bool
) -> Sequence[ValueRow]:
    chosen = (
        _TABLES.c.batch_key == batch_key,
        _TABLES.c.tag == message_tag,
        _TABLES.c.argument == argument,
    )
    columns = (_TABLES.c.most, _TABLES.c.worst) if weighted else (_TABLES.c.most,)
    found = session.execute(select(*columns).where(*chosen)).one_or_none()
    if found is None:
        return []
    worst = found[1] if weighted else None
    table = ValueTable(unpack_rows(found[0]), None if worst is None else unpack_rows(worst), None)
    read_shared = _reader(session, chosen, table)
    return choose(table, min_count=min_count, limit=limit, weighted=weighted, read_shared=read_shared)


def _reader(
    session: Session, chosen: Sequence[ColumnElement[bool]], table: ValueTable
) -> Callable[[], Sequence[ValueRow]]:
    def read() -> Sequence[ValueRow]:
        shared = session.scalar(select(_TABLES.c.shared).where(*chosen))
        return table.most if shared is None else unpack_rows(shared)

    return read


def _from_documents(session: Session, batch_key: int, message_tag: str, argument: str) -> list[ValueRow]:
    if '"' in argument:  # No argument name contains a quotation mark.
        return []
    found: dict[str, DomainScores] = {}
    for value, domain, score in _found(session, batch_key, message_tag, argument):
        found.setdefault(value, DomainScores()).add(domain, score)
    return [value.row(text) for text, value in found.items()]


def _found(session: Session, batch_key: int, message_tag: str, argument: str) -> Iterator[tuple[str, str, int | None]]:
    """Yield each value as JSON text with its domain and score, run by run."""
    kinds = set(matching_kinds(session, tag=message_tag))
    matching = has_outcome(find_outcomes(session, kinds))
    query = select(Run.id, Run.score).where(Run.batch_key == batch_key, matching)
    found = session.execute(query.limit(MAX_READ + 1)).all()
    if len(found) > MAX_READ:
        raise StatisticsPending(
            Text(
                "the values of a batch with more than {most_read} runs are available only after it has finished",
                most_read=format(MAX_READ, ","),
            )
        )
    for rows in chunks(found, SLICE):
        scores: Mapping[str, int | None] = {row.id: row.score for row in rows}
        for run in chain.from_iterable(read_in_parts(session, list(scores))):
            for position, kind in enumerate(run.kinds):
                if kind in kinds:
                    args = run.full_document.arguments(position)
                    if argument in args and len(text := canonical_json(args[argument])) <= MAX_TEXT:
                        yield text, run.domain, scores[run.id]
