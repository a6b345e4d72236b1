"""The limits of one address: one half is split into fixed shares of the processes, the other half is leased."""

from __future__ import annotations

import math
from typing import NamedTuple

from gonemaster_engine.net.pacing.leases import LIFE_S, TOLERANCE_S, LeaseTerms

_EXCESS = (
    1.1  # the most packets in a second, as a multiple of the limit, if leases are used as early or late as possible
)
_LEAST_LEASED = 0.5  # packets per second


class Share(NamedTuple):
    """What one process may send to an address without a lease."""

    packets: float  # in `window_s`
    outstanding: float  # unanswered packets
    window_s: float = 1.0


NO_SHARE = Share(0, 0)


class AddressLimits(NamedTuple):
    """The limits of each address for all processes together; 0: no limit."""

    qps: float = 0  # packets per second
    outstanding: float = 0  # unanswered packets

    @property
    def is_unlimited(self) -> bool:
        """Whether there is no limit."""
        return not (self.qps or self.outstanding)

    def half_share(self, processes: int) -> Share:
        """Return what each of `processes` processes may send in addition to the leases.

        Together the shares are at most half of the limits.
        """
        return Share(*(limit // 2 // processes if limit else math.inf for limit in self))

    def full_share(self, processes: int) -> Share:
        """Return what each of `processes` processes may send without a lease client.

        It is at least one packet, in a longer window if need be.
        """
        outstanding = max(1, self.outstanding // processes) if self.outstanding else math.inf
        if not self.qps:
            return Share(math.inf, outstanding)
        packets = max(1, self.qps // processes)
        return Share(packets, outstanding, packets * processes / self.qps)

    def lease_terms(self, processes: int) -> LeaseTerms:
        """Return what the leases may hold in addition to the half shares of `processes` processes.

        Within a second GCRA allows the packets of one second plus its tolerance at the even rate, and one more packet;
        the life of a lease adds to that. At the returned rate, leases and shares together exceed the limit by at most a
        tenth.
        """
        share = self.half_share(processes)
        leased = max(_LEAST_LEASED, _EXCESS * self.qps - share.packets * processes - 1)
        interval_s = (1 + TOLERANCE_S + LIFE_S) / leased if self.qps else 0.0
        outstanding = int(self.outstanding - share.outstanding * processes) if self.outstanding else None
        return LeaseTerms(interval_s, outstanding)
