"""Scores of stored runs."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from gonemaster_db.core.records import EntryRecord
from gonemaster_engine import entries as engine
from gonemaster_engine.scoring.config import ScoringConfig
from gonemaster_engine.scoring.score import Score, compute_score


@dataclass(frozen=True, slots=True)
class StoredTiming:
    """The response times of a name server that rules of causes read."""

    address: str
    count: int
    median_ms: float | None
    timeouts: int

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> "StoredTiming":
        """Return the timing in a stored row, which can lack values."""
        return cls(row.get("address", ""), row.get("count", 0), row.get("median_ms"), row.get("timeouts", 0))


def score_stored(
    domain: str,
    entries: Iterable[EntryRecord],
    timings: Iterable[Mapping[str, Any]] | None,
    config: ScoringConfig,
) -> Score | None:
    """Compute the score of a successful run from its stored data; None if it cannot judge a zone."""
    return compute_score(domain, map(as_reported, entries), config, timings=map(StoredTiming.of, timings or ()))


def as_reported(row: EntryRecord) -> engine.Entry:
    """Return a stored entry as the engine reported it."""
    return engine.Entry(row.timestamp, row.module, row.testcase, row.tag, engine.Level[row.level], dict(row.args))
