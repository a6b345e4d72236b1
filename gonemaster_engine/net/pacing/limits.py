"""The limits of one address: half of each limit is divided into shares of the processes, the other half is leased."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple, Protocol

TOLERANCE_S = 0.1  # how long before its evenly spaced time a leased packet may be sent
LIFE_S = 0.1  # how long a lease can be used
_EXCESS = 1.1  # the most packets in a second, as a multiple of the limit, with leases used as early or late as possible
_LEAST_LEASED = 0.5  # packets per second


class LeaseRequest(NamedTuple):
    """The request of a process for one address."""

    address: str
    packets: int  # packets that wait; 0 to renew the unanswered packets
    unanswered: int  # packets of leases
    is_limited: bool = False  # packets have waited longer than a lease takes


class Lease(NamedTuple):
    """The packets granted to a process for one address."""

    packets: int
    delay_s: float  # time until the lease starts; without packets, until the process may ask again


class Leases(NamedTuple):
    """The reply to a request; the leases are in the order of the requested addresses."""

    processes: int  # live workers
    has_share: bool  # the process is one of these workers
    leases: Sequence[Lease]


class LeaseClient(Protocol):
    """Grants leases to the processes, so that all of them together respect the limits."""

    async def request(self, wants: Sequence[LeaseRequest], limits: AddressLimits) -> Leases | None:
        """Return leases, all processes together within `limits`; return None if leases are not available."""

    async def close(self) -> None:
        """Close the connection."""


class Share(NamedTuple):
    """The packets that one process may send to an address without a lease.

    A run sends most of its packets within the share. With leases alone, the first packet to each of its forty
    addresses would wait up to 20 ms for Redis; and without Redis there are only shares.
    """

    packets: float  # packets within `window_s`
    unanswered: float
    window_s: float = 1.0


NO_SHARE = Share(0, 0)


class AddressLimits(NamedTuple):
    """The limits of each address for several processes together; 0: no limit."""

    qps: float = 0  # packets per second
    outstanding: float = 0  # unanswered packets

    @property
    def is_unlimited(self) -> bool:
        """Whether there is no limit."""
        return not (self.qps or self.outstanding)

    def half_share(self, processes: int) -> Share:
        """Return the share of each process if there are leases. Together, the shares are at most half of the limits."""
        return Share(*(limit // 2 // processes if limit else math.inf for limit in self))

    def full_share(self, processes: int) -> Share:
        """Return the share of each process without leases: at least one packet, in a longer window if necessary."""
        unanswered = max(1, self.outstanding // processes) if self.outstanding else math.inf
        if not self.qps:
            return Share(math.inf, unanswered)
        packets = max(1, self.qps // processes)
        return Share(packets, unanswered, packets * processes / self.qps)

    def leased(self, processes: int) -> AddressLimits:
        """Return the limits of all leases together, which the half shares of `processes` processes leave.

        Within a second, GCRA allows the packets of one second, those of its tolerance, and one more; the life of a
        lease adds further packets. At the returned rate, leases and shares together exceed the limit by at most a
        tenth.
        """
        packets, unanswered, _ = self.half_share(processes)
        most = max(_LEAST_LEASED, _EXCESS * self.qps - packets * processes - 1) if self.qps else 0
        return AddressLimits(
            most / (1 + TOLERANCE_S + LIFE_S), self.outstanding - unanswered * processes if self.outstanding else 0
        )
