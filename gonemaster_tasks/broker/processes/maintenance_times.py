"""The last time of each maintenance task that all processes share, such as reaping."""

from typing import Any

from gonemaster_tasks.broker.connection import reachable, server_time
from gonemaster_tasks.broker.keys import DUTIES

REAP, PURGE = "reap", "purge"
# The Redis host supplies the time: a process with a wrong clock would hide that a task is overdue.
_NOTE = """\
local time = redis.call("TIME")
return redis.call(ARGV[2], KEYS[1], ARGV[1], time[1])
"""


class MaintenanceTimes:
    """The time at which each maintenance task was last performed. All methods raise BrokerUnavailable."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._note = client.register_script(_NOTE)

    def note(self, task: str) -> None:
        """Record that a maintenance task is performed now."""
        with reachable():
            self._note(keys=[DUTIES], args=[task, "HSET"])

    def begin(self, task: str) -> None:
        """Record the current time, unless a time is stored."""
        with reachable():
            self._note(keys=[DUTIES], args=[task, "HSETNX"])

    def ages_s(self) -> dict[str, float]:
        """Return the seconds since each maintenance task was performed; tasks never performed are absent."""
        with reachable():
            now = server_time(self._client)
            return {task: max(0.0, now - float(at)) for task, at in self._client.hgetall(DUTIES).items()}
