"""Quantiles of histograms (contract: metrics.md section 2.7)."""

import math
from collections.abc import Sequence

QUANTILES = {"p50": 0.5, "p90": 0.9, "p99": 0.99}


def quantiles(numbers: Sequence[int], bounds: Sequence[int]) -> dict[str, int]:
    """Return the quantiles of a histogram in its unit; `numbers` has one more item than `bounds`."""
    return {name: quantile(numbers, bounds, q) for name, q in QUANTILES.items()}


def estimates(numbers: Sequence[int], bounds: Sequence[int]) -> dict[str, float]:
    """Return the quantiles of a histogram in its unit, interpolated within their buckets."""
    return {name: estimate(numbers, bounds, q) for name, q in QUANTILES.items()}


def estimate(numbers: Sequence[int], bounds: Sequence[int], q: float) -> float:
    """Return what histogram_quantile of Prometheus returns, or 0 without observations.

    The observations of a bucket count as evenly distributed over it. A quantile beyond the last bound is reported as
    the last bound.
    """
    rank = q * sum(numbers)
    below, low = 0, 0
    for number, bound in zip(numbers, bounds, strict=False):
        if number and below + number >= rank:
            return round(low + (bound - low) * (rank - below) / number, 1)
        below, low = below + number, bound
    return float(bounds[-1]) if rank else 0.0


def quantile(numbers: Sequence[int], bounds: Sequence[int], q: float) -> int:
    """Return the bound of the first bucket whose cumulative count reaches ceil(q * n), or 0 without observations.

    A quantile beyond the last bound is reported as the last bound.
    """
    rank = math.ceil(q * sum(numbers))
    running = 0
    for number, bound in zip(numbers, bounds, strict=False):
        running += number
        if rank and running >= rank:
            return bound
    return bounds[-1] if rank else 0
