"""Attempts of clients, counted by all processes together."""

from typing import Any

from gonemaster_tasks.broker.connection import reachable
from gonemaster_tasks.broker.keys import attempts


class Attempts:
    """Counts per kind and client, for a fixed time from the first attempt. All methods raise BrokerUnavailable."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def add(self, kind: str, client: str, *, window_s: int) -> tuple[int, float]:
        """Count one more; returns their number in this window, and the seconds until it ends."""
        key = attempts(kind, client)
        with reachable(), self._client.pipeline(transaction=True) as pipe:
            # EXPIRE ... NX would need Redis 7; with SET first no key is ever without an end.
            pipe.set(key, 0, ex=window_s, nx=True)
            pipe.incr(key)
            pipe.pttl(key)
            _, count, left_ms = pipe.execute()
        return int(count), max(0.0, int(left_ms) / 1000)
