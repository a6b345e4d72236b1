"""When somebody was last at a duty that all processes share, such as reaping."""

from typing import Any

from gonemaster_tasks.broker.connection import reachable, server_time
from gonemaster_tasks.broker.keys import DUTIES

REAP, PURGE = "reap", "purge"
# The time is that of Redis' host: a process with a wrong clock would hide that nobody does it.
_NOTE = """\
local time = redis.call("TIME")
return redis.call(ARGV[2], KEYS[1], ARGV[1], time[1])
"""


class Duties:
    """The last time of each duty. All methods raise BrokerUnavailable."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._note = client.register_script(_NOTE)

    def note(self, duty: str) -> None:
        """Note that somebody is at it."""
        with reachable():
            self._note(keys=[DUTIES], args=[duty, "HSET"])

    def begin(self, duty: str) -> None:
        """Count from now, unless a time is known."""
        with reachable():
            self._note(keys=[DUTIES], args=[duty, "HSETNX"])

    def ages_s(self) -> dict[str, float]:
        """Return how long ago each duty was done, in seconds; without those that nobody has done yet."""
        with reachable():
            now = server_time(self._client)
            return {duty: max(0.0, now - float(at)) for duty, at in self._client.hgetall(DUTIES).items()}
