"""The exporter's HTTP counts under the names used by the JSON document and the Prometheus text."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from prometheus_client.metrics_core import Metric

from gonemaster_api.web.exporter import (
    CHECK_BOUNDS_MS,
    CHECK_DURATIONS,
    CHECKS,
    DURATIONS,
    ERRORS,
    EXCEPTIONS,
    LATENCY_BOUNDS_MS,
    LOCALES,
    STRIPPED,
    TOOL_CALLS,
)

_CHECK_BUCKETS = {str(bound / 1000): number for number, bound in enumerate(CHECK_BOUNDS_MS)}
_BUCKETS = {str(bound / 1000): number for number, bound in enumerate(LATENCY_BOUNDS_MS)}


class RouteKey(NamedTuple):
    """A route and its method."""

    route: str
    method: str


@dataclass
class RouteCounts:
    """The requests of a route: by status class, by duration bucket, and the sum of durations in seconds."""

    classes: Counter[str] = field(default_factory=Counter)
    latencies: list[int] = field(default_factory=lambda: [0] * (len(LATENCY_BOUNDS_MS) + 1))
    sum_s: float = 0.0


@dataclass
class HttpCounts:
    """The HTTP counts since the service started on this host."""

    routes: dict[RouteKey, RouteCounts] = field(default_factory=dict)
    errors: dict[str, int] = field(default_factory=dict)
    exceptions: dict[RouteKey, int] = field(default_factory=dict)
    stripped: int = 0
    locales: dict[str, int] = field(default_factory=dict)
    tool_calls: dict[str, dict[str, int]] = field(default_factory=dict)
    checks: dict[str, int] = field(default_factory=dict)  # by verdict
    check_latencies: list[int] = field(default_factory=lambda: [0] * (len(CHECK_BOUNDS_MS) + 1))
    check_sum_s: float = 0.0


def read_http_counts(metrics: Iterable[Metric]) -> HttpCounts:
    """Return the counts from the exporter's metrics."""
    found = HttpCounts()
    for metric in metrics:
        for name, labels, value, *_ in metric.samples:
            _add(found, name, labels, value)
    for counts in found.routes.values():
        counts.latencies = _single(counts.latencies)
    found.routes = dict(sorted(found.routes.items()))
    found.errors = dict(sorted(found.errors.items()))
    found.check_latencies = _single(found.check_latencies)
    found.tool_calls = dict(sorted(found.tool_calls.items()))
    return found


def _add(found: HttpCounts, name: str, labels: dict[str, str], value: float) -> None:
    """Add one sample; bucket counts are still cumulative."""
    key = RouteKey(labels.get("route", ""), labels.get("method", ""))
    number = int(value)
    match name:
        case _ if name == f"{DURATIONS}_bucket":
            _route(found, key).latencies[_BUCKETS.get(labels["le"], -1)] += number
        case _ if name == f"{DURATIONS}_sum":
            _route(found, key).sum_s += value
        case _ if name == f"{DURATIONS}_count":
            _route(found, key).classes[labels["status_class"]] += number
        case _ if name == f"{ERRORS}_total":
            found.errors[labels["code"]] = number
        case _ if name == f"{EXCEPTIONS}_total":
            found.exceptions[key] = number
        case _ if name == f"{STRIPPED}_total":
            found.stripped = number
        case _ if name == f"{LOCALES}_total":
            found.locales[labels["locale"]] = number
        case _ if name == f"{CHECKS}_total":
            found.checks[labels["verdict"]] = number
        case _ if name == f"{CHECK_DURATIONS}_bucket":
            found.check_latencies[_CHECK_BUCKETS.get(labels["le"], -1)] += number
        case _ if name == f"{CHECK_DURATIONS}_sum":
            found.check_sum_s += value
        case _ if name == f"{TOOL_CALLS}_total":
            found.tool_calls.setdefault(labels["tool"], {})[labels["outcome"]] = number


def _route(found: HttpCounts, key: RouteKey) -> RouteCounts:
    return found.routes.setdefault(key, RouteCounts())


def _single(cumulative: list[int]) -> list[int]:
    """Convert cumulative bucket counts into counts per bucket."""
    return [number - before for number, before in zip(cumulative, [0, *cumulative], strict=False)]
