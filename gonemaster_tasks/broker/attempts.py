"""Attempts of clients, counted by all processes together."""

from typing import Any, NamedTuple

from gonemaster_tasks.broker.connection import reachable, read_script
from gonemaster_tasks.broker.keys import attempts


class WindowState(NamedTuple):
    """The attempts of a client in a moving window: how many, and the age of the oldest that counts."""

    number: int
    oldest_s: float


class Attempts:
    """Counts per kind and client: for a fixed time from the first attempt, or in a moving window.

    A kind is counted in one of both ways. All methods raise BrokerUnavailable.
    """

    def __init__(self, client: Any) -> None:
        self._client = client
        self._window = client.register_script(read_script("window.lua"))

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

    def take(self, kind: str, client: str, *, most: int, window_s: float) -> bool:
        """Count one more if the moving window has room for it, by the clock of Redis; returns whether it has."""
        with reachable():
            return not self._window(keys=[attempts(kind, client)], args=[most, round(window_s * 1000)])

    def window(self, kind: str, client: str, *, most: int, window_s: float) -> WindowState:
        """Return what a moving window holds; of more than `most` attempts (the limit was lowered) the last ones."""
        key = attempts(kind, client)
        with reachable(), self._client.pipeline(transaction=True) as pipe:
            pipe.time()
            pipe.lrange(key, 0, most - 1)
            (seconds, microseconds), times = pipe.execute()
        now = seconds + microseconds / 1e6
        ages = [age for age in (now - int(time) / 1000 for time in times) if age < window_s]
        return WindowState(len(ages), max(ages, default=0.0))
