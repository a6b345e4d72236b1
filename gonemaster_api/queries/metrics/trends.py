"""Trends over hours and days (contract: metrics.md section 2.6)."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from gonemaster_api.queries.metrics.quantiles import quantile
from gonemaster_api.queries.metrics.reading import Metrics, TrendSlots, read_trend_slots, time_of
from gonemaster_api.rest.fields import rfc3339
from gonemaster_api.state import State
from gonemaster_api.web.exporter import LATENCY_BOUNDS_MS
from gonemaster_db.service.metrics.slots import KEPT_S, SlotKey, SlotSums

WINDOWS = {"1h": (3600, 60), "6h": (6 * 3600, 60), "24h": (24 * 3600, 300), "48h": (48 * 3600, 300)}
"""Length of each window and of its slots, in seconds: the windows of a document without `window`."""
LONG_WINDOWS = {"7d": (7 * 86_400, 3600), "30d": (30 * 86_400, 3600)}
ALL_WINDOWS = WINDOWS | LONG_WINDOWS

_SETTLED_S = 900.0  # seconds after the end of a slot; processes that cached the slot ignore later additions
_KEPT_S = 24 * 3600.0
_NOTHING = SlotSums()


class _TrendPoint(NamedTuple):
    """A point as JSON text, and the queue depth that carries over to the next point."""

    text: str
    depth: int


_Points = dict[SlotKey, _TrendPoint]


def trends_text(state: State, metrics: Metrics, windows: Sequence[str]) -> str:
    """Return the section as JSON text; points of settled slots are computed once per process."""
    now_s = metrics.now.timestamp()
    known: _Points = state.recent.get("points", dict, life_s=_KEPT_S)
    periods = {
        length: max(ALL_WINDOWS[name][0] for name in windows if ALL_WINDOWS[name][1] == length)
        for length in sorted({ALL_WINDOWS[name][1] for name in windows})
    }
    starts = {length: _starts(length, whole, now_s) for length, whole in periods.items()}
    trend_slots = read_trend_slots(
        state, metrics, since={length: _first_unknown(known, length, starts[length]) for length in starts}
    )
    points = {length: _points(trend_slots, known, length, starts[length], now_s) for length in starts}
    shown = []
    for name in windows:
        whole, length = ALL_WINDOWS[name]
        listed = ",".join(points[length][-(whole // length) :])
        shown.append(f'"{name}":{{"resolution_seconds":{length},"points":[{listed}]}}')
    _forget(known, now_s)
    return '{"windows":{' + ",".join(shown) + "}}"


def _starts(length: int, whole: int, now_s: float) -> range:
    """Return the start times of the slots of a window, including the current slot."""
    last = int(now_s) // length * length
    return range(last - whole + length, last + length, length)


def _first_unknown(known: _Points, length: int, starts: range) -> int:
    """Return the start time of the first slot to read, one slot early for the queue depth that carries over."""
    return next((start for start in starts if (length, start) not in known), starts[-1]) - length


def _points(trend_slots: TrendSlots, known: _Points, length: int, starts: range, now_s: float) -> list[str]:
    """Return a point for each slot; an empty slot has zeros."""
    depth = _depth_before(trend_slots, length, starts[0])
    texts = []
    for start in starts:
        slot = (length, start)
        point = known.get(slot)
        if point is None:
            sums = trend_slots.sums.get(slot, _NOTHING)
            depth = depth if sums.queue_depth is None else sums.queue_depth
            elapsed_s = max(1.0, min(float(length), now_s - start))
            point = _TrendPoint(_text(start, sums, trend_slots.latencies.get(slot, {}), depth, elapsed_s), depth)
            if start + length < now_s - _SETTLED_S:
                known[slot] = point
        depth = point.depth
        texts.append(point.text)
    return texts


def _depth_before(trend_slots: TrendSlots, length: int, first: int) -> int:
    """Return the queue depth before the first slot, or 0 if it is unknown."""
    before = [
        (start, sums.queue_depth)
        for (resolution, start), sums in trend_slots.sums.items()
        if resolution == length and start < first and sums.queue_depth is not None
    ]
    return max(before)[1] if before else 0


def _forget(known: _Points, now_s: float) -> None:
    for slot in [slot for slot in list(known) if slot[1] < now_s - KEPT_S[slot[0]] - 3600]:
        known.pop(slot, None)


def _text(start: int, sums: SlotSums, latencies: Mapping[str, Sequence[int]], depth: int, elapsed_s: float) -> str:
    lookups = sums.cache_hits + sums.cache_misses
    point: dict[str, Any] = {
        "timestamp": rfc3339(time_of(start)),
        "throughput": sums.throughput,
        "failed": sums.failed,
        "queue_depth": depth,
        "dns_queries_per_second": round((sums.dns_queries_ipv4 + sums.dns_queries_ipv6) / elapsed_s, 3),
        "dns_queries_ipv4_per_second": round(sums.dns_queries_ipv4 / elapsed_s, 3),
        "dns_queries_ipv6_per_second": round(sums.dns_queries_ipv6 / elapsed_s, 3),
        "dns_cache_hit_rate": round(sums.cache_hits / lookups, 4) if lookups else 0.0,
        "severity": {
            "NOTICE": sums.sev_notice,
            "WARNING": sums.sev_warning,
            "ERROR": sums.sev_error,
            "CRITICAL": sums.sev_critical,
        },
    }
    if latencies:
        point["api_p90_ms"] = {
            route: quantile(numbers, LATENCY_BOUNDS_MS, 0.9) for route, numbers in sorted(latencies.items())
        }
    return json.dumps(point)
