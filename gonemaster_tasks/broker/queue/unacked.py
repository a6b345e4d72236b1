"""The messages held by workers: taken from their list and not yet acknowledged.

All of them are in the index. kombu's hash has the content of maintenance messages, and of the job messages that workers
of earlier releases hold.
"""

from collections.abc import Sequence
from typing import Any

from gonemaster_tasks.broker.connection import reachable, slices
from gonemaster_tasks.broker.keys import UNACKED, UNACKED_INDEX

_JOB = "job_"  # The prefix of job ids; maintenance messages have other delivery tags.


class Unacked:
    """Unacknowledged messages. All methods raise BrokerUnavailable."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def count(self) -> int:
        """Return the number of messages held by workers."""
        with reachable():
            return int(self._client.zcard(UNACKED_INDEX))

    def held(self, job_ids: Sequence[str]) -> set[str]:
        """Return the jobs whose messages a worker holds."""
        found: set[str] = set()
        with reachable():
            for piece in slices(job_ids):
                answers = self._client.zmscore(UNACKED_INDEX, piece)
                found.update(job_id for job_id, answer in zip(piece, answers, strict=True) if answer is not None)
        return found

    def held_since(self) -> dict[str, float]:
        """Return when each job message held by a worker was taken (POSIX time of the worker's host)."""
        with reachable():
            held = self._client.zrange(UNACKED_INDEX, 0, -1, withscores=True)
        return {tag: at for tag, at in held if tag.startswith(_JOB)}

    def drop(self, job_ids: Sequence[str]) -> None:
        """Remove messages that their worker can no longer acknowledge."""
        # One transaction, because workers of earlier releases count the hash and find messages by the index.
        with reachable(), self._client.pipeline(transaction=True) as pipe:
            for piece in slices(job_ids):
                pipe.zrem(UNACKED_INDEX, *piece)
                pipe.hdel(UNACKED, *piece)
            pipe.execute()
