"""Leases: packets that a process may send to one address for a short time, and the client that requests them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

TOLERANCE_S = 0.1  # how long before its evenly spaced time a packet may be sent
LIFE_S = 0.1  # how long a lease can be used
HORIZON_S = 0.4  # no lease starts later than this
HELD_S = 1.5  # how long unanswered leased packets count, unless the process renews them


class LeaseTerms(NamedTuple):
    """The limits of all leases of an address together."""

    interval_s: float  # between two packets; 0: no limit
    outstanding: int | None  # unanswered packets; None: no limit


class LeaseRequest(NamedTuple):
    """The request of a process for one address."""

    address: str
    packets: int  # packets that wait; 0 to renew or return held packets
    held: int  # unanswered leased packets


class Lease(NamedTuple):
    """The packets granted to a process for one address."""

    packets: int = 0
    delay_s: float = 0.0  # until the lease starts
    retry_s: float = 0.0  # until the process may ask again, if it got no packets
    is_shared: bool = False  # whether other processes use the address, too


class Leases(NamedTuple):
    """The reply to a request, in the order of its addresses."""

    processes: int  # live workers
    leases: Sequence[Lease]
    lease_time: float  # time.monotonic() of this process


class LeaseClient(Protocol):
    """Requests leases, so that all processes together respect the limits."""

    def request(
        self,
        requests: Sequence[LeaseRequest],
        terms: LeaseTerms,
        reply: Callable[[Leases | None], None],
        *,
        limited: Sequence[str],
    ) -> None:
        """Request leases, and report the addresses at which packets wait.

        `reply` is called later, in the event loop, with None if the lease client is unavailable.
        """
