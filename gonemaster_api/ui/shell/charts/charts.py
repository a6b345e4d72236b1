"""Geometry of charts, in percent: shapes are SVG, labels are HTML outside of it and are not scaled."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_GAP = 0.25  # The gap between two segments of a bar, in percent.
_STEPS = (1, 2, 4, 6, 8, 10)
Value = float | None


@dataclass(frozen=True)
class ChartPart:
    """A rectangle, in percent of the chart."""

    key: str
    x: float
    width: float
    y: float = 0.0
    height: float = 100.0


def parts_of_bar(numbers: Sequence[tuple[str, float]]) -> list[ChartPart]:
    """Return the adjacent segments of one bar, each with its key; skip segments without a width."""
    total = sum(number for _, number in numbers)
    x, parts = 0.0, []
    for key, number in numbers:
        width = 100 * number / total if total else 0.0
        if width:
            parts.append(ChartPart(key, x, max(0.1, width - _GAP)))
        x += width
    return parts


def top_of(numbers: Sequence[Value], minimum: float = 2.0) -> float:
    """Return a round number that no value exceeds: the end of the scale."""
    maximum = max([minimum, *(number for number in numbers if number is not None)])
    scale = 10.0 ** math.floor(math.log10(maximum))
    return next(step * scale for step in _STEPS if step * scale >= maximum * (1 - 1e-9))


def ticks(top: float, number: int = 3) -> list[float]:
    """Return the labels of a scale from 0, highest first."""
    return [top * index / (number - 1) for index in range(number - 1, -1, -1)]


def stacked(columns: Sequence[Sequence[tuple[str, float]]], top: float) -> Iterator[ChartPart]:
    """Yield the rectangles of adjacent columns; the first segment of a column is at the bottom."""
    if not columns:
        return
    step = 100 / len(columns)
    for index, column in enumerate(columns):
        y = 100.0
        for key, number in column:
            height = 100 * number / top if top else 0.0
            if height > 0:
                y -= height
                yield ChartPart(key, index * step + step * 0.1, step * 0.8, y, height)


def lone_points(values: Sequence[Value], top: float) -> list[tuple[float, float]]:
    """Return the places of values between two gaps, which a line cannot show."""
    step = 100 / max(1, len(values) - 1)
    gaps = [None, *values, None]
    return [
        (index * step, 100 * (1 - value / (top or 1.0)))
        for index, value in enumerate(values)
        if value is not None and gaps[index] is None and gaps[index + 2] is None
    ]


def path(values: Sequence[Value], top: float, bottom: float = 0.0) -> str:
    """Return the path of a line in a square of 100 by 100 units; None is a gap, not zero."""
    step = 100 / max(1, len(values) - 1)
    span = (top - bottom) or 1.0
    pieces, drawing = [], False
    for index, value in enumerate(values):
        if value is None:
            drawing = False
            continue
        pieces.append(f"{'L' if drawing else 'M'}{index * step:.1f} {100 * (1 - (value - bottom) / span):.1f}")
        drawing = True
    return "".join(pieces)


def last_point(values: Sequence[Value], top: float, bottom: float = 0.0) -> tuple[float, float] | None:
    """Return the position of the last known value, in percent from the left and from the top."""
    for index in range(len(values) - 1, -1, -1):
        value = values[index]
        if value is not None:
            return 100 * index / max(1, len(values) - 1), 100 * (1 - (value - bottom) / ((top - bottom) or 1.0))
    return None


def bounds(values: Sequence[Value]) -> tuple[float, float]:
    """Return two different bounds around all values: the scale of a sparkline."""
    known = [value for value in values if value is not None] or [0.0]
    low, high = min(known), max(known)
    return (low, high) if high > low else (low - 1.0, high + 1.0)
