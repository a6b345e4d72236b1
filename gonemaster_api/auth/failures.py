"""The limit on failed authentication attempts, per client and shared by all API processes.

The limit keeps attempts cheap and the log short. It never refuses a valid token: 256 random bits cannot be guessed at
any rate, and blocking an address would let anyone behind the same NAT or proxy lock out the operator. Without Redis
each process counts on its own.
"""

import logging
import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from cachetools import TLRUCache, TTLCache

from gonemaster_tasks.broker.client import Broker
from gonemaster_tasks.errors import BrokerUnavailable

log = logging.getLogger(__name__)

MAX_FAILURES = 30
WINDOW_S = 60
_KIND = "login"
_MAX_CLIENTS = 10_000  # maximum per process
_WITHOUT_REDIS_S = 5.0  # pause before a retry: an unresponsive Redis must not delay each refusal


@dataclass
class _Window:
    """The failures of a client, counted by this process."""

    end: float
    count: int = 0


class FailedAttempts:
    """Counter of the 401 responses of each client."""

    def __init__(
        self, broker: Broker, *, clock: Callable[[], float] = time.monotonic, max_clients: int = _MAX_CLIENTS
    ) -> None:
        self._broker = broker
        self._clock = clock
        self._lock = threading.Lock()
        self._own: TTLCache[str, _Window] = TTLCache(max_clients, WINDOW_S, timer=clock)
        self._limited: TLRUCache[str, float] = TLRUCache(max_clients, lambda _client, end, _now: end, timer=clock)
        self._redis_again = 0.0

    def left_s(self, client: str) -> int:
        """Return the seconds that a client above the limit must wait, 0 for all others; counts nothing."""
        with self._lock:
            end = self._limited.get(client)
        return max(1, math.ceil(end - self._clock())) if end is not None else 0

    def note(self, client: str) -> int:
        """Count a failure and return the number of seconds the client must wait, 0 while it is below the limit."""
        now = self._clock()
        with self._lock:
            end = self._limited.get(client)
        if end is None:
            count, left_s = self._count(client, now)
            if count <= MAX_FAILURES:
                return 0
            end = now + left_s
            self._limit(client, end)
        return max(1, math.ceil(end - now))

    def _count(self, client: str, now: float) -> tuple[int, float]:
        if now >= self._redis_again:
            try:
                return self._broker.attempts.add(_KIND, client, window_s=WINDOW_S)
            except BrokerUnavailable as error:
                self._redis_again = now + _WITHOUT_REDIS_S
                log.warning(
                    "Redis is unavailable, each process counts failed logins itself", extra={"error": str(error)}
                )
        with self._lock:
            window = self._own.setdefault(client, _Window(now + WINDOW_S))
            window.count += 1
        return window.count, window.end - now

    def _limit(self, client: str, end: float) -> None:
        with self._lock:
            first = client not in self._limited
            self._limited[client] = end
        if first:
            log.warning("too many failed logins, client refused with 429", extra={"client": client})
