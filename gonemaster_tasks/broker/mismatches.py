"""The time for which rows and messages of a tier have differed; one reading alone reads them at different moments."""

from datetime import timedelta
from typing import Any

from gonemaster_tasks.broker import keys
from gonemaster_tasks.broker.connection import reachable, server_time


class Mismatches:
    """The differences by kind of issue and tier. All methods raise BrokerUnavailable."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def lasting_s(self, kind: str, tier: str, *, life: timedelta) -> float:
        """Record a reading that differs; return for how many seconds all readings have differed.

        The result is 0 for the first reading, and if the previous reading is older than `life`.
        """
        key = keys.mismatch(kind, tier)
        with reachable():
            now = server_time(self._client)
            with self._client.pipeline(transaction=True) as pipe:
                pipe.set(key, now, nx=True)
                pipe.expire(key, life)
                pipe.get(key)
                since = pipe.execute()[-1]
        return max(0.0, now - float(since))

    def end(self, kind: str, tier: str) -> None:
        """Record a reading that does not differ."""
        with reachable():
            self._client.delete(keys.mismatch(kind, tier))
