"""Counters of all processes together, since Redis was empty."""

from typing import Any

from gonemaster_tasks.broker.connection import reachable
from gonemaster_tasks.broker.keys import COUNTERS


class Counters:
    """Numbers that only grow. All methods raise BrokerUnavailable."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def add(self, name: str, number: int = 1) -> None:
        """Add to a counter."""
        with reachable():
            self._client.hincrby(COUNTERS, name, number)

    def read(self) -> dict[str, int]:
        """Return all counters by name; those that never counted are missing."""
        with reachable():
            values = self._client.hgetall(COUNTERS)
        return {name: int(value) for name, value in values.items() if value.isdecimal()}
