"""Reads tests, their entries and batches from a database of Zonemaster-Backend, in order of their numbers."""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from math import isfinite
from operator import itemgetter
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from sqlalchemy import Engine, bindparam, create_engine, inspect, text
from sqlalchemy.exc import SQLAlchemyError

_FINISHED = 100
_EPOCH = datetime.fromtimestamp(0, UTC)
_NEEDED = {
    "id",
    "hash_id",
    "domain",
    "batch_id",
    "created_at",
    "started_at",
    "ended_at",
    "progress",
    "params",
    "results",
}
_COUNT = text("SELECT count(*) FROM test_results")
_BATCHES = text(
    "SELECT b.id, b.username, b.created_at, (SELECT count(*) FROM test_results t WHERE t.batch_id = b.id) "
    "FROM batch_jobs b ORDER BY b.id"
)
_HEADS = text("SELECT id, hash_id, created_at, progress FROM test_results WHERE id > :after ORDER BY id LIMIT :number")
_TESTS = text(
    "SELECT id, hash_id, domain, batch_id, created_at, started_at, ended_at, priority, params, results "
    "FROM test_results WHERE id IN :numbers ORDER BY id"
).bindparams(bindparam("numbers", expanding=True))
_ENTRIES = text(
    "SELECT hash_id, level, module, testcase, tag, timestamp, args FROM result_entries WHERE hash_id IN :hashes"
).bindparams(bindparam("hashes", expanding=True))
_TIMESTAMP = itemgetter(4)
_LEVELS = text("SELECT value, level FROM log_level")


class SourceRefused(Exception):
    """A source that cannot be read; the message states the reason."""


SourceEntry: TypeAlias = tuple[str, str, str, str, float, str | bytes | Mapping[str, Any]]
"""One entry of a result: level, module, test case, tag, time, and arguments as JSON or decoded by the driver.

A plain tuple, because an import reads millions.
"""


class SourceBatch(NamedTuple):
    """A batch of a user."""

    number: int
    username: str
    created_at: datetime
    tests: int


class SourceHead(NamedTuple):
    """The identity of a test."""

    number: int
    hash_id: str
    created_at: datetime
    is_finished: bool


@dataclass(frozen=True, slots=True)
class SourceTest:
    """A test; `results` is the JSON of an old version, whose entries are not in a separate table."""

    number: int
    hash_id: str
    domain: str
    batch: int | None
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    priority: int
    params: Any
    results: Any


class BackendDatabase:
    """An open database, which is only read.

    Raises:
        SourceRefused: it does not exist, cannot be read, or is not a database of Zonemaster-Backend.
    """

    def __init__(self, name: str) -> None:
        with ExitStack() as opened:
            with _refused():
                engine = _engine(name)
            opened.callback(engine.dispose)
            with _refused():
                self._connection = opened.enter_context(engine.connect())
                self._check()
                self._levels: dict[int, str] = {row.value: row.level for row in self._connection.execute(_LEVELS)}
            self._opened = opened.pop_all()

    def close(self) -> None:
        """Close the connection."""
        self._opened.close()

    def _rows(self, statement: Any, **values: Any) -> Sequence[Any]:
        with _refused():
            return self._connection.execute(statement, values).all()

    def _check(self) -> None:
        found = inspect(self._connection)
        missing = {"test_results", "result_entries", "log_level", "batch_jobs"} - set(found.get_table_names())
        if missing:
            raise SourceRefused(
                f"this is not a database of Zonemaster-Backend 9.0 or later: no table {', '.join(sorted(missing))}; "
                "an older database must first be migrated with its own scripts"
            )
        columns = {column["name"] for column in found.get_columns("test_results")}
        if lacking := _NEEDED - columns:
            raise SourceRefused(
                f"the table test_results has no column {', '.join(sorted(lacking))}; migrate the database to "
                "Zonemaster-Backend 11.2 with its own scripts first"
            )

    def count(self) -> int:
        """Return the number of tests."""
        return int(self._rows(_COUNT)[0][0])

    def batches(self) -> list[SourceBatch]:
        """Return all batches with the number of their tests."""
        return [
            SourceBatch(number, username, _time(created_at) or _EPOCH, tests)
            for number, username, created_at, tests in self._rows(_BATCHES)
        ]

    def heads_after(self, number: int, *, limit: int) -> list[SourceHead]:
        """Return the identities of the next tests after a number."""
        rows = self._rows(_HEADS, after=number, number=limit)
        return [SourceHead(row.id, row.hash_id, _created(row), row.progress == _FINISHED) for row in rows]

    def tests(self, numbers: Sequence[int]) -> list[SourceTest]:
        """Return tests by their numbers."""
        return [_test(row) for row in self._rows(_TESTS, numbers=list(numbers))]

    def entries_of(self, hash_ids: Sequence[str]) -> dict[str, list[SourceEntry]]:
        """Return the entries of tests, in the order of their times."""
        found: defaultdict[str, list[SourceEntry]] = defaultdict(list)
        levels = self._levels
        if hash_ids:
            for hash_id, level, module, testcase, tag, timestamp, args in self._rows(_ENTRIES, hashes=list(hash_ids)):
                found[hash_id].append((levels.get(level, ""), module, testcase, tag, _seconds(timestamp), args))
        for entries in found.values():
            entries.sort(key=_TIMESTAMP)
        return dict(found)


def old_entries(test: SourceTest) -> list[SourceEntry]:
    """Return the entries of a test from its JSON, where versions before 11 stored them."""
    rows = test.results if isinstance(test.results, list) else []
    return [
        (
            str(row.get("level", "")),
            str(row.get("module", "")),
            str(row.get("testcase") or ""),
            str(row.get("tag", "")),
            _seconds(row.get("timestamp")),
            row.get("args") or {},
        )
        for row in rows
        if isinstance(row, dict)
    ]


def _test(row: Any) -> SourceTest:
    return SourceTest(
        number=row.id,
        hash_id=row.hash_id,
        domain=row.domain,
        batch=row.batch_id,
        created_at=_created(row),
        started_at=_time(row.started_at),
        ended_at=_time(row.ended_at),
        priority=row.priority or 0,
        params=_decoded(row.params),
        results=_decoded(row.results),
    )


def _created(row: Any) -> datetime:
    return _time(row.created_at) or _EPOCH


def _time(value: Any) -> datetime | None:
    """Return a time, or None if there is none; Zonemaster-Backend stores UTC without a zone, as text in SQLite."""
    try:
        found = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    except ValueError:  # such as 0000-00-00 00:00:00, which MySQL allows
        return None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found


def _seconds(value: Any) -> float:
    """Return a number of seconds; 0 for what is no number."""
    try:
        found = float(value)
    except (TypeError, ValueError, OverflowError):
        return 0.0
    return found if isfinite(found) else 0.0


def _decoded(value: Any) -> Any:
    """Return decoded JSON; None for JSON that is damaged."""
    if not isinstance(value, str | bytes):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return None


@contextmanager
def _refused() -> Iterator[None]:
    """Raise SourceRefused in place of an error of the driver."""
    try:
        yield
    except (SQLAlchemyError, ValueError) as error:
        reason = str(getattr(error, "orig", None) or error).strip().partition("\n")[0]
        raise SourceRefused(f"the source cannot be read: {reason}") from error


def _engine(name: str) -> Engine:
    if name.startswith(("postgresql://", "postgres://")):
        return create_engine("postgresql+psycopg2://" + name.partition("://")[2], isolation_level="REPEATABLE READ")
    path = Path(name)
    if not path.is_file():
        raise SourceRefused(f"there is no file {name}; a PostgreSQL database is named as postgresql://USER@HOST/NAME")
    return create_engine(f"sqlite:///file:{path.absolute()}?mode=ro&uri=true")
