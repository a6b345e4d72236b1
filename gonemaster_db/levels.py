"""Levels of entries and their order; the store compares them as the API does."""

from collections import Counter
from collections.abc import Iterable

LEVELS = ("DEBUG3", "DEBUG2", "DEBUG", "INFO", "NOTICE", "WARNING", "ERROR", "CRITICAL")
SEVERITIES = ("NOTICE", "WARNING", "ERROR", "CRITICAL")
_ORDER = {level: rank for rank, level in enumerate(LEVELS)}

# SQL of a generated column: what lists sort by (CRITICAL 4 ... NOTICE 1, all others 0).
RANK_SQL = (
    "CASE {column} WHEN 'CRITICAL' THEN 4 WHEN 'ERROR' THEN 3 WHEN 'WARNING' THEN 2 WHEN 'NOTICE' THEN 1 ELSE 0 END"
)


def worst(levels: Iterable[str]) -> str | None:
    """Pick the most severe of the levels; None if there are none."""
    return max(levels, key=_ORDER.__getitem__, default=None)


def count_severities(levels: Iterable[str]) -> dict[str, int]:
    """How often each level from NOTICE up occurs."""
    found = Counter(levels)
    return {level: found[level] for level in SEVERITIES}


def at_least(level: str) -> tuple[str, ...]:
    """List the levels from this one up."""
    return LEVELS[_ORDER[level] :]
