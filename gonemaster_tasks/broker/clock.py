"""The time that all processes agree on, whatever the clocks of their hosts say."""

import time
from contextlib import suppress
from datetime import UTC, datetime

from gonemaster_tasks.broker.client import Broker
from gonemaster_tasks.errors import BrokerUnavailable

SYNCHRONIZE_EVERY_S = 10.0  # after a failover the time may be that of another host


class SharedClock:
    """Time of the broker's host, carried on by this host's steady clock.

    Leases and pauses are set by one process and judged by another; a host with a wrong clock would end leases too
    early or too late, and begin or end pauses at the wrong time.
    """

    def __init__(self) -> None:
        self._offset_s = time.time() - time.monotonic()

    def synchronize(self, broker: Broker) -> None:
        """Take the broker's time; an answer that was slow is still good to half its delay."""
        before = time.monotonic()
        there = broker.time()
        after = time.monotonic()
        self._offset_s = there - (before + after) / 2

    def now(self) -> datetime:
        """Return the time, UTC."""
        return datetime.fromtimestamp(self.timestamp(), UTC)

    def timestamp(self) -> float:
        """Return the time in POSIX seconds."""
        return time.monotonic() + self._offset_s

    def skew_s(self) -> float:
        """Return how far this host's clock is ahead of the time, in seconds; 0 before the first synchronization."""
        return time.time() - time.monotonic() - self._offset_s


class LazyClock(SharedClock):
    """The same for processes without a thread that synchronizes: takes the broker's time when it is asked and due.

    Without Redis it goes on from what it knew last, and tries again some seconds later. Where a thread synchronizes
    nevertheless, nobody who asks for the time waits for Redis.
    """

    def __init__(self, broker: Broker) -> None:
        super().__init__()
        self._broker = broker
        self._due = 0.0

    def synchronize(self, broker: Broker) -> None:
        """Take the broker's time."""
        self._due = time.monotonic() + SYNCHRONIZE_EVERY_S  # first: other threads do not wait for Redis as well
        super().synchronize(broker)

    def now(self) -> datetime:
        """Return the time, UTC; asks Redis when that is due."""
        if time.monotonic() >= self._due:
            with suppress(BrokerUnavailable):
                self.synchronize(self._broker)
        return super().now()
