"""Leases: packets of one address that a process may send for a short time, and the lender that grants them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

TOLERANCE_S = 0.1  # by which a packet may be sent before its evenly spaced time
LIFE_S = 0.1  # for which a lease can be used
HORIZON_S = 0.4  # no lease starts later than this
HELD_S = 1.5  # for which leased packets without an answer count, unless the process renews them


class LeaseTerms(NamedTuple):
    """What all leases of an address together may hold."""

    interval_s: float  # between two packets; 0: no limit
    outstanding: int | None  # packets without an answer; None: no limit


class Want(NamedTuple):
    """What a process wants for an address."""

    address: str
    packets: int  # that wait; 0 to renew or return what the process holds
    held: int  # leased packets without an answer


class Lease(NamedTuple):
    """What a process gets for an address."""

    packets: int = 0
    delay_s: float = 0.0  # until the lease starts
    retry_s: float = 0.0  # until the process may ask again, if it got nothing
    is_shared: bool = False  # whether other processes use the address, too


class Leases(NamedTuple):
    """The reply to a request, in the order of the wants."""

    processes: int  # live workers
    leases: Sequence[Lease]
    made_at: float  # time.monotonic() of this process


class Lender(Protocol):
    """Grants leases to the processes, so that all of them together keep the limits."""

    def ask(
        self,
        wants: Sequence[Want],
        terms: LeaseTerms,
        reply: Callable[[Leases | None], None],
        *,
        limited: Sequence[str],
    ) -> None:
        """Ask for leases, and report the addresses at which packets wait.

        `reply` is called later, in the event loop, with None while the lender is unavailable.
        """
