"""The time that all processes share, independent of the clocks of their hosts."""

import time
from contextlib import suppress
from datetime import UTC, datetime

from gonemaster_tasks.broker.client import Broker
from gonemaster_tasks.errors import BrokerUnavailable

SYNCHRONIZE_EVERY_S = 10.0  # After a failover the time may come from another host.


class SharedClock:
    """The time of the broker's host, advanced by the monotonic clock of this host.

    One process sets leases and pauses, another process evaluates them: a host with a wrong clock would end leases and
    start or end pauses at the wrong time.
    """

    def __init__(self) -> None:
        self._offset_s = time.time() - time.monotonic()

    def synchronize(self, broker: Broker) -> None:
        """Adopt the broker's time; the error is at most half of the round-trip time."""
        before = time.monotonic()
        server_now = broker.time()
        after = time.monotonic()
        self._offset_s = server_now - (before + after) / 2

    def now(self) -> datetime:
        """Return the time in UTC."""
        return datetime.fromtimestamp(self.timestamp(), UTC)

    def timestamp(self) -> float:
        """Return the time in POSIX seconds."""
        return time.monotonic() + self._offset_s

    def skew_s(self) -> float:
        """Return by how many seconds the clock of this host is ahead; 0 before the first synchronization."""
        return time.time() - time.monotonic() - self._offset_s


class LazyClock(SharedClock):
    """A shared clock for processes without a synchronizing thread: it synchronizes on access when that is due.

    Without Redis it continues from the last known time and retries a few seconds later. If a thread synchronizes it,
    no reader of the time waits for Redis.
    """

    def __init__(self, broker: Broker) -> None:
        super().__init__()
        self._broker = broker
        self._due = 0.0

    def synchronize(self, broker: Broker) -> None:
        """Adopt the broker's time."""
        # Set first, so that other threads do not wait for Redis as well.
        self._due = time.monotonic() + SYNCHRONIZE_EVERY_S
        super().synchronize(broker)

    def now(self) -> datetime:
        """Return the time in UTC; queries Redis if synchronization is due."""
        if time.monotonic() >= self._due:
            with suppress(BrokerUnavailable):
                self.synchronize(self._broker)
        return super().now()
