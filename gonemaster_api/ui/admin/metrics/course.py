"""The points of a window, joined into columns that a chart has room for."""

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
class CourseColumn:
    """Some points that follow one another; rates are means, counts are sums, the depth is the last one."""

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
    def of(cls, points: Sequence[_Point], resolution_s: int) -> "CourseColumn":
        """Join points.

        The API's latency is kept by route: shown are the slowest route and the one in the middle. The share of hits
        has no value where nothing was asked.
        """
        asked = [point for point in points if point["dns_queries_per_second"] or point["dns_cache_hit_rate"]]
        routes = [value for point in points for value in (point.get("api_p90_ms") or {}).values()]
        return cls(
            start=datetime.fromisoformat(points[0]["timestamp"]),
            minutes=len(points) * resolution_s / 60,
            finished=sum(point["throughput"] for point in points),
            failed=sum(point["failed"] for point in points),
            depth=points[-1]["queue_depth"],
            ipv4=fmean(point["dns_queries_ipv4_per_second"] for point in points),
            ipv6=fmean(point["dns_queries_ipv6_per_second"] for point in points),
            hit_percent=100 * fmean(point["dns_cache_hit_rate"] for point in asked) if asked else None,
            severity={level: sum(point["severity"].get(level, 0) for point in points) for level in SEVERITIES},
            slowest_ms=max(routes, default=None),
            median_ms=median(routes) if routes else None,
        )

    @property
    def jobs(self) -> list[tuple[str, float]]:
        """Jobs a minute, as parts of a column from below."""
        return [("s1", (self.finished - self.failed) / self.minutes), ("error", self.failed / self.minutes)]

    @property
    def levels(self) -> list[tuple[str, float]]:
        """Findings by level, the least at the bottom."""
        return [(level.lower(), self.severity[level]) for level in SEVERITIES]


@dataclass(frozen=True)
class MetricsCourse:
    """The columns of a window, oldest first."""

    columns: list[CourseColumn]

    @classmethod
    def of(cls, trend: Mapping[str, Any]) -> "MetricsCourse":
        """Take `{resolution_seconds, points[]}` of the metrics."""
        points = trend["points"]
        size = max(1, -(-len(points) // MAX_COLUMNS))
        # The newest column is whole; a rest is at the old end.
        first = len(points) % size
        cuts = [*([0] if first else []), *range(first, len(points), size), len(points)]
        pieces = [points[start:end] for start, end in pairwise(cuts) if end > start]
        return cls([CourseColumn.of(piece, trend["resolution_seconds"]) for piece in pieces])

    def values(self, name: str) -> list[Any]:
        """Return one figure of all columns."""
        return [getattr(column, name) for column in self.columns]

    @property
    def finished(self) -> int:
        """Jobs that finished in the window."""
        return sum(column.finished for column in self.columns)

    @property
    def hours(self) -> float:
        """Length of the window."""
        return sum(column.minutes for column in self.columns) / 60

    @property
    def labels(self) -> list[datetime]:
        """Times below a chart, evenly spread; the end of the chart is now."""
        if not self.columns:
            return []
        step = max(1, len(self.columns) // (_LABELS - 1))
        return [column.start for column in self.columns[::step][: _LABELS - 1]]

    def table(self) -> Iterator[CourseColumn]:
        """Yield at most a dozen columns, for the figures as a table."""
        step = max(1, len(self.columns) // 12)
        yield from self.columns[::step]
