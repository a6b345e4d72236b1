"""Ways to reach an address, and how often each has failed in a run."""

from __future__ import annotations

from collections.abc import Mapping

from gonemaster_engine.net.cache import QueryKey
from gonemaster_engine.net.query import GIVEN_UP, TIMEOUT, UNREACHABLE, Outcome, Query

_HARD_ERRORS = 2  # then an address counts as unreachable for a while


def way_of(key: QueryKey) -> tuple[bool, bool, bool]:
    """Return the way on which a query is sent: TCP, EDNS, any source."""
    return key.tcp, key.edns is not None, key.any_source


def unused_packets(query: Query, packets: int, outcome: Outcome) -> int:
    """Return how many of the packets that a query over TCP was charged with were not sent."""
    if outcome.error == GIVEN_UP:
        return 0 if query.sent_at else packets
    return 0 if outcome.error == TIMEOUT else packets - 1


class Failures:
    """Failures of one way (UDP or TCP, with or without EDNS, answers from elsewhere too or not) to reach an address.

    A way that has answered once in the run is never given up: a server that drops some queries must not
    lose the answers to others, whatever their order.
    """

    __slots__ = ("_hard", "answered", "last_at", "timeouts")

    def __init__(self) -> None:
        self.answered = False
        self.timeouts = 0
        self._hard = 0
        self.last_at = 0.0  # time of the event loop

    def count(self, outcome: Outcome, now: float) -> None:
        """Count a query without response."""
        self.last_at = now
        self.timeouts += outcome.error == TIMEOUT
        self._hard += outcome.error == UNREACHABLE

    def is_hopeless(self, timeout_limit: int) -> bool:
        """Say whether nothing more is to be sent on the way for a while."""
        if self.answered:
            return False
        return self.is_unreachable or bool(timeout_limit and self.timeouts >= timeout_limit)

    def may_be_hopeless(self, timeout_limit: int, *, under_way: int) -> bool:
        """Say whether so many queries under way may make it hopeless: one more would only be waited for, too.

        After any answer all may go.
        """
        may_be = bool(timeout_limit and self.timeouts) and not self.answered
        return may_be and under_way >= max(1, timeout_limit - self.timeouts)

    @property
    def is_unreachable(self) -> bool:
        """Whether the network or the host said that nothing gets there."""
        return self._hard >= _HARD_ERRORS


def silent_ways(failures: Mapping[tuple[bool, bool, bool], Failures], *, tcp: bool, least: int) -> list[Failures]:
    """Return the ways over UDP or TCP if none has led to the address, and there were at least so many timeouts on them.

    Those that let an answer come from anywhere are not among them: what came from elsewhere is none of the address.
    """
    ways = [each for way, each in failures.items() if way[0] == tcp and not way[2]]
    enough = sum(each.timeouts for each in ways) >= least
    return ways if enough and not any(each.answered for each in ways) else []
