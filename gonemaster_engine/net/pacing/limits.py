"""The limits of one address: one half is split into fixed shares of the processes, the other half is leased."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple, Protocol

TOLERANCE_S = 0.1  # how long before its evenly spaced time a packet may be sent
LIFE_S = 0.1  # how long a lease can be used
HORIZON_S = 0.4  # no lease starts later than this
HELD_S = 1.5  # how long unanswered leased packets count, unless the process renews them
_EXCESS = 1.1  # the most packets in a second, as a multiple of the limit, with leases used as early or late as possible
_LEAST_LEASED = 0.5  # packets per second


class LeaseTerms(NamedTuple):
    """The limits of all leases of an address together."""

    interval_s: float  # time between two packets; 0: no limit
    outstanding: int | None  # unanswered packets; None: no limit


class LeaseRequest(NamedTuple):
    """The request of a process for one address."""

    address: str
    packets: int  # packets that wait; 0 to renew or return held packets
    held: int  # unanswered leased packets


class Lease(NamedTuple):
    """The packets granted to a process for one address."""

    packets: int = 0
    delay_s: float = 0.0  # time until the lease starts
    retry_s: float = 0.0  # time until the process may ask again, if it got no packets
    is_shared: bool = False  # whether other processes use the address, too


class Leases(NamedTuple):
    """The reply to a request; the leases are in the order of the requested addresses."""

    processes: int  # live workers
    leases: Sequence[Lease]
    made_at: float  # time.monotonic() of this process


class LeaseClient(Protocol):
    """Grants leases to the processes, so that all of them together respect the limits."""

    async def request(
        self, wants: Sequence[LeaseRequest], terms: LeaseTerms, *, limited: Sequence[str]
    ) -> Leases | None:
        """Return leases, or None if leases are not available; `limited` are the addresses at which packets wait."""


class Share(NamedTuple):
    """The packets that one process may send to an address without a lease.

    A run sends most of its packets within the share. With leases alone, the first packet to each of its forty
    addresses would wait up to 20 ms for Redis; and without Redis there are only shares.
    """

    packets: float  # packets within `window_s`
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
        """Return the share of each of `processes` processes if there are leases.

        Together the shares are at most half of the limits.
        """
        return Share(*(limit // 2 // processes if limit else math.inf for limit in self))

    def full_share(self, processes: int) -> Share:
        """Return the share of each of `processes` processes without a lease client.

        It is at least one packet, in a longer window if necessary.
        """
        outstanding = max(1, self.outstanding // processes) if self.outstanding else math.inf
        if not self.qps:
            return Share(math.inf, outstanding)
        packets = max(1, self.qps // processes)
        return Share(packets, outstanding, packets * processes / self.qps)

    def lease_terms(self, processes: int) -> LeaseTerms:
        """Return the limits of leases that are added to the half shares of `processes` processes.

        Within a second GCRA allows the packets of one second plus its tolerance at the even rate, and one more packet;
        the life of a lease adds to that. At the returned rate, leases and shares together exceed the limit by at most a
        tenth.
        """
        share = self.half_share(processes)
        leased = max(_LEAST_LEASED, _EXCESS * self.qps - share.packets * processes - 1)
        interval_s = (1 + TOLERANCE_S + LIFE_S) / leased if self.qps else 0.0
        outstanding = int(self.outstanding - share.outstanding * processes) if self.outstanding else None
        return LeaseTerms(interval_s, outstanding)
