"""Events of running jobs, read by an event loop for everyone who watches one of them."""

from collections.abc import Mapping, Sequence
from typing import Any

import redis

from gonemaster_tasks.broker import keys
from gonemaster_tasks.broker.address import BrokerAddress
from gonemaster_tasks.broker.connection import ErrorReply, error_text, reachable
from gonemaster_tasks.broker.events import WATCH_LIFE, JobEvent, streams_of

_STREAMS_OF_A_COMMAND = 500  # other clients of Redis are served between two commands


class EventReader:
    """A connection to Redis for one event loop. All methods raise BrokerUnavailable."""

    def __init__(self, address: BrokerAddress) -> None:
        self._client: Any = address.connect_async()

    async def close(self) -> None:
        """Close the connections; the next reading opens one."""
        await self._client.aclose()

    async def read(
        self, after: Mapping[str, str], *, count: int, mark: Sequence[str] = ()
    ) -> dict[str, list[JobEvent]]:
        """Return the events of jobs behind an event of each, `count` of each at most, in one exchange.

        The jobs to `mark` are noted as watched first: workers send some events only while somebody watches.
        """
        jobs = list(after)
        parts = [jobs[at : at + _STREAMS_OF_A_COMMAND] for at in range(0, len(jobs), _STREAMS_OF_A_COMMAND)]
        with reachable():
            async with self._client.pipeline(transaction=False) as pipe:
                for job_id in mark:
                    pipe.set(keys.watched(job_id), "1", ex=WATCH_LIFE)
                for part in parts:
                    pipe.xread({keys.events(job_id): after[job_id] for job_id in part}, count=count)
                replies = await pipe.execute(raise_on_error=False)
        found: dict[str, list[JobEvent]] = {}
        for part, reply in zip([[]] * len(mark) + parts, replies, strict=True):
            if _is_spoiled(reply):
                found |= await self._read_one_by_one({job_id: after[job_id] for job_id in part}, count)
            elif part:
                found |= _by_job(part, _checked(reply))
        return found

    async def _read_one_by_one(self, after: Mapping[str, str], count: int) -> dict[str, list[JobEvent]]:
        """Read the events of each job, except those whose key another program has spoiled."""
        with reachable():
            async with self._client.pipeline(transaction=False) as pipe:
                for job_id, event_id in after.items():
                    pipe.xread({keys.events(job_id): event_id}, count=count)
                replies = await pipe.execute(raise_on_error=False)
        return {
            job_id: events
            for job_id, reply in zip(after, replies, strict=True)
            if not _is_spoiled(reply)
            for events in _by_job([job_id], _checked(reply)).values()
        }


def _by_job(jobs: Sequence[str], reply: Any) -> dict[str, list[JobEvent]]:
    streams = streams_of(reply)
    return {job_id: streams[keys.events(job_id)] for job_id in jobs if keys.events(job_id) in streams}


def _is_spoiled(reply: Any) -> bool:
    return isinstance(reply, ErrorReply) and error_text(reply).startswith("WRONGTYPE")


def _checked(reply: Any) -> Any:
    if isinstance(reply, redis.RedisError):
        with reachable():
            raise reply
    return reply
