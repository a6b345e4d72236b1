"""The number of clients that wait for the result of each check before delegation."""

from datetime import timedelta
from typing import Any

from gonemaster_tasks.broker import keys
from gonemaster_tasks.broker.connection import reachable

_LIFE = timedelta(minutes=2)  # Longer than any deadline: a client that was killed never leaves.
_RECENT = timedelta(days=1)


class CheckClients:
    """The clients by job. All methods raise BrokerUnavailable."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def join(self, job_id: str) -> None:
        """Count a client."""
        with reachable(), self._client.pipeline(transaction=True) as pipe:
            pipe.incr(keys.check_clients(job_id))
            pipe.expire(keys.check_clients(job_id), _LIFE)
            pipe.set(keys.CHECKED, "1", ex=_RECENT)
            pipe.execute()

    def any_recent(self) -> bool:
        """Return whether there was a check within the last day."""
        with reachable():
            return bool(self._client.exists(keys.CHECKED))

    def leave(self, job_id: str) -> int:
        """Remove a client; return how many are left."""
        with reachable(), self._client.pipeline(transaction=True) as pipe:
            pipe.decr(keys.check_clients(job_id))
            pipe.expire(keys.check_clients(job_id), _LIFE)
            return max(0, int(pipe.execute()[0]))
