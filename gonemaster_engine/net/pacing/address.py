"""The packets that one process may send to one address now, and the queries that wait for that address."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field

from gonemaster_engine.net.pacing.fair_queue import FairQueue
from gonemaster_engine.net.pacing.limits import LIFE_S, Lease, Share

_LATE_S = 0.02  # how long a lease that arrived or was noticed too late can still be used


@dataclass(slots=True, eq=False)
class PacedAddress:
    """One address: its queue, the share of the process and the current lease."""

    name: str
    used_at: float
    queue: FairQueue = field(default_factory=FairQueue)
    in_flight: int = 0  # unanswered packets of the share
    leased_in_flight: int = 0  # unanswered packets of leases
    leased: int = 0  # packets of the lease that were not sent yet
    is_asked: bool = False  # a request for a lease is in progress or scheduled
    is_shared: bool = False  # other processes use the address, too
    retry_at: float = 0.0
    timer: asyncio.TimerHandle | None = None
    _sent: deque[float] = field(default_factory=deque)  # send times of the share's packets within its window
    _starts_at: float = 0.0
    _lease_until: float = 0.0

    @property
    def is_idle(self) -> bool:
        """Whether no query waits and no packet is in flight."""
        return not (self.queue or self.in_flight or self.leased_in_flight or self.is_asked)

    def accept(self, lease: Lease, *, made_at: float, now: float) -> None:
        """Start using a lease."""
        self.is_shared = lease.is_shared
        self.retry_at = now + lease.retry_s if lease.retry_s else 0.0
        if lease.packets:
            self.leased = lease.packets
            self._starts_at = made_at + lease.delay_s
            self._lease_until = self._starts_at + LIFE_S
            self.extend_expired(now)

    def extend_expired(self, now: float) -> None:
        """Keep one packet of an unused lease that has expired, so that a process with a late event loop still sends."""
        if self.leased and now >= self._lease_until:
            self.leased, self._lease_until = 1, now + _LATE_S

    def has_lease(self, now: float) -> bool:
        """Return whether the lease has packets left."""
        return self.leased > 0 and now < self._lease_until

    def take(self, share: Share, now: float) -> bool | None:
        """Use one packet of the lease (True) or of the share (False); return None if neither has one."""
        if self.leased and self._starts_at <= now < self._lease_until:
            self.leased -= 1
            self.leased_in_flight += 1
            return True
        sent = self._sent
        while sent and sent[0] <= now - share.window_s:
            sent.popleft()
        if len(sent) >= share.packets or self.in_flight >= share.outstanding:
            return None
        sent.append(now)
        self.in_flight += 1
        return False

    def release(self, *, is_leased: bool, is_unsent: bool = False) -> None:
        """Count one unanswered packet less; a packet that was not sent can be used again."""
        if is_leased:
            self.leased_in_flight -= 1
            self.leased += is_unsent
        else:
            self.in_flight -= 1
            if is_unsent and self._sent:
                self._sent.pop()

    def next_at(self, share: Share, now: float) -> float | None:
        """Return the time at which the next packet is allowed, or None if that depends on a lease or an answer."""
        times = [self._starts_at] if self.has_lease(now) else []
        times.append(self.retry_at)
        if self._sent:
            times.append(self._sent[0] + share.window_s)
        return min((at for at in times if at > now), default=None)
