"""The points of a metrics window, aggregated into the columns of a chart."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from statistics import fmean, median
from typing import Any

from gonemaster_db.core.levels import SEVERITIES

MAX_COLUMNS = 72
_LABELS = 5
_Point = Mapping[str, Any]


@dataclass(frozen=True)
class SeriesColumn:
    """Consecutive points: rates are averaged, counts are summed, and the depth is the last value."""

    start: datetime
    minutes: float
    finished: int
    failed: int
    depth: int
    ipv4: float
    ipv6: float
    hit_percent: float | None
    severity: Mapping[str, int]
    slowest_ms: float | None
    median_ms: float | None

    @classmethod
    def of(cls, points: Sequence[_Point], resolution_s: int) -> "SeriesColumn":
        """Aggregate points.

        The API reports latency per route; the chart shows the slowest and the median route. The hit rate has no value
        if the cache was not used.
        """
        active = [point for point in points if point["dns_queries_per_second"] or point["dns_cache_hit_rate"]]
        routes = [value for point in points for value in (point.get("api_p90_ms") or {}).values()]
        return cls(
            start=datetime.fromisoformat(points[0]["timestamp"]),
            minutes=len(points) * resolution_s / 60,
            finished=sum(point["throughput"] for point in points),
            failed=sum(point["failed"] for point in points),
            depth=points[-1]["queue_depth"],
            ipv4=fmean(point["dns_queries_ipv4_per_second"] for point in points),
            ipv6=fmean(point["dns_queries_ipv6_per_second"] for point in points),
            hit_percent=100 * fmean(point["dns_cache_hit_rate"] for point in active) if active else None,
            severity={level: sum(point["severity"].get(level, 0) for point in points) for level in SEVERITIES},
            slowest_ms=max(routes, default=None),
            median_ms=median(routes) if routes else None,
        )

    @property
    def jobs(self) -> list[tuple[str, float]]:
        """Jobs per minute, as segments of a column, bottom first."""
        return [("s1", (self.finished - self.failed) / self.minutes), ("error", self.failed / self.minutes)]

    @property
    def levels(self) -> list[tuple[str, float]]:
        """Findings by level, as segments of a column, least severe at the bottom."""
        return [(level.lower(), self.severity[level]) for level in SEVERITIES]


@dataclass(frozen=True)
class MetricsSeries:
    """The columns of a window, oldest first."""

    columns: list[SeriesColumn]

    @classmethod
    def of(cls, trend: Mapping[str, Any]) -> "MetricsSeries":
        """Build the columns from `{resolution_seconds, points[]}` of the metrics."""
        points = trend["points"]
        size = max(1, -(-len(points) // MAX_COLUMNS))
        # The newest column is complete; an incomplete column is at the old end.
        first = len(points) % size
        cuts = [*([0] if first else []), *range(first, len(points), size), len(points)]
        pieces = [points[start:end] for start, end in pairwise(cuts) if end > start]
        return cls([SeriesColumn.of(piece, trend["resolution_seconds"]) for piece in pieces])

    def values(self, name: str) -> list[Any]:
        """Return one metric of all columns."""
        return [getattr(column, name) for column in self.columns]

    @property
    def finished(self) -> int:
        """Jobs that finished in the window."""
        return sum(column.finished for column in self.columns)

    @property
    def hours(self) -> float:
        """Length of the window in hours."""
        return sum(column.minutes for column in self.columns) / 60

    @property
    def labels(self) -> list[datetime]:
        """Evenly spaced time labels of a chart that ends now."""
        if not self.columns:
            return []
        step = max(1, len(self.columns) // (_LABELS - 1))
        return [column.start for column in self.columns[::step][: _LABELS - 1]]

    def table(self) -> Iterator[SeriesColumn]:
        """Yield at most twelve columns, for the table of metrics."""
        step = max(1, len(self.columns) // 12)
        yield from self.columns[::step]
