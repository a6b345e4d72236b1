"""Moves runs from tables of entries and chains to outcomes and documents, in chunks that are committed one by one."""

import json
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, groupby
from math import isfinite
from operator import itemgetter
from typing import Any, NamedTuple

import sqlalchemy as sa
from alembic import context, op
from sqlalchemy import Connection

from gonemaster_db.base import CompressedText
from gonemaster_db.bulk import insert_into_table
from gonemaster_db.documents.outcomes import pack
from gonemaster_db.documents.run_document import by_columns, encode_text
from gonemaster_db.errors import StoreError
from gonemaster_db.ids import batch_key
from gonemaster_db.json_text import dump_json
from gonemaster_db.migrations.run_store import progress, tables
from gonemaster_db.migrations.run_store.indexes import NEW_INDEXES, OLD_INDEXES
from gonemaster_db.migrations.run_store.progress import Progress
from gonemaster_db.migrations.run_store.renaming import put_back, set_aside
from gonemaster_db.migrations.run_store.shared_rows import Kinds, Outcomes
from gonemaster_db.migrations.run_store.sql import (
    LEVELS,
    SAME_OF_BATCHES,
    SAME_OF_RUNS,
    STATUSES,
    codes,
    json_text,
    on_postgres,
    prefixed,
    reset_sequences,
    streamed,
)

CHUNK_RUNS = 500
CHUNK_ENTRIES = 50_000  # for runs that have more than usual: a chunk's documents are in memory
_SECOND = 1_000_000
_OLD = "old_"
_NUMBERED = (
    ("runs", "key"),
    ("entry_kinds", "id"),
    ("outcomes", "id"),
    ("module_outcomes", "id"),
    ("effective_profiles", "id"),
)
_MOVED = sa.table(
    "moved_runs", sa.column("id", sa.Text), sa.column("key", sa.Integer), sa.column("outcome_id", sa.Integer)
)
_DOCUMENTS = sa.table(
    "run_documents",
    sa.column("run_key", sa.Integer),
    sa.column("codec", sa.Integer),
    sa.column("document", sa.LargeBinary),
)
_NO_MORE: tuple[str, Iterable[Sequence[Any]]] = ("", ())


class OldRun(NamedTuple):
    """What is read of a run besides the columns that stay as they are; JSON as text."""

    id: str
    entry_count: int
    timings: str | None
    chain: str | None


def begin() -> None:
    """Set the tables of before aside and create those of after, with batches and effective profiles."""
    tables.drop_references()
    set_aside(tables.OLD_TABLES, _OLD, indexed=["ix_entries_run_id_id"])
    tables.create_new_tables()
    connection = op.get_bind()
    _move_batches(connection)
    _move_profiles(connection)
    progress.begin("up", source=f"{_OLD}runs")


def undo() -> None:
    """Take the tables of before back."""
    for table in tables.NEW_TABLES:
        op.drop_table(table)
    put_back(tables.OLD_TABLES, _OLD)
    for index in OLD_INDEXES:
        index.create()
    tables.restore_references()
    progress.end()


def move() -> None:
    """Move the runs that have not moved yet, and create indexes."""
    connection = op.get_bind()
    position = Progress(connection)
    kinds = Kinds(connection)
    outcomes = Outcomes(connection, kinds)
    while runs := _next_runs(connection, position.position.run_id):
        _move_runs(connection, runs, first_key=position.position.done + 1, kinds=kinds, outcomes=outcomes)
        position.advance(runs[-1].id, moved=len(runs))
    for number, index in enumerate(NEW_INDEXES, 1):
        index.create()
        position.finished(index.name, number, len(NEW_INDEXES))


def finish() -> None:
    """Drop the tables of before, all of whose rows have moved."""
    connection = op.get_bind()
    _count_runs(connection)
    reset_sequences(connection, _NUMBERED)
    for table in tables.OLD_TABLES:
        op.drop_table(_OLD + table)
    tables.restore_references()
    progress.end()
    context.config.attributes.setdefault("rewritten", []).extend(tables.NEW_TABLES)


def _move_batches(connection: Connection) -> None:
    names = ", ".join(SAME_OF_BATCHES)
    move = sa.text(f"INSERT INTO batches (key, {names}) SELECT :key, {names} FROM {_OLD}batches WHERE id = :id")
    keys: dict[int, str] = {}
    for batch_id in connection.scalars(sa.text(f"SELECT id FROM {_OLD}batches ORDER BY id")).all():
        key = batch_key(batch_id)
        if key in keys:
            raise StoreError(f"the batches {keys[key]} and {batch_id} have the same key; delete one of them")
        keys[key] = batch_id
    if keys:
        connection.execute(move, [{"key": key, "id": batch_id} for key, batch_id in keys.items()])


def _move_profiles(connection: Connection) -> None:
    """Compress the documents; one at a time, as a document is large and most stores have few."""
    read = sa.text(f"SELECT document FROM {_OLD}effective_profiles WHERE digest = :digest")
    move = sa.text(
        "INSERT INTO effective_profiles (id, digest, document, created_at)"
        f" SELECT :id, digest, :document, created_at FROM {_OLD}effective_profiles WHERE digest = :digest"
    ).bindparams(sa.bindparam("document", type_=CompressedText))
    digests = connection.scalars(sa.text(f"SELECT digest FROM {_OLD}effective_profiles ORDER BY digest")).all()
    for number, digest in enumerate(digests, 1):
        document = connection.execute(read, {"digest": digest}).scalar_one()
        connection.execute(move, {"id": number, "digest": digest, "document": document})


def _next_runs(connection: Connection, after: str) -> list[OldRun]:
    """Read the next runs in order of id: up to CHUNK_RUNS, fewer if they have many entries."""
    query = (
        f"SELECT r.id, r.entry_count, {json_text(connection, 'r.nameserver_timings')} AS timings,"
        f" {json_text(connection, 'c.chain')} AS chain FROM {_OLD}runs r"
        f" LEFT JOIN {_OLD}run_dnssec_chain c ON c.run_id = r.id WHERE r.id > :after ORDER BY r.id LIMIT {CHUNK_RUNS}"
    )
    found = [OldRun(*row) for row in connection.execute(sa.text(query), {"after": after})]
    entries = list(accumulate(run.entry_count for run in found))
    return found[: max(1, bisect_right(entries, CHUNK_ENTRIES))]


def _move_runs(
    connection: Connection, runs: Sequence[OldRun], *, first_key: int, kinds: Kinds, outcomes: Outcomes
) -> None:
    """Write rows, outcomes and documents of runs. Keys are in the order of ids."""
    sequences, documents = [], []
    compact = _compact if on_postgres(connection) else _compact_unless_it_is
    for key, (run, entries) in enumerate(_with_entries(connection, runs), first_key):
        sequence, times, arguments = [], [], []
        for _, module, testcase, tag, level, timestamp, args in entries:
            sequence.append(kinds.id_of((module, testcase, tag, level)))
            times.append(round(timestamp * _SECOND) if isfinite(timestamp) else 0)
            arguments.append(compact(args))
        sequences.append(pack(sequence))
        if arguments or run.timings is not None or run.chain is not None:
            documents.append((key, *encode_text(times, arguments, _timings(run.timings), _chain(run.chain))))
    moved = enumerate(zip(runs, outcomes.ids_of(sequences), strict=True), first_key)
    _insert_runs(connection, [(run.id, key, outcome_id) for key, (run, outcome_id) in moved])
    insert_into_table(connection, _DOCUMENTS, ("run_key", "codec", "document"), documents)


def _with_entries(connection: Connection, runs: Sequence[OldRun]) -> Iterator[tuple[OldRun, list[Sequence[Any]]]]:
    """Read the entries of runs, those of one run at a time: (run id, kind, timestamp, arguments)."""
    query = (
        "SELECT run_id, module, testcase, tag, level, timestamp,"
        f" {json_text(connection, 'args')} AS args FROM {_OLD}entries"
        " WHERE run_id >= :first AND run_id <= :last ORDER BY run_id, id"
    )
    groups = groupby(streamed(connection, query, first=runs[0].id, last=runs[-1].id), key=itemgetter(0))
    run_id, entries = next(groups, _NO_MORE)
    for run in runs:
        if run.id == run_id:
            yield run, list(entries)
            run_id, entries = next(groups, _NO_MORE)
        else:
            yield run, []


def _compact(text: str) -> str:
    """Write JSON as documents have it: in one line without spaces; nothing for an empty object."""
    value = json.loads(text)
    return "" if value == {} else dump_json(value)


def _compact_unless_it_is(text: str) -> str:
    """Do the same with a text that was written so already, as a rule."""
    if text == "{}":
        return ""
    return _compact(text) if "\n" in text or "\\u0000" in text else text


def _timings(text: str | None) -> str:
    rows = None if text is None else json.loads(text)
    return "" if rows is None else dump_json(by_columns(rows))


def _chain(text: str | None) -> str:
    return "" if text is None else dump_json(json.loads(text))


def _insert_runs(connection: Connection, moved: Sequence[tuple[str, int, int | None]]) -> None:
    """Copy rows inside the database, with their new references."""
    connection.execute(sa.text("CREATE TEMPORARY TABLE moved_runs (id TEXT PRIMARY KEY, key BIGINT, outcome_id INT)"))
    insert_into_table(connection, _MOVED, ("id", "key", "outcome_id"), moved)
    new = {
        "key": "m.key",
        "outcome_id": "m.outcome_id",
        "batch_key": "b.key",
        "effective_profile_id": "p.id",
        "status": codes("r.status", STATUSES),
        "worst_level": codes("r.worst_level", LEVELS),
    }
    written = connection.execute(
        sa.text(
            f"INSERT INTO runs ({', '.join(new)}, {', '.join(SAME_OF_RUNS)})"
            f" SELECT {', '.join(new.values())}, {prefixed(SAME_OF_RUNS, 'r')}"
            f" FROM moved_runs m JOIN {_OLD}runs r ON r.id = m.id LEFT JOIN batches b ON b.id = r.batch_id"
            " LEFT JOIN effective_profiles p ON p.digest = r.effective_profile_digest"
        )
    )
    if written.rowcount != len(moved):
        raise StoreError(f"{written.rowcount} of {len(moved)} runs were written")
    connection.execute(sa.text("DROP TABLE moved_runs"))


def _count_runs(connection: Connection) -> None:
    """Write the counters of batches and those of all runs, which have 0 in place of a batch."""
    for batch, condition in (("batch_key", "WHERE batch_key IS NOT NULL"), ("0", "")):
        groups = f"{batch}, 0, status, coalesce(worst_level, -1), coalesce(grade, '')"
        connection.execute(
            sa.text(
                "INSERT INTO run_counters (batch_key, shard, status, level, grade, runs)"
                f" SELECT {groups}, count(*) FROM runs {condition} GROUP BY 1, 3, 4, 5"
            )
        )
