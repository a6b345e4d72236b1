"""Builds the statistics of a finished batch: one pass over its documents, then a table for each tag and argument.

The pass writes the values of each slice of runs to a temporary file, by tag and argument. The tables are then built one
by one from that file, so that memory holds the values of one argument only, and only a share of them if there are very
many. A process that is killed leaves nothing behind; the next process starts from the beginning.
"""

import hashlib
import logging
import os
import tempfile
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import chain
from typing import IO, Any

from sqlalchemy import and_, delete, or_, select, update
from sqlalchemy.orm import Session

from gonemaster_db.core.bulk import insert_rows
from gonemaster_db.core.errors import DocumentDamaged
from gonemaster_db.core.session import Store
from gonemaster_db.models import Batch, BatchStatistics, Job, Run, TagValueTable
from gonemaster_db.runs.argument_values import values_of_run
from gonemaster_db.runs.counters import read_counts
from gonemaster_db.runs.documents.value_table import (
    MAX_TEXT,
    DomainScores,
    TableBuilder,
    ValueRow,
    ValueTable,
    pack_rows,
    unpack_rows,
)
from gonemaster_db.runs.run_documents import kinds_of, read_in_parts

log = logging.getLogger(__name__)

MIN_RUNS = 1000  # the values of a smaller batch are counted fast enough on request
_STALE, _STALE_FOR = b"", timedelta(hours=1)
SLICE = 500
ROWS_AT_A_TIME = 100_000
_MAX_NAME = 255  # Longer argument names are not precomputed; they are counted on request.
_COLUMNS = ("batch_key", "tag", "argument", "most", "worst", "shared")
Column = tuple[str, str]  # message tag and argument


def signature_of(session: Session, batch_key: int) -> bytes:
    """Return a digest of the counters of a batch, which changes when a run of the batch is deleted or scored."""
    counted = sorted((repr(group[1:]), number) for group, number in read_counts(session, batch_key).items())
    return hashlib.blake2b(repr(counted).encode(), digest_size=16).digest()


def batches_without_statistics(session: Session, *, now: datetime, limit: int = 10) -> Sequence[int]:
    """Return the keys of finished batches that need statistics, largest first.

    Only batches above MIN_RUNS qualify. A purge makes statistics stale at each step, so stale statistics are rebuilt
    an hour after they were built.
    """
    unfinished = or_(Batch.pending > 0, select(Job.id).where(Job.batch_id == Batch.id).exists())
    of_batch = BatchStatistics.batch_key == Batch.key
    due = or_(
        BatchStatistics.batch_key.is_(None),
        and_(BatchStatistics.signature == _STALE, BatchStatistics.made_at < now - _STALE_FOR),
    )
    query = select(Batch.key).outerjoin(BatchStatistics, of_batch)
    query = query.where(Batch.domain_count > MIN_RUNS, due, ~unfinished)
    return session.scalars(query.order_by(Batch.domain_count.desc(), Batch.key.desc()).limit(limit)).all()


def mark_stale(session: Session, batch_keys: Iterable[int | None]) -> None:
    """Mark the statistics of batches as stale after their runs were deleted or scored.

    The mark selects batches to rebuild; readers compare the signature.
    """
    if keys := sorted({key for key in batch_keys if key is not None}):
        marked = update(BatchStatistics).where(BatchStatistics.batch_key.in_(keys)).values(signature=_STALE)
        session.execute(marked, execution_options={"synchronize_session": False})


def build_statistics(
    store: Store, batch_key: int, *, now: Callable[[], datetime], step: Callable[[], bool] = lambda: True
) -> int | None:
    """Count the values of all arguments of a batch and store the tables; return the number of tables.

    `step` is called between two transactions and may sleep. If it returns False, or if runs of the batch were deleted
    or scored in the meantime, nothing is stored and the result is None.
    """
    with store.read_only() as session:
        signature = signature_of(session, batch_key)
    with tempfile.TemporaryFile(prefix="gonemaster-values-") as file:
        parts = _Parts(file)
        for values in _slices(store, batch_key):
            parts.write(values)
            if not step():
                return None
        # Tables are built before the transaction starts: a long transaction would keep VACUUM from removing dead rows.
        for column in parts.columns():
            parts.make_table(column)
            if not step():
                return None
        return store.run_in_transaction(lambda session: _store(session, batch_key, signature, parts, now()))


def remove_statistics(session: Session, batch_key: int) -> None:
    """Remove the value tables of a batch, so that they are rebuilt."""
    session.execute(delete(TagValueTable).where(TagValueTable.batch_key == batch_key))
    session.execute(delete(BatchStatistics).where(BatchStatistics.batch_key == batch_key))


Values = Mapping[Column, Mapping[str, DomainScores]]


def _slices(store: Store, batch_key: int) -> Iterator[Values]:
    """Yield the values of one slice of runs at a time, by domain; all runs of a domain are in one slice."""
    after = ""
    while True:
        with store.read_only() as session:
            last = _last_domain(session, batch_key, after)
            if last is None:
                return
            yield _values(session, batch_key, after, last)
        after = last


def _last_domain(session: Session, batch_key: int, after: str) -> str | None:
    names = select(Run.domain).where(Run.batch_key == batch_key, Run.domain > after).order_by(Run.domain).limit(SLICE)
    return max(session.scalars(names), default=None)


def _values(session: Session, batch_key: int, after: str, last: str) -> Values:
    chosen = (Run.batch_key == batch_key, Run.domain > after, Run.domain <= last)
    scores: dict[str, int | None] = {
        row.id: row.score
        for row in session.execute(select(Run.id, Run.score).where(*chosen).order_by(Run.domain, Run.id))
    }
    found: defaultdict[Column, defaultdict[str, DomainScores]] = defaultdict(lambda: defaultdict(DomainScores))
    for run in chain.from_iterable(read_in_parts(session, list(scores))):
        try:
            for tag, argument, text in values_of_run(run, kinds_of(session, [run])):
                if len(argument) <= _MAX_NAME and len(text) <= MAX_TEXT:
                    found[tag, argument][text].add(run.domain, scores[run.id])
        except DocumentDamaged as error:
            log.error(
                "run with a damaged document omitted from the statistics", extra={"job_id": run.id, "error": str(error)}
            )
    return found


class _Parts:
    """The temporary file: packed rows of each slice, by tag and argument."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._positions: defaultdict[Column, list[tuple[int, int]]] = defaultdict(list)
        self._rows: defaultdict[Column, int] = defaultdict(int)
        self._tables: dict[Column, list[tuple[int, int] | None]] = {}

    def write(self, values: Values) -> None:
        """Append the values of a slice."""
        for column, domains in values.items():
            data = pack_rows(summary.row(text) for text, summary in domains.items())
            self._positions[column].append((self._file.tell(), len(data)))
            self._rows[column] += len(domains)
            self._file.write(data)

    def columns(self) -> list[Column]:
        """Return each tag and argument."""
        return sorted(self._positions)

    def make_table(self, column: Column) -> None:
        """Build the table of an argument and append it."""
        table = self._table(column)
        positions: list[tuple[int, int] | None] = []
        for rows in (table.most, table.worst, table.shared):
            if rows is None:
                positions.append(None)
            else:
                data = pack_rows(rows)
                positions.append((self._file.seek(0, os.SEEK_END), len(data)))
                self._file.write(data)
        self._tables[column] = positions

    def tables(self) -> Iterator[tuple[Any, ...]]:
        """Yield tag, argument and the three columns of each table."""
        for column, positions in self._tables.items():
            yield (*column, *(None if position is None else self._bytes_at(*position) for position in positions))

    def _table(self, column: Column) -> ValueTable:
        """Merge the rows of all slices; if there are very many, one share of the values at a time."""
        shares = 1 + self._rows[column] // ROWS_AT_A_TIME
        maker = TableBuilder()
        for share in range(shares):
            joined: dict[str, ValueRow] = {}
            for row in self._read(column):
                if shares == 1 or zlib.crc32(row.text.encode("utf-8", "surrogatepass")) % shares == share:
                    known = joined.get(row.text)
                    joined[row.text] = row if known is None else known.joined(row)
            maker.add(list(joined.values()))
        return maker.table()

    def _read(self, column: Column) -> Iterator[ValueRow]:
        for position, length in self._positions[column]:
            yield from unpack_rows(self._bytes_at(position, length))

    def _bytes_at(self, position: int, length: int) -> bytes:
        self._file.seek(position)
        return self._file.read(length)


def _store(session: Session, batch_key: int, signature: bytes, parts: _Parts, now: datetime) -> int | None:
    known = session.scalar(select(Batch.key).where(Batch.key == batch_key).with_for_update(key_share=True))
    if known is None or signature_of(session, batch_key) != signature:
        return None
    remove_statistics(session, batch_key)
    session.add(BatchStatistics(batch_key=batch_key, signature=signature, made_at=now))
    session.flush()
    insert_rows(session, TagValueTable, _COLUMNS, ((batch_key, *table) for table in parts.tables()))
    return len(parts.columns())
