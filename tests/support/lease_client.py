"""An in-memory lease client for one process, so that `Pacing` can use leases without Redis."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Sequence

from gonemaster_engine.net.pacing import AddressLimits, Lease, LeaseRequest, Leases
from gonemaster_engine.net.pacing.limits import TOLERANCE_S


class MemoryLeaseClient:
    """Leases the next packets at evenly spaced times; `is_unavailable` simulates a missing Redis."""

    def __init__(self, *, processes: int = 1, has_share: bool = True) -> None:
        self.processes = processes
        self.has_share = has_share
        self.is_unavailable = False
        self.requests = 0
        self.leased = 0
        self.limited: set[str] = set()
        self._next_at: defaultdict[str, float] = defaultdict(float)

    async def request(self, wants: Sequence[LeaseRequest], limits: AddressLimits) -> Leases | None:
        """Return the leases in the next iteration of the loop."""
        self.requests += 1
        self.limited.update(each.address for each in wants if each.is_limited)
        if self.is_unavailable:
            return None
        leases = [self._lease(want, limits, time.monotonic()) for want in wants]
        await asyncio.sleep(0)
        return Leases(self.processes, self.has_share, leases)

    async def close(self) -> None:
        """Do nothing."""

    def _lease(self, want: LeaseRequest, limits: AddressLimits, now: float) -> Lease:
        interval_s = 1 / limits.qps if limits.qps else 0.0
        count = min(want.packets, int(limits.outstanding) - want.unanswered) if limits.outstanding else want.packets
        count = min(count, int(TOLERANCE_S / interval_s) + 1) if interval_s else count
        if count <= 0:
            return Lease(0, 0.05)
        start = max(self._next_at[want.address], now)
        self._next_at[want.address] = start + count * interval_s
        self.leased += count
        return Lease(count, max(0.0, start + (count - 1) * interval_s - TOLERANCE_S - now))
