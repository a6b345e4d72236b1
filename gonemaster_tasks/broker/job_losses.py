"""Jobs whose ids were issued and whose rows are missing: the database has lost confirmed commits."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from gonemaster_tasks.broker.connection import reachable, server_time
from gonemaster_tasks.broker.keys import LOST

_MAX_LOSSES = 10_000
_LIFE = timedelta(days=1)


@dataclass(frozen=True)
class JobLoss:
    """The number of lost jobs, the time of detection (POSIX seconds of the Redis host), and some of their ids."""

    count: int
    since: float
    job_ids: tuple[str, ...]


class JobLosses:
    """The jobs lost within a day. All methods raise BrokerUnavailable."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def add(self, job_ids: Iterable[str]) -> None:
        """Record lost jobs; entries of the last day are kept."""
        with reachable():
            now = server_time(self._client)
            with self._client.pipeline(transaction=True) as pipe:
                pipe.zadd(LOST, dict.fromkeys(job_ids, now), nx=True)
                pipe.zremrangebyscore(LOST, "-inf", now - _LIFE.total_seconds())
                pipe.zremrangebyrank(LOST, 0, -_MAX_LOSSES - 1)
                pipe.expire(LOST, _LIFE)
                pipe.execute()

    def found(self, shown: int = 3) -> JobLoss | None:
        """Return the jobs lost within a day, None if there are none."""
        with reachable():
            now = server_time(self._client)
            with self._client.pipeline(transaction=True) as pipe:
                pipe.zcount(LOST, now - _LIFE.total_seconds(), "+inf")
                pipe.zrange(LOST, 0, shown - 1, withscores=True)
                count, first = pipe.execute()
        return JobLoss(count, first[0][1], tuple(name for name, _ in first)) if count and first else None
