"""Requests for external data: a short queue whose loss does no harm."""

from typing import Any

from gonemaster_tasks.broker.connection import reachable
from gonemaster_tasks.broker.keys import REGISTRATIONS

MAX_QUEUED = 1000
_LIFE_S = 86_400  # An unprocessed queue expires after this time.


class RegistrationRequests:
    """Domains whose registration data are requested, each once, oldest first. All methods raise BrokerUnavailable."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def add(self, domain: str, *, at: float) -> bool:
        """Queue a domain; return False if the queue is full. `at` is a POSIX time."""
        with reachable():
            if self._client.zcard(REGISTRATIONS) >= MAX_QUEUED and self._client.zscore(REGISTRATIONS, domain) is None:
                return False
            self._client.zadd(REGISTRATIONS, {domain: at}, nx=True)
            self._client.expire(REGISTRATIONS, _LIFE_S)
        return True

    def take(self) -> str | None:
        """Remove and return the oldest domain."""
        with reachable():
            found = self._client.zpopmin(REGISTRATIONS)
        return str(found[0][0]) if found else None

    def count(self) -> int:
        """Return the number of queued domains."""
        with reachable():
            return int(self._client.zcard(REGISTRATIONS))
