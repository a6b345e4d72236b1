"""Levels of entries and their order."""

from collections import Counter
from collections.abc import Iterable

LEVELS = ("DEBUG3", "DEBUG2", "DEBUG", "INFO", "NOTICE", "WARNING", "ERROR", "CRITICAL")
SEVERITIES = ("NOTICE", "WARNING", "ERROR", "CRITICAL")
_ORDER = {level: rank for rank, level in enumerate(LEVELS)}

# SQL of a generated column that lists sort by (CRITICAL 4 ... NOTICE 1, all others 0).
CODE_RANK_SQL = "CASE WHEN {column} > 3 THEN {column} - 3 ELSE 0 END"  # for a column with level codes
RANK_SQL = (
    "CASE {column} WHEN 'CRITICAL' THEN 4 WHEN 'ERROR' THEN 3 WHEN 'WARNING' THEN 2 WHEN 'NOTICE' THEN 1 ELSE 0 END"
)


def worst(levels: Iterable[str]) -> str | None:
    """Return the most severe level, or None for no levels."""
    return max(levels, key=_ORDER.__getitem__, default=None)


def count_severities(levels: Iterable[str]) -> dict[str, int]:
    """Count the occurrences of each level at NOTICE and above."""
    found = Counter(levels)
    return {level: found[level] for level in SEVERITIES}


def at_least(level: str) -> tuple[str, ...]:
    """Return this level and all more severe levels."""
    return LEVELS[_ORDER[level] :]
