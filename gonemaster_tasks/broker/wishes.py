"""Data from elsewhere that somebody wants to see: a short queue, whose loss does no harm."""

from typing import Any

from gonemaster_tasks.broker.connection import reachable
from gonemaster_tasks.broker.keys import REGISTRATIONS

MOST = 1000
_LIFE_S = 86_400  # a queue that nobody works on is forgotten


class Wishes:
    """Domains whose registration data are wanted, each once, oldest wish first. All methods raise BrokerUnavailable."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def add(self, domain: str, *, at: float) -> bool:
        """Queue a domain; False if the queue is full. `at` is a POSIX time."""
        with reachable():
            if self._client.zcard(REGISTRATIONS) >= MOST and self._client.zscore(REGISTRATIONS, domain) is None:
                return False
            self._client.zadd(REGISTRATIONS, {domain: at}, nx=True)
            self._client.expire(REGISTRATIONS, _LIFE_S)
        return True

    def take(self) -> str | None:
        """Take the oldest wish."""
        with reachable():
            found = self._client.zpopmin(REGISTRATIONS)
        return str(found[0][0]) if found else None

    def count(self) -> int:
        """Return how many are queued."""
        with reachable():
            return int(self._client.zcard(REGISTRATIONS))
