"""Kinds of entries and outcomes, found or created while runs move; only one process writes them."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, TableClause

from gonemaster_db.core.base import UtcDateTime
from gonemaster_db.core.bulk import insert_into_table
from gonemaster_db.core.chunks import chunks
from gonemaster_db.core.clock import utcnow
from gonemaster_db.runs.documents.packing import digest_of, pack, unpack

Kind = tuple[str, str, str, str]
"""Module, test case, message tag and level."""

_MAX_REMEMBERED = 500_000
_IN_ONE_QUERY = 500
_OF_KIND = ("module", "testcase", "tag", "level")
_KINDS = sa.table("entry_kinds", sa.column("id", sa.Integer), *(sa.column(name, sa.Text) for name in _OF_KIND))
_OUTCOMES = sa.table(
    "outcomes",
    sa.column("id", sa.Integer),
    sa.column("digest", sa.LargeBinary),
    sa.column("kinds", sa.LargeBinary),
    sa.column("created_at", UtcDateTime()),
)
_MODULES = sa.table("module_outcomes", sa.column("id", sa.Integer), sa.column("digest", sa.LargeBinary))
_MODULE_KINDS = sa.table(
    "module_outcome_kinds", *(sa.column(name, sa.Integer) for name in ("kind_id", "module_outcome_id", "count"))
)
_OUTCOME_MODULES = sa.table(
    "outcome_modules", *(sa.column(name, sa.Integer) for name in ("module_outcome_id", "outcome_id"))
)


class Kinds:
    """The registry of kinds."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        rows = connection.execute(sa.select(_KINDS)).all()
        self.by_id: dict[int, Kind] = {row.id: (row.module, row.testcase, row.tag, row.level) for row in rows}
        self.ids = {kind: number for number, kind in self.by_id.items()}
        self._new: list[tuple[Any, ...]] = []

    def id_of(self, kind: Kind) -> int:
        """Return the number of a kind; `write` stores those that are new."""
        return self.ids.get(kind) or self._add(kind)

    def _add(self, kind: Kind) -> int:
        number = max(self.by_id, default=0) + 1
        self.ids[kind] = number
        self.by_id[number] = kind
        self._new.append((number, *kind))
        return number

    def write(self) -> None:
        """Store the kinds that were added."""
        rows, self._new = self._new, []
        insert_into_table(self._connection, _KINDS, ("id", *_OF_KIND), rows)


class Outcomes:
    """The outcomes of runs and of their modules."""

    def __init__(self, connection: Connection, kinds: Kinds) -> None:
        self._connection = connection
        self._kinds = kinds
        self._runs = _Ids(connection, _OUTCOMES)
        self._modules = _Ids(connection, _MODULES)

    def ids_of(self, sequences: Sequence[bytes]) -> list[int | None]:
        """Find or create the outcomes of packed sequences of kinds; None for an empty one."""
        self._kinds.write()
        wanted = {digest_of(packed): packed for packed in sequences if packed}
        if new := self._runs.find(wanted):
            self._create({digest: wanted[digest] for digest in new})
        known = self._runs.known
        return [known[digest_of(packed)] if packed else None for packed in sequences]

    def _create(self, sequences: Mapping[bytes, bytes]) -> None:
        parts = {digest: self._by_module(packed) for digest, packed in sequences.items()}
        modules = {digest_of(part): part for those in parts.values() for part in those}
        self._create_modules({digest: modules[digest] for digest in self._modules.find(modules)})
        now, number = utcnow(), self._runs.take(sequences)
        rows = [(number[digest], digest, packed, now) for digest, packed in sequences.items()]
        insert_into_table(self._connection, _OUTCOMES, ("id", "digest", "kinds", "created_at"), rows)
        known = self._modules.known
        pairs = [(known[digest_of(part)], number[digest]) for digest in sequences for part in parts[digest]]
        insert_into_table(self._connection, _OUTCOME_MODULES, ("module_outcome_id", "outcome_id"), pairs)

    def _create_modules(self, parts: Mapping[bytes, bytes]) -> None:
        number = self._modules.take(parts)
        insert_into_table(self._connection, _MODULES, ("id", "digest"), [(number[digest], digest) for digest in parts])
        rows = [
            (kind, number[digest], count)
            for digest, part in parts.items()
            for kind, count in Counter(unpack(part)).items()
        ]
        insert_into_table(self._connection, _MODULE_KINDS, ("kind_id", "module_outcome_id", "count"), rows)

    def _by_module(self, packed: bytes) -> list[bytes]:
        parts: dict[str, list[int]] = defaultdict(list)
        for number in sorted(unpack(packed)):
            parts[self._kinds.by_id[number][0]].append(number)
        return [pack(part) for part in parts.values()]


class _Ids:
    """The ids of a table by digest, read where they are asked for."""

    def __init__(self, connection: Connection, table: TableClause) -> None:
        self._connection = connection
        self._table = table
        self.known: dict[bytes, int] = {}
        self._last: int = connection.execute(sa.select(sa.func.coalesce(sa.func.max(table.c.id), 0))).scalar_one()

    def find(self, digests: Iterable[bytes]) -> list[bytes]:
        """Read the ids that are not known yet; returns the digests that have none."""
        if len(self.known) > _MAX_REMEMBERED:
            self.known.clear()
        wanted = list(digests)
        for some in chunks([digest for digest in wanted if digest not in self.known], _IN_ONE_QUERY):
            query = sa.select(self._table.c.digest, self._table.c.id).where(self._table.c.digest.in_(some))
            self.known |= {bytes(digest): number for digest, number in self._connection.execute(query)}
        return [digest for digest in wanted if digest not in self.known]

    def take(self, digests: Iterable[bytes]) -> Mapping[bytes, int]:
        """Give numbers to digests that have none; returns all that are known."""
        for number, digest in enumerate(digests, self._last + 1):
            self.known[digest] = self._last = number
        return self.known
