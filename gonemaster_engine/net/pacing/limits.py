"""The limits of one address, divided: half is a share of each process, which asks nobody; the rest is leased."""

from __future__ import annotations

import math
from typing import NamedTuple

from gonemaster_engine.net.pacing.leases import LIFE_S, TOLERANCE_S, LeaseTerms

_EXCESS = 1.1  # what a second may hold of the limit, if each lease is used as early or as late as possible
_LEAST_LEASED = 0.5  # packets a second


class Share(NamedTuple):
    """What one process may send to an address without a lease."""

    packets: float  # in `window_s`
    outstanding: float  # packets without an answer
    window_s: float = 1.0


NO_SHARE = Share(0, 0)


class AddressLimits(NamedTuple):
    """The limits of each address, for all processes together; 0: no limit."""

    qps: float = 0  # packets a second
    outstanding: float = 0  # packets without an answer

    @property
    def is_none(self) -> bool:
        """Whether nothing is limited."""
        return not (self.qps or self.outstanding)

    def half_share(self, processes: int) -> Share:
        """Return what each of so many processes may send beside the leases: together at most half of the limits."""
        return Share(*(limit // 2 // processes if limit else math.inf for limit in self))

    def whole_share(self, processes: int) -> Share:
        """Return what each of so many processes may send without a lender; at least one packet, in a longer time."""
        outstanding = max(1, self.outstanding // processes) if self.outstanding else math.inf
        if not self.qps:
            return Share(math.inf, outstanding)
        packets = max(1, self.qps // processes)
        return Share(packets, outstanding, packets * processes / self.qps)

    def lease_terms(self, processes: int) -> LeaseTerms:
        """Return what the leases may hold beside the half shares of so many processes.

        GCRA allows as many packets in a second as in a second plus its tolerance at the even rate, and one more; the
        life of a lease adds to that. With this rate they and the shares are at most a tenth more than the limit.
        """
        share = self.half_share(processes)
        leased = max(_LEAST_LEASED, _EXCESS * self.qps - share.packets * processes - 1)
        interval_s = (1 + TOLERANCE_S + LIFE_S) / leased if self.qps else 0.0
        outstanding = int(self.outstanding - share.outstanding * processes) if self.outstanding else None
        return LeaseTerms(interval_s, outstanding)
