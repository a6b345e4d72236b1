"""The response times of a domain's name servers, as rows with bars."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

_STEPS = (1, 2, 5)
_ROUND_MS = 10.0


@dataclass(frozen=True, slots=True)
class ServerRow:
    """One name server at one address; times in milliseconds, bars in percent of the scale."""

    nameserver: str
    address: str
    status: str  # ok, unreachable or unresolved
    median_ms: float | None
    min_ms: float | None
    max_ms: float | None
    queries: int
    timeouts: int
    left: float = 0.0
    width: float = 0.0
    middle: float = 0.0
    is_own: bool = True  # whether it serves the zone; others were asked on the way to it

    @property
    def digits(self) -> int:
        """The number of significant decimals."""
        return 0 if (self.median_ms or 0.0) >= _ROUND_MS else 1


@dataclass(frozen=True, slots=True)
class Servers:
    """The rows, the end of their common scale, and the number of the zone's own name servers."""

    rows: list[ServerRow]
    scale_ms: int
    own: int

    @property
    def silent(self) -> int:
        """The number of rows without a response."""
        return sum(row.status != "ok" for row in self.rows)


def servers(timings: Iterable[Mapping[str, Any]] | None, *, own_servers: Collection[str] = ()) -> Servers:
    """Return the response times of a run: the zone's `own_servers` first, then by number of queries."""
    given = list(timings or ())
    query_counts: Counter[str] = Counter()
    for timing in given:
        query_counts[str(timing.get("nameserver", ""))] += int(timing.get("count", 0))
    ordered = sorted(given, key=lambda timing: _rank(timing, own_servers, query_counts))
    scale = _scale(max((timing.get("max_ms") or 0.0 for timing in ordered), default=0.0))
    own = sum(name in own_servers for name in query_counts)
    return Servers([_row(timing, scale, own_servers) for timing in ordered], scale, own)


def _rank(timing: Mapping[str, Any], own_servers: Collection[str], query_counts: Counter[str]) -> tuple[object, ...]:
    name = str(timing.get("nameserver", ""))
    return name not in own_servers, -query_counts[name], *_sort_key(timing)


def _sort_key(timing: Mapping[str, Any]) -> tuple[str, bool, str]:
    address = str(timing.get("address", ""))
    return str(timing.get("nameserver", "")), ":" in address, address


def _scale(highest_ms: float) -> int:
    """Return the end of a scale: 1, 2 or 5 times a power of ten, at least 10."""
    power = 10
    while True:
        for step in _STEPS:
            if step * power >= highest_ms:
                return step * power
        power *= 10


def _row(timing: Mapping[str, Any], scale_ms: int, own_servers: Collection[str]) -> ServerRow:
    lowest, middle, highest = (timing.get(name) for name in ("min_ms", "median_ms", "max_ms"))
    row: dict[str, Any] = {
        "nameserver": str(timing.get("nameserver", "")),
        "address": str(timing.get("address", "")),
        "status": str(timing.get("status", "ok")),
        "median_ms": middle,
        "min_ms": lowest,
        "max_ms": highest,
        "queries": int(timing.get("count", 0)),
        "timeouts": int(timing.get("timeouts", 0)),
        "is_own": not own_servers or timing.get("nameserver", "") in own_servers,
    }
    if lowest is None or middle is None or highest is None:
        return ServerRow(**row)
    share = 100 / scale_ms
    return ServerRow(
        **row,
        left=round(lowest * share, 1),
        width=round(max(0.8, (highest - lowest) * share), 1),
        middle=round(middle * share, 1),
    )
