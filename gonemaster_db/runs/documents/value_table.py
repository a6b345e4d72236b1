"""Tables of the values of one argument: number of domains, scores and some domains of each value.

A table answers every request for up to MAX_VALUES values exactly without storing all values: most arguments have either
a few values that many domains share, or one value for each domain. It stores the first values in both orders. It also
stores all values that at least two domains have; they answer requests with a minimum number of domains.
"""

import heapq
import json
import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from gonemaster_db.core.errors import DocumentDamaged

MAX_VALUES = 500
MAX_TEXT = 65_536  # Longer values, which malicious zones have, are skipped: 500 of them took a gigabyte.
SAMPLES = 10
_MAX_SCORE = 100
_dump = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class ValueRow(NamedTuple):
    """A value as JSON text and its domains; `scored` of them have a score."""

    text: str
    domains: int
    scored: int
    score_sum: int
    samples: Sequence[str]
    """The first domains in order."""

    @property
    def missing_points(self) -> int:
        """Sum of the points that its domains lack: 100 minus the score of each."""
        return _MAX_SCORE * self.scored - self.score_sum

    @property
    def avg_score(self) -> float | None:
        """Mean score of its scored domains."""
        return round(self.score_sum / self.scored, 1) if self.scored else None

    def joined(self, later: "ValueRow") -> "ValueRow":
        """Add other domains, whose names sort after those of this row."""
        return ValueRow(
            self.text,
            self.domains + later.domains,
            self.scored + later.scored,
            self.score_sum + later.score_sum,
            [*self.samples, *later.samples][:SAMPLES],
        )


@dataclass(slots=True)
class DomainScores:
    """The domains of one value, each with its lowest score."""

    scores: dict[str, int | None] = field(default_factory=dict)

    def add(self, domain: str, score: int | None) -> None:
        """Add the score of one run of a domain, if it has one."""
        known = self.scores.get(domain)
        if known is None or (score is not None and score < known):
            self.scores[domain] = score

    def row(self, text: str) -> ValueRow:
        """Return the row of the value."""
        known = [score for score in self.scores.values() if score is not None]
        return ValueRow(text, len(self.scores), len(known), sum(known), sorted(self.scores)[:SAMPLES])


Order = Callable[[ValueRow], tuple[int, int, str]]


def by_count(row: ValueRow) -> tuple[int, int, str]:
    """Sort values with the most domains first."""
    return 0, -row.domains, row.text


def by_lack(row: ValueRow) -> tuple[int, int, str]:
    """Sort values of low-scoring domains first."""
    return -row.missing_points, -row.domains, row.text


@dataclass(frozen=True, slots=True)
class ValueTable:
    """The stored values of an argument; see the module."""

    most: Sequence[ValueRow]
    worst: Sequence[ValueRow] | None
    shared: Sequence[ValueRow] | None


class TableBuilder:
    """Builds the table of an argument from its values, each given once; memory holds only the table."""

    def __init__(self) -> None:
        self._most: list[ValueRow] = []
        self._worst: list[ValueRow] = []
        self._shared: list[ValueRow] = []
        self._number = 0

    def add(self, rows: Sequence[ValueRow]) -> None:
        """Add more values."""
        self._number += len(rows)
        self._most = heapq.nsmallest(MAX_VALUES, [*self._most, *rows], key=by_count)
        self._worst = heapq.nsmallest(MAX_VALUES, [*self._worst, *rows], key=by_lack)
        self._shared += [row for row in rows if row.domains > 1]

    def table(self) -> ValueTable:
        """Return the table of all added values."""
        return ValueTable(
            self._most,
            worst=self._worst if self._number > MAX_VALUES else None,
            shared=self._shared if len(self._shared) > MAX_VALUES else None,
        )


def choose(
    table: ValueTable, *, min_count: int, limit: int, weighted: bool, read_shared: Callable[[], Sequence[ValueRow]]
) -> list[ValueRow]:
    """Return the first values with at least `min_count` domains; `weighted` sorts them by missing points.

    `limit` is at most MAX_VALUES. `read_shared` is called only if the first values are not sufficient.
    """
    order: Order = by_lack if weighted else by_count
    rows = table.most if not weighted or table.worst is None else table.worst
    enough = [row for row in rows if row.domains >= min_count]
    if weighted and table.worst is not None and min_count > 1 and len(enough) < limit:
        enough = [row for row in read_shared() if row.domains >= min_count]
    return sorted(enough, key=order)[:limit]


def pack_rows(rows: Iterable[ValueRow]) -> bytes:
    """Serialise and compress rows in one call, since each call has a fixed cost."""
    return zlib.compress(_dump(list(rows)).encode())


def unpack_rows(data: bytes) -> list[ValueRow]:
    """Unpack rows. Raises DocumentDamaged."""
    try:
        text = zlib.decompress(data).decode()
        if text.startswith('["'):  # An older format has one row in each line.
            text = "[" + text.replace("\n", ",") + "]"
        return [ValueRow(*row) for row in json.loads(text or "[]")]
    except (zlib.error, ValueError, TypeError) as error:
        raise DocumentDamaged(f"values of a batch: {error}") from error
