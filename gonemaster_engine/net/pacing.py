"""Politeness of one process: packets wait here until the limit of their address allows them.

A packet may go if the process has borrowed it, or is one of those that need no loan. What is borrowed lasts for a
quarter or half of a second, so there is a request for some packets of many addresses at once, and none for a single
query. Without a lender that answers the process keeps to its share of the limits. Waiting is no silence of a server:
time limits begin when a packet is sent. The rules and the reasons: docs/explanation/politeness.md.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple, Protocol

from gonemaster_engine.addresses import counted_as
from gonemaster_engine.net.ledger import HELD_S, HORIZON_S, RESTED_S, Free, Ledger, Loan, Loans, Terms, Want
from gonemaster_engine.net.line import Line, Waiting
from gonemaster_engine.net.query import Query

_LATE_S = 0.1  # for which a packet may be sent after its time; then the time is lost
_EARLY_S = 0.02  # before its time, so that not each packet needs a timer of its own
_GATHER_S = 0.02  # between two requests
_NEXT_S = 0.1  # before the last borrowed packet more are asked for
_ANSWER_S = 2.0  # within which a lender answers
_TRY_AGAIN_S = 0.5  # after which a lender that did not answer is tried again
_SETTLE_S = 1.0  # for which the share is kept after it answers again: all processes try within that time
_CALM_S = 2.0  # for which nothing is sent before its time after that: all may have sent their shares meanwhile
_SWEEP_S = 0.5
_IDLE_S = 3.0  # after which an address is forgotten
_FEWER_S = 15.0  # for which fewer processes must be counted before the share of each grows
_FREE_S = 1.0
_KNOWN_S = 1.5  # after which the others know of a process, and what they sent before that is over
LONG_S = 0.1  # shorter waits are those for a loan, not for the limit


class Stats(NamedTuple):
    """What waited longer than a loan takes. The numbers only grow."""

    waits: int = 0  # packets
    waited_s: float = 0.0  # all of them together


class Lender(Protocol):
    """Where the processes borrow from."""

    def ask(self, wants: Sequence[Want], terms: Terms, reply: Callable[[Loans | None], None]) -> None:
        """Ask for loans; `reply` is called later, in the event loop, with None if nobody can be asked now."""

    def report(self, limited: Sequence[str]) -> None:
        """Take the addresses at which packets wait; called again and again while some do."""


class _Address:
    """What one address may get from this process now, and what waits for it."""

    __slots__ = (
        "_free_times",
        "asked",
        "free_out",
        "interval_s",
        "is_shared",
        "lent_until",
        "line",
        "loan_out",
        "name",
        "ready",
        "ready_until",
        "retry_at",
        "slots",
        "slots_until",
        "spaced",
        "timer",
        "used_at",
    )

    def __init__(self, name: str) -> None:
        self.name = name
        self.line = Line()
        self.asked = False  # a request is under way, or about to be
        self.is_shared = False
        self.loan_out = 0  # packets without answer, borrowed
        self.free_out = 0  # and without a loan
        self.slots = 0  # most of the former until `slots_until`
        self.slots_until = 0.0
        self.ready = 0
        self.ready_until = 0.0
        self.spaced: deque[tuple[float, int, float]] = deque()  # packets: time of the first, number, how early they go
        self.interval_s = 0.0
        self.lent_until = 0.0  # time of the packet after the last one of all loans
        self.retry_at = 0.0
        self.timer: asyncio.TimerHandle | None = None
        self.used_at = 0.0
        self._free_times: deque[float] = deque()  # when packets without a loan were sent, within a second

    @property
    def is_idle(self) -> bool:
        return not (self.line or self.loan_out or self.free_out or self.asked)

    def borrow(self, loan: Loan, *, held: int, interval_s: float, made_at: float, now: float) -> None:
        """Take a loan; `held` is what was said to be without answer.

        Nothing is sent before its time if this process knows better than a lost ledger how long the address rested.
        """
        self.is_shared = loan.is_shared
        self.slots, self.slots_until = held + loan.packets, made_at + HELD_S - _SWEEP_S / 2
        self.interval_s = interval_s
        self.retry_at = now + loan.retry_s if loan.retry_s else 0.0
        if loan.ready:
            self.ready = loan.ready
            self.ready_until = max(made_at + _LATE_S, now + _EARLY_S)  # a loop that is always late goes on, too
        if loan.spaced:
            early_s = loan.early_s if self.lent_until <= made_at - RESTED_S + _EARLY_S else 0.0
            self.spaced.append((made_at + loan.delay_s, loan.spaced, max(_EARLY_S, early_s)))
        if loan.packets and interval_s:
            self.lent_until = made_at + loan.delay_s + loan.spaced * interval_s

    def take_borrowed(self, terms: Terms, now: float) -> bool:
        """Use one borrowed packet, if there is one whose time has come."""
        if terms.outstanding and (self.loan_out >= self.slots or now >= self.slots_until):
            return False
        if terms.qps and not self._take_timed(now):
            return False
        self.loan_out += 1
        return True

    def _take_timed(self, now: float) -> bool:
        if self.ready and now < self.ready_until:
            self.ready -= 1
            return True
        return self._take_spaced(now)

    def _take_spaced(self, now: float) -> bool:
        if not self.spaced:
            return False
        first, count, early_s = self.spaced[0]
        late_s = now - _LATE_S - first
        if late_s > 0 and self.interval_s:  # these are lost, but for one
            lost = min(count - 1, int(late_s / self.interval_s) + 1)
            first, count = first + lost * self.interval_s, count - lost
            self.spaced[0] = first, count, early_s
        if first > now + early_s:
            return False
        if count > 1:
            self.spaced[0] = first + self.interval_s, count - 1, early_s
        else:
            self.spaced.popleft()
        return True

    def take_free(self, free: Free, now: float) -> bool:
        """Use one packet that needs no loan, if one is left of this second."""
        times = self._free_times
        while times and times[0] <= now - _FREE_S:
            times.popleft()
        if len(times) >= free.per_second or self.free_out >= free.at_once:
            return False
        times.append(now)
        self.free_out += 1
        return True

    def give_back(self, *, is_loan: bool, now: float) -> None:
        """Take back a packet that was not sent."""
        if is_loan:
            self.loan_out -= 1
            self.ready, self.ready_until = (self.ready if now < self.ready_until else 0) + 1, now + _LATE_S
        else:
            self.free_out -= 1
            if self._free_times:
                self._free_times.pop()

    def needs_more(self, terms: Terms, now: float) -> bool:
        """Say whether what waits needs more than what is borrowed, soon."""
        if not self.line or self.asked or now < self.retry_at:
            return False
        if terms.outstanding and now >= self.slots_until:
            return True
        if self.spaced:
            first, count, _ = self.spaced[-1]
            return len(self.line) > count and first + count * self.interval_s < now + _NEXT_S
        return True

    def next_at(self, terms: Terms, now: float) -> float | None:
        """Return when to look again, None if only an answer of the lender or of the address changes something."""
        times = [self.retry_at] if self.retry_at > now else []
        if terms.outstanding and self.loan_out >= self.slots:
            if self.slots_until > now:
                times.append(self.slots_until)
        elif self.spaced:
            first, _, early_s = self.spaced[0]
            times.append(first - early_s + _EARLY_S / 2)
        return min(times, default=None)


class Pacing:
    """Lets packets go as the limits allow. Make it for one event loop; its methods are called there.

    `limits` gives those that apply now; it is called again and again. `is_extra`: the process is not one of those that
    the lender counts, so it sends nothing without a loan.
    """

    def __init__(self, lender: Lender, limits: Callable[[], Terms], *, is_extra: bool = False) -> None:
        self._loop = asyncio.get_running_loop()
        self._lender = lender
        self._limits = limits
        self._is_extra = is_extra
        self._addresses: dict[str, _Address] = {}
        self._wanted: list[_Address] = []
        self._flush_at = 0.0
        self._flushing: asyncio.TimerHandle | None = None
        self._sweeper: asyncio.TimerHandle | None = None
        self._request = 0  # number of the last one
        self._own: Ledger | None = None  # while no lender answers
        self._own_from = 0.0
        self._is_trying = False
        self._calm_until = 0.0
        self._processes = 0  # 0: not known
        self._more_at = 0.0  # when so many were counted last
        self._stats = Stats()
        self._is_closed = False
        self.terms = limits()
        self._free_from = math.inf
        self._free: Free | None = None

    @property
    def stats(self) -> Stats:
        """What waited so far."""
        return self._stats

    @property
    def is_alone(self) -> bool:
        """Whether the process keeps to its share, since no lender answers."""
        return self._own is not None

    def limited(self) -> list[str]:
        """Return the addresses at which queries wait for the limit."""
        since = time.monotonic() - LONG_S
        return [each.name for each in self._addresses.values() if each.line and each.line.since() < since]

    def _follow_limits(self) -> None:
        """See whether other limits apply now; then what waits is looked at again."""
        terms = self._limits()
        if terms == self.terms:
            return
        self.terms = terms
        if self._free:
            self._free = terms.free(self._processes)
        for each in list(self._addresses.values()):
            each.spaced.clear()
            each.ready = 0
            self._move(each)

    def enter(self, query: Query, send: Callable[[Query], bool]) -> None:
        """Send a packet of the query, now or when it may be sent; `send` returns whether a packet has left.

        A packet of it that was sent before counts as answered.
        """
        query.let_go()
        if self.terms.is_none:
            self._follow_limits()
            if self.terms.is_none:
                send(query)
                return
        name, now = counted_as(query.address), time.monotonic()
        address = self._addresses.get(name)
        if address is None:
            address = self._addresses[name] = _Address(name)
            if self._sweeper is None:
                self._sweeper = self._loop.call_later(_SWEEP_S, self._sweep)
        address.used_at = now
        if not address.line and self._let_go(address, query, send, now):
            return
        address.line.add(Waiting(query, send, now), query.pace)
        self._move(address)

    def _let_go(self, address: _Address, query: Query, send: Callable[[Query], bool], now: float) -> bool:
        is_loan = address.take_borrowed(self.terms, now)
        if not is_loan and not (self._free and address.take_free(self._free, now)):
            return False
        query.on_let_go = partial(self._on_outcome, address, is_loan)
        if not send(query):
            query.on_let_go = None
            address.give_back(is_loan=is_loan, now=now)
        return True

    def _on_outcome(self, address: _Address, is_loan: bool) -> None:
        if is_loan:
            address.loan_out -= 1
        else:
            address.free_out -= 1
        if address.line:
            self._loop.call_soon(self._move, address)  # not now: the outcome comes first
        elif address.is_shared and is_loan and not address.loan_out:
            self._want(address)  # others wait for what it holds

    def _move(self, address: _Address) -> None:
        """Send what waits at an address, as far as it may be sent, and see to it that the rest will be."""
        now, line = time.monotonic(), address.line
        if self._is_closed:
            return
        while line:
            if self.terms.is_none:
                waiting = line.take()
                self._note_wait(waiting, now)
                if not waiting.query.done:
                    waiting.send(waiting.query)
                continue
            if not self._move_one(address, now):
                break
        if address.needs_more(self.terms, now):
            self._want(address)
        self._set_timer(address, now)

    def _move_one(self, address: _Address, now: float) -> bool:
        is_loan = address.take_borrowed(self.terms, now)
        if not is_loan and not (self._free and address.take_free(self._free, now)):
            return False
        waiting = address.line.take()
        self._note_wait(waiting, now)
        query = waiting.query
        if not query.done:
            query.on_let_go = partial(self._on_outcome, address, is_loan)
            if waiting.send(query):
                return True
            query.on_let_go = None
        address.give_back(is_loan=is_loan, now=now)
        return True

    def _note_wait(self, waiting: Waiting, now: float) -> None:
        waited_s = now - waiting.since
        waiting.query.pace.waited_s += waited_s
        if waited_s > LONG_S:
            self._stats = Stats(self._stats.waits + 1, self._stats.waited_s + waited_s)

    def _set_timer(self, address: _Address, now: float) -> None:
        if address.timer:
            address.timer.cancel()
            address.timer = None
        if address.line and (at := address.next_at(self.terms, now)) is not None:
            address.timer = self._loop.call_at(max(at, now + 0.001), self._move, address)

    def _want(self, address: _Address) -> None:
        if address.asked:
            return
        address.asked = True
        self._wanted.append(address)
        if self._flushing is None:
            self._flushing = self._loop.call_at(max(time.monotonic(), self._flush_at), self._flush)

    def _flush(self) -> None:
        """Ask for all that is wanted."""
        self._flushing = None
        now = time.monotonic()
        self._flush_at = now + _GATHER_S
        if self._own is not None and now < self._own_from:  # what others borrowed may still be used
            self._flushing = self._loop.call_at(self._own_from, self._flush)
            return
        asked, self._wanted = self._wanted, []
        wants = [Want(each.name, len(each.line), each.loan_out) for each in asked]
        if self._own is not None:
            terms = self._own_terms()
            loans = [self._own.lend(want, terms, process="", now=now) for want in wants]
            self._take(asked, wants, loans, terms, made_at=now)
        elif not self.terms.is_none:
            self._ask(asked, wants)
        else:
            for each in asked:
                each.asked = False
                self._move(each)

    def _own_terms(self) -> Terms:
        processes = float(max(1, self._processes))
        return self.terms.share(processes * 10 if self._is_extra else processes)

    def _ask(self, asked: list[_Address], wants: list[Want]) -> None:
        terms = self.terms
        is_over = False

        def reply(loans: Loans | None) -> None:
            nonlocal is_over
            if is_over or self._is_closed:  # too late
                return
            is_over = True
            limit.cancel()
            if loans is None:
                self._go_alone(asked)
            else:
                self._count(loans.processes)
                self._take(asked, wants, loans.loans, terms, made_at=loans.made_at)

        limit = self._loop.call_later(_ANSWER_S, reply, None)
        self._lender.ask(wants, terms, reply)

    def _take(
        self, asked: list[_Address], wants: list[Want], loans: Sequence[Loan], terms: Terms, *, made_at: float
    ) -> None:
        now = time.monotonic()
        if self._own is not None or now < self._calm_until:
            loans = [loan._replace(early_s=0.0) for loan in loans]
        for address, want, loan in zip(asked, wants, loans, strict=True):
            address.asked = False
            if terms == self.terms or self._own is not None:  # else the limits were changed meanwhile
                address.borrow(loan, held=want.held, interval_s=terms.interval_s, made_at=made_at, now=now)
            self._move(address)

    def _count(self, processes: int) -> None:
        """Note how many processes there are; fewer only after a while: Redis may have been emptied.

        A new process sends nothing without a loan until the others know that their shares are smaller.
        """
        now, processes = time.monotonic(), max(1, processes)
        if not self._processes:
            self._free_from = math.inf if self._is_extra else now + _KNOWN_S
        if processes >= self._processes or now - self._more_at >= _FEWER_S:
            self._more_at = now
            self._processes = processes
        if now >= self._free_from:
            self._free = self.terms.free(self._processes)

    def _go_alone(self, asked: Sequence[_Address]) -> None:
        """Keep to the share of this process, after the time for which others may have borrowed."""
        if self._own is None:
            self._own, self._own_from = Ledger(), time.monotonic() + HORIZON_S
        for each in asked:
            each.asked = False
            each.slots_until = 0.0
            if each.line:
                self._want(each)
        if not self._is_trying:
            self._is_trying = True
            self._loop.call_later(_TRY_AGAIN_S, self._try_again)

    def _try_again(self) -> None:
        if not self._is_closed:
            self._lender.ask((), self.terms, self._on_tried)

    def _on_tried(self, loans: Loans | None) -> None:
        self._is_trying = False
        if self._is_closed:
            return
        if loans is None:
            self._go_alone(())
            return
        self._count(loans.processes)
        self._loop.call_later(_SETTLE_S, self._end_alone)

    def _end_alone(self) -> None:
        self._own, self._calm_until = None, time.monotonic() + _CALM_S
        for each in list(self._addresses.values()):
            each.slots_until = 0.0
            each.spaced.clear()
            self._move(each)

    def _sweep(self) -> None:
        """Hold what is without answer, forget addresses that are not used, report."""
        self._follow_limits()
        now = time.monotonic()
        for each in list(self._addresses.values()):
            if each.is_idle and now - each.used_at > _IDLE_S:
                del self._addresses[each.name]
            elif self.terms.outstanding and each.loan_out and each.slots_until < now + 2 * _SWEEP_S:
                self._want(each)
        if limited := self.limited():
            self._lender.report(limited)
        if self._own is None and not self._wanted and self._addresses:
            self._ask([], [])  # how many processes there are
        self._sweeper = self._loop.call_later(_SWEEP_S, self._sweep) if self._addresses else None

    def close(self) -> list[Query]:
        """Stop, and return the queries that wait."""
        self._is_closed = True
        for timer in (self._flushing, self._sweeper, *(each.timer for each in self._addresses.values())):
            if timer:
                timer.cancel()
        return [query for each in self._addresses.values() for query in each.line.drain()]
