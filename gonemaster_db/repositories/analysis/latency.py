"""Percentiles of answer times from averages: each average weighs as much as the queries that it is of."""

from array import array
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import accumulate
from typing import NamedTuple


class Latency(NamedTuple):
    """Median and 95th percentile in milliseconds, null without answers, and the number of answers."""

    p50_ms: float | None
    p95_ms: float | None
    samples: int


@dataclass(slots=True)
class Times:
    """The averages of one endpoint, one for each domain that it answered for, with the numbers of answers."""

    averages_ms: "array[float]" = field(default_factory=lambda: array("d"))
    answers: "array[int]" = field(default_factory=lambda: array("L"))

    def add(self, average_ms: float, answers: int) -> None:
        """Take the average of so many answers."""
        self.averages_ms.append(average_ms)
        self.answers.append(answers)


def latency_of(many: Iterable[Times]) -> Latency:
    """Return the percentiles over all averages: the least time that so large a share of the answers does not exceed."""
    pairs = sorted(pair for times in many for pair in zip(times.averages_ms, times.answers, strict=True))
    if not pairs:
        return Latency(None, None, 0)
    reached = list(accumulate(answers for _, answers in pairs))
    total = reached[-1]
    return Latency(_at(pairs, reached, 0.5 * total), _at(pairs, reached, 0.95 * total), total)


def _at(pairs: list[tuple[float, int]], reached: list[int], wanted: float) -> float:
    place = next(number for number, answers in enumerate(reached) if answers >= wanted)
    return round(pairs[place][0], 3)
