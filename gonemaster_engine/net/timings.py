"""Response times of name servers in a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gonemaster_engine.net.figures import deviation, mean, median


@dataclass(frozen=True)
class NameserverTiming:
    """Response times of a name server in a run, in milliseconds; None without an answer."""

    nameserver: str
    address: str  # empty for a name without an address
    count: int
    avg_ms: float | None
    min_ms: float | None
    max_ms: float | None
    median_ms: float | None
    stddev_ms: float | None
    total_ms: float
    timeouts: int
    refusals: int
    lost: int  # unanswered transmissions over UDP of queries that were answered after a repeat
    status: str  # "ok" or "unreachable"; "unresolved" for a name without an address

    @property
    def order(self) -> tuple[str, bool, str]:
        """The sort key: name, then IPv4 before IPv6."""
        return self.nameserver, ":" in self.address, self.address

    @classmethod
    def unresolved(cls, name: str) -> NameserverTiming:
        """Return the entry for a name server whose name has no address."""
        return cls(name, "", 0, None, None, None, None, None, 0.0, 0, 0, 0, "unresolved")

    @classmethod
    def of(
        cls, name: str, address: str, rtts_ms: Sequence[float], *, timeouts: int, refusals: int, lost: int
    ) -> NameserverTiming:
        """Return the statistics of the response times of a name server."""
        if not rtts_ms:
            return cls(name, address, 0, None, None, None, None, None, 0.0, timeouts, refusals, lost, "unreachable")
        return cls(
            nameserver=name,
            address=address,
            count=len(rtts_ms),
            avg_ms=round(mean(rtts_ms), 3),
            min_ms=round(min(rtts_ms), 3),
            max_ms=round(max(rtts_ms), 3),
            median_ms=round(median(rtts_ms), 3),
            stddev_ms=round(deviation(rtts_ms), 3),
            total_ms=round(sum(rtts_ms), 3),
            timeouts=timeouts,
            refusals=refusals,
            lost=lost,
            status="ok",
        )
