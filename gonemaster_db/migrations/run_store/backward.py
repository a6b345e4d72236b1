"""Moves runs back from outcomes and documents to tables of entries and chains, in chunks that are committed."""

import logging
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import repeat
from typing import Any, NamedTuple

import sqlalchemy as sa
from alembic import op
from sqlalchemy import Connection

from gonemaster_db.core.base import CompressedText
from gonemaster_db.core.bulk import insert_into_table
from gonemaster_db.core.errors import DocumentDamaged
from gonemaster_db.core.json_text import dump_json
from gonemaster_db.migrations.run_store import progress, tables
from gonemaster_db.migrations.run_store.indexes import NEW_INDEXES, OLD_INDEXES
from gonemaster_db.migrations.run_store.moving import brought_along, copy_runs, move_runs
from gonemaster_db.migrations.run_store.renaming import put_back, set_aside
from gonemaster_db.migrations.run_store.shared_rows import Kind, Kinds
from gonemaster_db.migrations.run_store.sql import (
    LEVELS,
    SAME_OF_BATCHES,
    STATUSES,
    on_postgres,
    reset_sequences,
    words_of,
)
from gonemaster_db.runs.documents.packing import unpack
from gonemaster_db.runs.documents.run_document import NO_DOCUMENT, RunDocument, decode_document

log = logging.getLogger(__name__)
CHUNK_RUNS = 500
_NEW = "new_"
_RENAMED = ("runs", "batches", "effective_profiles")  # those whose names the tables of before have, too
_ENTRY = ("id", "run_id", "domain_id", "timestamp", "module", "testcase", "tag", "level", "args")
_REPEATED = ("run_id", "module", "testcase", "tag", "level")
_ENTRIES = sa.table(
    "entries",
    *(sa.column(name, sa.Integer) for name in ("id", "domain_id", "timestamp")),
    *(sa.column(name, sa.String(64)) for name in _REPEATED),  # encoded once for many rows
    sa.column("args", sa.Text),  # JSON as text
)
_CHAINS = sa.table("run_dnssec_chain", sa.column("run_id", sa.Text), sa.column("chain", sa.Text))
_TIMINGS = brought_along(sa.Column("timings", sa.Text))


class NewRun(NamedTuple):
    """What is read of a run besides the columns that stay as they are: its outcome and its document, if it has them."""

    id: str
    domain_id: int
    kinds: bytes | None
    codec: int | None
    document: bytes | None


def begin() -> None:
    """Set the tables of after aside and create those of before, with batches and effective profiles."""
    tables.drop_references()
    set_aside(_RENAMED, _NEW)
    tables.create_old_tables()
    connection = op.get_bind()
    names = ", ".join(SAME_OF_BATCHES)
    connection.execute(sa.text(f"INSERT INTO batches ({names}) SELECT {names} FROM {_NEW}batches"))
    _move_profiles(connection)
    progress.begin("down", source=f"{_NEW}runs")


def undo() -> None:
    """Take the tables of after back."""
    for table in tables.OLD_TABLES:
        op.drop_table(table)
    put_back(_RENAMED, _NEW)
    for index in NEW_INDEXES:
        index.create()
    tables.restore_references()
    progress.end()


def move() -> None:
    """Move the runs that have not moved yet, and create indexes."""
    move_runs(_next_runs, partial(_move_runs, kinds=Kinds(op.get_bind()).by_id), OLD_INDEXES)


def finish() -> None:
    """Drop the tables of after, all of whose rows have moved."""
    reset_sequences(op.get_bind(), [("entries", "id")])
    tables.refer_from_entries()
    for table in tables.NEW_TABLES:
        op.drop_table(_NEW + table if table in _RENAMED else table)
    tables.restore_references()
    progress.end()


def _move_profiles(connection: Connection) -> None:
    read = sa.text(f"SELECT document FROM {_NEW}effective_profiles WHERE id = :id").columns(document=CompressedText)
    move = sa.text(
        "INSERT INTO effective_profiles (digest, document, created_at)"
        f" SELECT digest, :document, created_at FROM {_NEW}effective_profiles WHERE id = :id"
    )
    for number in connection.scalars(sa.text(f"SELECT id FROM {_NEW}effective_profiles ORDER BY id")).all():
        document = connection.execute(read, {"id": number}).scalar_one()
        connection.execute(move, {"id": number, "document": document})


def _next_runs(connection: Connection, after: str) -> Sequence[NewRun]:
    query = (
        f"SELECT r.id, r.domain_id, o.kinds, d.codec, d.document FROM {_NEW}runs r"
        " LEFT JOIN outcomes o ON o.id = r.outcome_id LEFT JOIN run_documents d ON d.run_key = r.key"
        f" WHERE r.id > :after ORDER BY r.id LIMIT {CHUNK_RUNS}"
    )
    return [NewRun(*row) for row in connection.execute(sa.text(query), {"after": after})]


def _move_runs(connection: Connection, runs: Sequence[NewRun], moved: int, *, kinds: dict[int, Kind]) -> None:
    documents = [_document(run) for run in runs]
    timings = [None if found is None else found.nameserver_timings for found in documents]
    _insert_runs(connection, [(run.id, _text(value)) for run, value in zip(runs, timings, strict=True)])
    last = connection.execute(sa.text("SELECT coalesce(max(id), 0) FROM entries")).scalar_one()
    rows = (row for run, document in zip(runs, documents, strict=True) for row in _entries(run, document, kinds))
    insert_into_table(connection, _ENTRIES, _ENTRY, ((number, *row) for number, row in enumerate(rows, last + 1)))
    chains = [
        (run.id, dump_json(document.chain))
        for run, document in zip(runs, documents, strict=True)
        if document is not None and document.has_chain
    ]
    insert_into_table(connection, _CHAINS, ("run_id", "chain"), chains)


def _entries(run: NewRun, document: RunDocument | None, kinds: dict[int, Kind]) -> Iterator[tuple[Any, ...]]:
    """Return the rows of entries without their ids."""
    numbers = unpack(run.kinds or b"")
    times = repeat(0.0) if document is None else document.timestamps
    lines = repeat(b"") if document is None else document.argument_lines
    for number, time, args in zip(numbers, times, lines, strict=False):  # as many as numbers, see _document
        yield run.id, run.domain_id, time, *kinds[number], args.decode() or "{}"


def _document(run: NewRun) -> RunDocument | None:
    """Read a document. A damaged one, whose entries the service lists without arguments and times, does so here."""
    try:
        document = NO_DOCUMENT if run.codec is None else decode_document(run.codec, bytes(run.document or b""))
        if document.entry_count != len(unpack(run.kinds or b"")):
            raise DocumentDamaged("it does not fit its outcome")
        document.timestamps, document.nameserver_timings, document.chain  # noqa: B018  # read here for their errors
    except DocumentDamaged as error:
        log.error(
            "the document of a run is damaged and moves without arguments",
            extra={"job_id": run.id, "error": str(error)},
        )
        return None
    return document


def _insert_runs(connection: Connection, moved: Sequence[tuple[str, str | None]]) -> None:
    """Copy rows inside the database, with their references of before."""
    old = {
        "batch_id": "b.id",
        "effective_profile_digest": "p.digest",
        "nameserver_timings": "CAST(m.timings AS jsonb)" if on_postgres(connection) else "m.timings",
        "status": words_of("r.status", STATUSES),
        "worst_level": words_of("r.worst_level", LEVELS),
    }
    joins = (
        f"LEFT JOIN {_NEW}batches b ON b.key = r.batch_key"
        f" LEFT JOIN {_NEW}effective_profiles p ON p.id = r.effective_profile_id"
    )
    copy_runs(connection, moved, _TIMINGS, source=f"{_NEW}runs", changed=old, joins=joins)


def _text(value: Any) -> str | None:
    return None if value is None else dump_json(value)
