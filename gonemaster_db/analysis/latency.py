"""Percentiles of response times from averages: each average is weighted by its number of queries."""

from array import array
from bisect import bisect_left
from collections.abc import Iterable
from itertools import accumulate
from typing import NamedTuple


class Latency(NamedTuple):
    """Median and 95th percentile in milliseconds (None without responses) and the number of responses."""

    p50_ms: float | None
    p95_ms: float | None
    samples: int


class Times:
    """The average response times of endpoints, one for each domain they answered for, with the numbers of responses."""

    def __init__(self, endpoints: int) -> None:
        # Averages and numbers alternate in one array, because most of the very many endpoints have a single pair.
        self._pairs: list[array[float] | None] = [None] * endpoints

    def add(self, endpoint: int, average_ms: float, answers: int) -> None:
        """Add the average of some responses, and their number."""
        pairs = self._pairs[endpoint]
        if pairs is None:
            self._pairs[endpoint] = array("d", (average_ms, answers))
        else:
            pairs.extend((average_ms, answers))

    def latency_of(self, endpoints: Iterable[int]) -> Latency:
        """Return percentiles of the averages of endpoints: the smallest one that covers the share of responses."""
        known = [pairs for endpoint in endpoints if (pairs := self._pairs[endpoint]) is not None]
        if len(known) == 1 and len(known[0]) == 2:
            only = round(known[0][0], 3)
            return Latency(only, only, int(known[0][1]))
        return _percentiles(sorted(pair for pairs in known for pair in zip(pairs[::2], pairs[1::2], strict=True)))


def _percentiles(pairs: list[tuple[float, float]]) -> Latency:
    if not pairs:
        return Latency(None, None, 0)
    reached = list(accumulate(answers for _, answers in pairs))
    total = reached[-1]
    p50, p95 = (round(pairs[bisect_left(reached, share * total)][0], 3) for share in (0.5, 0.95))
    return Latency(p50, p95, int(total))
