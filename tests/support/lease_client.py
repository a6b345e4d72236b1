"""An in-memory lease client for one process, so that `Pacing` can use leases without Redis."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Sequence

from gonemaster_engine.net.pacing import Lease, LeaseRequest, Leases, LeaseTerms
from gonemaster_engine.net.pacing.limits import TOLERANCE_S


class MemoryLeaseClient:
    """Leases the next packets at evenly spaced times; `is_unavailable` simulates a missing Redis."""

    def __init__(self, *, processes: int = 1) -> None:
        self.processes = processes
        self.is_unavailable = False
        self.requests = 0
        self.leased = 0
        self.reported: list[Sequence[str]] = []
        self._next_at: defaultdict[str, float] = defaultdict(float)

    async def request(
        self, wants: Sequence[LeaseRequest], terms: LeaseTerms, *, limited: Sequence[str]
    ) -> Leases | None:
        """Return the leases in the next iteration of the loop."""
        self.requests += 1
        self.reported.append(limited)
        now = time.monotonic()
        if self.is_unavailable:
            return None
        leases = [self._lease(want, terms, now) for want in wants]
        await asyncio.sleep(0)
        return Leases(self.processes, leases, now)

    def _lease(self, want: LeaseRequest, terms: LeaseTerms, now: float) -> Lease:
        room = want.packets if terms.outstanding is None else min(want.packets, terms.outstanding - want.held)
        together = int(TOLERANCE_S / terms.interval_s) + 1 if terms.interval_s else room
        count = min(room, together)
        if count <= 0:
            return Lease(retry_s=0.05 if want.packets else 0.0)
        start = max(self._next_at[want.address], now)
        self._next_at[want.address] = start + count * terms.interval_s
        self.leased += count
        return Lease(count, max(0.0, start + (count - 1) * terms.interval_s - TOLERANCE_S - now))
