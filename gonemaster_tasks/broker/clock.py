"""The time that all workers agree on, whatever the clocks of their hosts say."""

import time
from datetime import UTC, datetime

from gonemaster_tasks.broker.client import Broker


class SharedClock:
    """Time of the broker's host, carried on by this host's steady clock.

    Leases are ended by one worker and judged by another; a host with a wrong clock would end
    living leases or keep dead ones.
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
