"""Counts of client attempts, shared by all processes."""

from typing import Any

from gonemaster_tasks.broker.connection import reachable
from gonemaster_tasks.broker.keys import attempts


class Attempts:
    """Counters by kind and client, for a fixed window from the first attempt. All methods raise BrokerUnavailable."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def add(self, kind: str, client: str, *, window_s: int) -> tuple[int, float]:
        """Count an attempt; return the number of attempts in this window and the seconds until it ends."""
        key = attempts(kind, client)
        with reachable(), self._client.pipeline(transaction=True) as pipe:
            # EXPIRE ... NX requires Redis 7. SET comes first, so that every key has an expiry time.
            pipe.set(key, 0, ex=window_s, nx=True)
            pipe.incr(key)
            pipe.pttl(key)
            _, count, left_ms = pipe.execute()
        return int(count), max(0.0, int(left_ms) / 1000)
