"""The time that all processes agree on, whatever the clocks of their hosts say."""

import time
from datetime import UTC, datetime

from gonemaster_tasks.broker.client import Broker
from gonemaster_tasks.errors import BrokerUnavailable

_SYNCHRONIZE_EVERY_S = 60.0
_TRY_AGAIN_S = 10.0


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
        return datetime.fromtimestamp(time.monotonic() + self._offset_s, UTC)


class LazyClock(SharedClock):
    """The same for processes without a thread that synchronizes: takes the broker's time when it is asked and due.

    Without Redis it goes on from what it knew last, and tries again some seconds later.
    """

    def __init__(self, broker: Broker) -> None:
        super().__init__()
        self._broker = broker
        self._due = 0.0

    def now(self) -> datetime:
        """Return the time, UTC; asks Redis once a minute."""
        if time.monotonic() >= self._due:
            self._due = time.monotonic() + _TRY_AGAIN_S  # first, so that other threads do not wait for Redis as well
            try:
                self.synchronize(self._broker)
                self._due = time.monotonic() + _SYNCHRONIZE_EVERY_S
            except BrokerUnavailable:
                pass
        return super().now()
