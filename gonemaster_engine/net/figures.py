"""Figures about a few measured values.

Python's own module of statistics calculates in fractions, for values without rounding errors that times do not need: it
takes a hundred times as long, and more time to load than most test cases take to run.
"""

from __future__ import annotations

import math
from collections.abc import Sequence


def mean(values: Sequence[float]) -> float:
    """Return the arithmetic mean of at least one value."""
    return math.fsum(values) / len(values)


def median(values: Sequence[float]) -> float:
    """Return the median of at least one value."""
    ordered, middle = sorted(values), len(values) // 2
    return ordered[middle] if len(values) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def deviation(values: Sequence[float]) -> float:
    """Return the standard deviation of at least one value; they are all there are, not a sample."""
    middle = mean(values)
    return math.sqrt(math.fsum((value - middle) ** 2 for value in values) / len(values))
