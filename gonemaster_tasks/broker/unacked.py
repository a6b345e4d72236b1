"""The messages that workers hold: taken from their list and not acknowledged yet. kombu writes these two keys."""

from collections.abc import Sequence
from typing import Any

from gonemaster_tasks.broker.connection import reachable, slices
from gonemaster_tasks.broker.keys import UNACKED, UNACKED_INDEX

_JOB = "job_"  # how ids of jobs begin; messages of maintenance have other delivery tags


class Unacked:
    """Unacknowledged messages. All methods raise BrokerUnavailable."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def count(self) -> int:
        """Count the messages that workers hold."""
        with reachable():
            return int(self._client.hlen(UNACKED))

    def held(self, job_ids: Sequence[str]) -> set[str]:
        """Say which of these jobs' messages a worker holds."""
        found: set[str] = set()
        with reachable():
            for piece in slices(job_ids):
                answers = self._client.hmget(UNACKED, piece)
                found.update(job_id for job_id, answer in zip(piece, answers, strict=True) if answer is not None)
        return found

    def held_since(self) -> dict[str, float]:
        """Say when (POSIX time of the worker's host) the jobs' messages that workers hold were taken."""
        with reachable():
            held = self._client.zrange(UNACKED_INDEX, 0, -1, withscores=True)
        return {tag: at for tag, at in held if tag.startswith(_JOB)}

    def drop(self, job_ids: Sequence[str]) -> None:
        """Remove messages that a worker took and cannot acknowledge any more."""
        # Both keys in one transaction: kombu finds lost messages by the index, so one that is in the hash alone would
        # count as held for ever.
        with reachable(), self._client.pipeline(transaction=True) as pipe:
            for piece in slices(job_ids):
                pipe.zrem(UNACKED_INDEX, *piece)
                pipe.hdel(UNACKED, *piece)
            pipe.execute()
