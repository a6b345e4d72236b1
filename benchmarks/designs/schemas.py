"""The designs: for each a schema, how it writes a run, and how it reads a page of entries of one kind."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import groupby
from typing import Any, ClassVar

from benchmarks.designs.databases import Database
from benchmarks.designs.documents import decompressed, packed, unpacked
from benchmarks.sweep.sample import Kind

PAGE, TOTAL_MAX = 100, 100_000
_FEW = 5000
_COUNTS = "kind_id smallint, {0} integer, count smallint, PRIMARY KEY (kind_id, {0})"
_MODULES = "module_outcome_id integer, outcome_id integer, PRIMARY KEY (module_outcome_id, outcome_id)"


@dataclass(frozen=True)
class Stored:
    """A run in the form in which it is written."""

    key: int
    batch_key: int
    kinds: Sequence[int]
    document: bytes


class Design(ABC):
    """A schema with its ways to write a run and to read a page of entries of one kind."""

    title: ClassVar[str]
    tables: ClassVar[Sequence[str]]
    outcome_column = False

    def __init__(self, database: Database, kinds: Sequence[Kind]) -> None:
        self.database = database
        self.kinds = kinds
        types = ("bytea", "bigint") if database.name == "postgres" else ("blob", "integer")
        outcome = ", outcome_id integer" if self.outcome_column else ""
        for statement in (
            f"CREATE TABLE runs (key bigint PRIMARY KEY, batch_key integer{outcome})",
            f"CREATE INDEX runs_batch ON runs (batch_key, key{', outcome_id' if outcome else ''})",
            "CREATE TABLE documents (run_key bigint PRIMARY KEY, kinds octets, document octets)",
            *self.tables,
        ):
            statement = statement.replace("octets", types[0])
            if database.name == "sqlite":
                statement = statement.replace("bigint PRIMARY KEY", "integer PRIMARY KEY")
            database.execute(statement)
        if database.name == "postgres":
            database.execute("ALTER TABLE documents ALTER document SET STORAGE EXTERNAL")
        database.commit()

    @abstractmethod
    def write(self, runs: Sequence[Stored]) -> None:
        """Write runs within the open transaction."""

    @abstractmethod
    def page(self, kind: int, batch: int | None) -> tuple[list[Any], int]:
        """Return the first entries (run and arguments) of a kind, and their number up to the limit."""

    def entries_of(self, keys: Sequence[int], kind: int, kinds: dict[int, Sequence[int]] | None = None) -> list[Any]:
        """Read the documents of some runs and return the lines of this kind."""
        marks = ", ".join("?" * len(keys))
        rows = self.database.execute(
            f"SELECT run_key, kinds, document FROM documents WHERE run_key IN ({marks}) ORDER BY run_key", keys
        )
        found: list[Any] = []
        for key, stored, document in rows:
            of_run = kinds[key] if kinds else unpacked(stored)
            lines = decompressed(bytes(document)).split(b"\n")
            found += [(key, lines[place]) for place, one in enumerate(of_run) if one == kind]
        return found[:PAGE]


class Rows(Design):
    """A narrow row for each entry."""

    title = "a row for each entry"
    tables = (
        "CREATE TABLE entries (kind_id smallint, run_key bigint, ordinal smallint)",
        "CREATE INDEX entries_kind ON entries (kind_id, run_key)",
        "CREATE INDEX entries_run ON entries (run_key)",
    )

    def write(self, runs: Sequence[Stored]) -> None:
        self.database.insert("runs", [(run.key, run.batch_key) for run in runs])
        self.database.insert("documents", [(run.key, packed(run.kinds), run.document) for run in runs])
        rows = [(kind, run.key, place) for run in runs for place, kind in enumerate(run.kinds) if self.is_row(kind)]
        self.database.insert("entries", rows)

    def is_row(self, _kind: int) -> bool:
        return True

    def page(self, kind: int, batch: int | None) -> tuple[list[Any], int]:
        source, where, parameters = "entries e", "e.kind_id = ?", [kind]
        if batch is not None:
            source, where = f"{source} JOIN runs r ON r.key = e.run_key", f"{where} AND r.batch_key = ?"
            parameters.append(batch)
        counted = f"SELECT count(*) FROM (SELECT 1 FROM {source} WHERE {where} LIMIT {TOTAL_MAX}) AS found"
        total = int(self.database.execute(counted, parameters)[0][0])
        query = f"SELECT e.run_key FROM {source} WHERE {where} ORDER BY e.run_key LIMIT {PAGE}"
        keys = list(dict.fromkeys(row[0] for row in self.database.execute(query, parameters)))
        return (self.entries_of(keys, kind) if keys else []), total


class Findings(Rows):
    """A narrow row for each entry from NOTICE up; less severe entries are searched in the kinds of each run."""

    title = "rows from NOTICE up"

    def is_row(self, kind: int) -> bool:
        return self.kinds[kind][3] != "INFO"

    def page(self, kind: int, batch: int | None) -> tuple[list[Any], int]:
        if self.is_row(kind):
            return super().page(kind, batch)
        total, last = 0, -1
        keys: list[int] = []
        while total < TOTAL_MAX and (rows := self._next(last, batch)):
            last = rows[-1][0]
            for key, stored in rows:
                if count := unpacked(stored).count(kind):
                    total += count
                    if len(keys) < PAGE:
                        keys.append(key)
        return (self.entries_of(keys, kind) if keys else []), min(total, TOTAL_MAX)

    def _next(self, last: int, batch: int | None) -> list[Any]:
        join, where, parameters = "", "d.run_key > ?", [last]
        if batch is not None:
            join, where = " JOIN runs r ON r.key = d.run_key", f"{where} AND r.key > ? AND r.batch_key = ?"
            parameters += [last, batch]
        query = f"SELECT d.run_key, d.kinds FROM documents d{join} WHERE {where} ORDER BY d.run_key LIMIT 5000"
        return self.database.execute(query, parameters)


class OneLevel(Design):
    """The multiset of kinds of a run is stored once, with a row for each of its kinds."""

    title = "outcomes in one level"
    outcome_column = True
    tables: ClassVar[Sequence[str]] = (
        "CREATE INDEX runs_outcome ON runs (outcome_id, key)",
        "CREATE TABLE outcomes (id integer PRIMARY KEY, digest octets UNIQUE, kinds octets)",
        f"CREATE TABLE outcome_kinds ({_COUNTS.format('outcome_id')})",
    )
    matching = "SELECT outcome_id, count FROM outcome_kinds WHERE kind_id = ?"

    def __init__(self, database: Database, kinds: Sequence[Kind]) -> None:
        super().__init__(database, kinds)
        self._known: dict[bytes, int] = {}

    def write(self, runs: Sequence[Stored]) -> None:
        outcomes = [self._outcome_of(run) for run in runs]
        rows = [(run.key, run.batch_key, outcome) for run, outcome in zip(runs, outcomes, strict=True)]
        self.database.insert("runs", rows)
        self.database.insert("documents", [(run.key, None, run.document) for run in runs])

    def _outcome_of(self, run: Stored) -> int:
        """Find or write the outcome of a run; a worker caches the outcomes that it has seen."""
        kinds = packed(run.kinds)
        digest = blake2b(kinds, digest_size=16).digest()
        if digest not in self._known:
            self._known[digest] = len(self._known) + 1
            self.database.insert("outcomes", [(self._known[digest], digest, kinds)])
            self.write_outcome(self._known[digest], run.kinds)
        return self._known[digest]

    def write_outcome(self, outcome_id: int, kinds: Sequence[int]) -> None:
        self.database.insert("outcome_kinds", [(kind, outcome_id, count) for kind, count in Counter(kinds).items()])

    def page(self, kind: int, batch: int | None) -> tuple[list[Any], int]:
        counts = {outcome: int(count) for outcome, count in self.database.execute(self.matching, [kind])}
        if not counts:
            return [], 0
        where, parameters = ("", []) if batch is None else (" AND batch_key = ?", [batch])
        within, chosen = self._among(list(counts))
        some = f"SELECT outcome_id FROM runs WHERE {within}{where} LIMIT {TOTAL_MAX}"
        counted = f"SELECT outcome_id, count(*) FROM ({some}) AS found GROUP BY outcome_id"
        runs = dict(self.database.execute(counted, [chosen, *parameters]))
        total = min(TOTAL_MAX, sum(counts[outcome] * number for outcome, number in runs.items()))
        if sum(runs.values()) > _FEW:  # common kind: read runs in order
            within = f"+{within}" if self.database.name == "sqlite" else within
        query = f"SELECT key, outcome_id FROM runs WHERE {within}{where} ORDER BY key LIMIT {PAGE}"
        rows = self.database.execute(query, [chosen, *parameters])
        return (self.entries_of([key for key, _ in rows], kind, self._kinds(rows)) if rows else []), total

    def _among(self, outcomes: list[int]) -> tuple[str, Any]:
        if self.database.name == "postgres":
            return "outcome_id = ANY(?)", outcomes
        return "outcome_id IN (SELECT value FROM json_each(?))", str(outcomes)

    def _kinds(self, rows: Sequence[Any]) -> dict[int, Sequence[int]]:
        expected = sorted({outcome for _, outcome in rows})
        marks = ", ".join("?" * len(expected))
        stored = dict(self.database.execute(f"SELECT id, kinds FROM outcomes WHERE id IN ({marks})", expected))
        return {key: unpacked(stored[outcome]) for key, outcome in rows}


class TwoLevels(OneLevel):
    """The multiset of each module is stored once, and an outcome is a set of module outcomes."""

    title = "outcomes in two levels"
    tables = (
        *OneLevel.tables[:2],
        "CREATE TABLE module_outcomes (id integer PRIMARY KEY, digest octets UNIQUE)",
        f"CREATE TABLE module_outcome_kinds ({_COUNTS.format('module_outcome_id')})",
        f"CREATE TABLE outcome_modules ({_MODULES})",
    )
    matching = (
        "SELECT m.outcome_id, sum(k.count) FROM module_outcome_kinds k"
        " JOIN outcome_modules m ON m.module_outcome_id = k.module_outcome_id WHERE k.kind_id = ? GROUP BY m.outcome_id"
    )

    def __init__(self, database: Database, kinds: Sequence[Kind]) -> None:
        super().__init__(database, kinds)
        self._modules: dict[bytes, int] = {}

    def write_outcome(self, outcome_id: int, kinds: Sequence[int]) -> None:
        parts = []
        for _, group in groupby(sorted(kinds, key=self._module), key=self._module):
            counts = sorted(Counter(group).items())
            digest = blake2b(repr(counts).encode(), digest_size=16).digest()
            if digest not in self._modules:
                number = self._modules[digest] = len(self._modules) + 1
                self.database.insert("module_outcomes", [(number, digest)])
                self.database.insert("module_outcome_kinds", [(kind, number, count) for kind, count in counts])
            parts.append(self._modules[digest])
        self.database.insert("outcome_modules", [(part, outcome_id) for part in sorted(set(parts))])

    def _module(self, kind: int) -> str:
        return self.kinds[kind][0]


DESIGNS: Sequence[type[Design]] = (Rows, Findings, OneLevel, TwoLevels)
