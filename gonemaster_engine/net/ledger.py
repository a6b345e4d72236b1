"""What may be sent to one address by all processes together, lent to them in small parts.

Half of the limit is free: each process may send its share of that without asking. For the other half, an address has a
line of times at which packets may be sent to it, evenly spaced. A process borrows the next of them; no two processes
ever have the same one, so what they send together keeps the limit whatever each of them does. Some of them may be sent
at once to an address that was left alone, and many if that was for half a second: then packets may leave before their
times. Of a small limit, whose half leaves no share for many processes, a tenth is free. Times that nobody used pass by
themselves, so the share of a process that was killed needs no return. Of the packets that may be without answer at
once each process holds as many as it says, for a time: they too come back by themselves.

The same rules stand in gonemaster_tasks/broker/scripts/lend.lua, which keeps the ledger of many processes in Redis.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

BURST_S = 0.125  # of the line of times that may have passed unused
AHEAD_S = 0.25  # for which an address that nobody else queries is lent more than is wanted
RESTED_S = 0.5  # for which no packet was lent: then packets may leave by so much before their times
RESTED_AHEAD_S = 0.45  # of the line are lent then
HORIZON_S = 0.5  # no time is lent that lies further in the future
HELD_S = 1.5  # for which packets without answer are held, unless they are held anew
SLOTS_AHEAD = 32  # lent where only the packets without answer are limited
WAIT_FOR_SLOT_S = 0.05
_SMALL = 32  # a limit below this is small
_ROUNDING_S = 1e-7  # far below the microsecond in which Redis counts


class Free(NamedTuple):
    """What one process may send to an address without asking."""

    per_second: float = 0
    at_once: float = 0  # packets without answer


class Terms(NamedTuple):
    """The limits for each address, of all processes together; 0: none."""

    qps: float = 0  # packets a second
    outstanding: float = 0  # packets without answer at once
    free_parts: int = 0  # one part of so many is free; 0: as the size of the limits suggests

    @property
    def is_none(self) -> bool:
        """Whether nothing is limited."""
        return not (self.qps or self.outstanding)

    @property
    def interval_s(self) -> float:
        """The time between two packets that are lent."""
        paced_share = 0.8 if self._parts > 2 else 0.5  # with what may be late, the rest is not too much
        return 1 / (self.qps * paced_share) if self.qps else 0.0

    def share(self, processes: float) -> Terms:
        """Return the limits of one process among so many, which agree with nobody."""
        outstanding = max(1, self.outstanding // processes) if self.outstanding else 0
        return Terms(self.qps / processes, outstanding, self._parts)

    @property
    def _parts(self) -> int:
        if self.free_parts:
            return self.free_parts
        return 10 if min((limit for limit in (self.qps, self.outstanding) if limit), default=0) < _SMALL else 2

    def free(self, processes: int) -> Free:
        """Return what each of so many processes may send to an address without asking."""
        shares = (limit // self._parts // processes if limit else math.inf for limit in (self.qps, self.outstanding))
        return Free(*shares)

    @property
    def slots_lent(self) -> int:
        """How many packets without answer are lent, if they are limited; the rest are sent without asking."""
        return int(self.outstanding) - int(self.outstanding) // self._parts


class Want(NamedTuple):
    """What a process wants for an address."""

    address: str
    packets: int  # to be sent as soon as possible; 0: only to go on holding
    held: int  # packets without answer that were borrowed before


class Loan(NamedTuple):
    """What a process gets for an address."""

    ready: int = 0  # packets that may be sent now
    delay_s: float = 0.0  # until the first of those that are spaced
    spaced: int = 0  # packets, an interval apart
    is_shared: bool = False  # whether other processes want something there, too
    retry_s: float = 0.0  # after which to ask again, if nothing was lent
    early_s: float = 0.0  # by which those that are spaced may be sent before their times

    @property
    def packets(self) -> int:
        """How many packets it is for."""
        return self.ready + self.spaced


class Loans(NamedTuple):
    """What a process gets, in the order in which it was wanted."""

    processes: int  # that work on runs now
    loans: Sequence[Loan]
    made_at: float  # time.monotonic() of this process


class _Line:
    """The ledger of one address."""

    __slots__ = ("at", "holders", "used_at")

    def __init__(self) -> None:
        self.at = -math.inf  # when the next packet may be sent
        self.holders: dict[str, tuple[int, float]] = {}  # who asked: packets that may be without answer, until when
        self.used_at = 0.0

    def forget_holders(self, process: str, now: float) -> None:
        """Forget what a process held, and what was held until now."""
        held = self.holders.items()
        self.holders = {name: each for name, each in held if each[1] > now + _ROUNDING_S and name != process}


class Ledger:
    """The ledger of all addresses, in memory. Times are in seconds, of any clock that runs evenly."""

    def __init__(self) -> None:
        self._lines: dict[str, _Line] = {}
        self._swept_at = 0.0

    def __len__(self) -> int:
        return len(self._lines)

    def lend(self, want: Want, terms: Terms, *, process: str, now: float) -> Loan:
        """Lend a process what it wants, as far as there is something."""
        self._sweep(now)
        line = self._lines.get(want.address)
        if line is None:
            line = self._lines[want.address] = _Line()
        line.used_at = now
        line.forget_holders(process, now)
        loan = _make_loan(want, terms, line, now=now)
        if loan.packets and terms.qps:
            line.at = max(line.at, now - BURST_S) + loan.packets * terms.interval_s
        if want.packets or want.held:  # who got nothing counts, too, so that the others leave some
            line.holders[process] = (want.held + loan.packets, now + HELD_S)
        return loan

    def _sweep(self, now: float) -> None:
        """Forget addresses that nobody wants, now and then."""
        if now - self._swept_at < HELD_S:
            return
        self._swept_at = now
        old = now - HELD_S - HORIZON_S
        for address in [name for name, line in self._lines.items() if line.used_at < old and line.at < now]:
            del self._lines[address]


def _whole(number: float) -> int:
    """Return the whole part of a number that errors of rounding may have made a little smaller."""
    return math.floor(number + 1e-6)


def _make_loan(want: Want, terms: Terms, line: _Line, *, now: float) -> Loan:
    parts = len(line.holders) + 1
    if not want.packets:
        return Loan(is_shared=parts > 1)
    room = _room(want, terms, line, parts)
    if room < 1:
        return Loan(is_shared=True, retry_s=WAIT_FOR_SLOT_S)
    if not terms.qps:
        return Loan(ready=int(min(room, max(want.packets, SLOTS_AHEAD // parts))), is_shared=parts > 1)
    interval_s, start = terms.interval_s, max(line.at, now - BURST_S)
    if start > now + HORIZON_S + _ROUNDING_S:
        return Loan(is_shared=True, retry_s=max(WAIT_FOR_SLOT_S, start - now - HORIZON_S))
    left = _whole((now + HORIZON_S - start) / interval_s) + 1
    if parts > 1:
        left = min(left, max(1, _whole(HORIZON_S / interval_s) // parts))
    is_rested = line.at <= now - RESTED_S + _ROUNDING_S
    ahead_s = RESTED_AHEAD_S if is_rested else AHEAD_S
    ahead = _whole((now + ahead_s - start) / interval_s) // parts if parts == 1 or line.at <= now + _ROUNDING_S else 0
    count = int(min(left, max(want.packets, ahead), room))
    ready = min(count, _whole((now - start) / interval_s) + 1) if start <= now + _ROUNDING_S else 0
    return Loan(
        ready, start + ready * interval_s - now, count - ready, parts > 1, early_s=RESTED_S if is_rested else 0.0
    )


def _room(want: Want, terms: Terms, line: _Line, parts: int) -> float:
    """Return how many packets without answer can be lent: all that are left, and no more than an equal part of all."""
    if not terms.outstanding:
        return math.inf
    left = terms.slots_lent - want.held - sum(count for count, _ in line.holders.values())
    return min(left, max(1, terms.slots_lent // parts) - want.held) if parts > 1 else left
