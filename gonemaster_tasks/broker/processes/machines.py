"""The worker processes of each machine: when one dies, the others void its claims immediately."""

from datetime import timedelta
from typing import Any

from gonemaster_tasks.broker import keys
from gonemaster_tasks.broker.connection import reachable

_LIFE = timedelta(days=1)  # time after the last process of a machine was recorded


class Processes:
    """Names and identities of worker processes by machine. All methods raise BrokerUnavailable."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def note(self, machine: str, name: str, identity: str) -> None:
        """Record a process."""
        key = keys.processes(machine)
        with reachable(), self._client.pipeline(transaction=True) as pipe:
            pipe.hset(key, name, identity)
            pipe.expire(key, _LIFE)
            pipe.execute()

    def forget(self, machine: str, name: str) -> None:
        """Remove a process that has ended."""
        with reachable():
            self._client.hdel(keys.processes(machine), name)
