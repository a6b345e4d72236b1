"""Moves runs from tables of entries and chains to outcomes and documents, in chunks that are committed one by one."""

import json
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import accumulate, groupby
from operator import itemgetter
from typing import Any, NamedTuple

import sqlalchemy as sa
from alembic import context, op
from sqlalchemy import Connection

from gonemaster_db.core.base import CompressedText
from gonemaster_db.core.bulk import insert_into_table
from gonemaster_db.core.errors import StoreError
from gonemaster_db.core.ids import batch_key
from gonemaster_db.core.json_text import dump_json
from gonemaster_db.migrations.run_store import progress, tables
from gonemaster_db.migrations.run_store.indexes import NEW_INDEXES, OLD_INDEXES
from gonemaster_db.migrations.run_store.moving import brought_along, copy_runs, move_runs
from gonemaster_db.migrations.run_store.renaming import put_back, set_aside
from gonemaster_db.migrations.run_store.shared_rows import Kinds, Outcomes
from gonemaster_db.migrations.run_store.sql import (
    LEVELS,
    SAME_OF_BATCHES,
    STATUSES,
    codes,
    json_text,
    on_postgres,
    reset_sequences,
    streamed,
)
from gonemaster_db.runs.documents.packing import pack
from gonemaster_db.runs.documents.run_document import by_columns, encode_text, microseconds

CHUNK_RUNS = 500
CHUNK_ENTRIES = 50_000  # for runs that have more than usual: a chunk's documents are in memory
_OLD = "old_"
_NUMBERED = (
    ("runs", "key"),
    ("entry_kinds", "id"),
    ("outcomes", "id"),
    ("module_outcomes", "id"),
    ("effective_profiles", "id"),
)
_KEYS = brought_along(sa.Column("key", sa.BigInteger), sa.Column("outcome_id", sa.Integer))
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
    kinds = Kinds(op.get_bind())
    outcomes = Outcomes(op.get_bind(), kinds)
    move_runs(_next_runs, partial(_move_runs, kinds=kinds, outcomes=outcomes), NEW_INDEXES)


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


def _move_runs(connection: Connection, runs: Sequence[OldRun], moved: int, *, kinds: Kinds, outcomes: Outcomes) -> None:
    """Write rows, outcomes and documents of runs. Keys are in the order of ids."""
    sequences, documents = [], []
    compact = _compact if on_postgres(connection) else _compact_unless_it_is
    first_key = moved + 1
    for key, (run, entries) in enumerate(_with_entries(connection, runs), first_key):
        sequences.append(pack([kinds.id_of((module, case, tag, level)) for _, module, case, tag, level, *_ in entries]))
        times = [microseconds(time) for *_, time, _ in entries]
        arguments = ["" if text == "{}" else text for text in compact([entry[-1] for entry in entries])]
        if entries or run.timings is not None or run.chain is not None:
            documents.append((key, *encode_text(times, arguments, _timings(run.timings), _chain(run.chain))))
    numbered = enumerate(zip(runs, outcomes.ids_of(sequences), strict=True), first_key)
    _insert_runs(connection, [(run.id, key, outcome_id) for key, (run, outcome_id) in numbered])
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


def _compact(texts: Sequence[str]) -> list[str]:
    """Take the spaces between tokens out of JSON of PostgreSQL, as documents have none.

    JSON has no control characters. They stand between texts, and for escapes while quotation marks are looked for.
    """
    if not texts:
        return []
    parts = "\n".join(texts).replace("\\\\", "\1").replace('\\"', "\2").split('"')
    parts[::2] = "\0".join(parts[::2]).replace(" ", "").split("\0")  # the others are strings
    return '"'.join(parts).replace("\2", '\\"').replace("\1", "\\\\").split("\n")


def _compact_unless_it_is(texts: Sequence[str]) -> list[str]:
    """Do the same with texts that were written so already, as a rule."""
    return [dump_json(json.loads(text)) if "\n" in text or "\\u0000" in text else text for text in texts]


def _timings(text: str | None) -> str:
    rows = None if text is None else json.loads(text)
    return "" if rows is None else dump_json(by_columns(rows))


def _chain(text: str | None) -> str:
    return "" if text is None else dump_json(json.loads(text))


def _insert_runs(connection: Connection, moved: Sequence[tuple[str, int, int | None]]) -> None:
    """Copy rows inside the database, with their new references."""
    new = {
        "key": "m.key",
        "outcome_id": "m.outcome_id",
        "batch_key": "b.key",
        "effective_profile_id": "p.id",
        "status": codes("r.status", STATUSES),
        "worst_level": codes("r.worst_level", LEVELS),
    }
    joins = (
        "LEFT JOIN batches b ON b.id = r.batch_id"
        " LEFT JOIN effective_profiles p ON p.digest = r.effective_profile_digest"
    )
    copy_runs(connection, moved, _KEYS, source=f"{_OLD}runs", changed=new, joins=joins)


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
