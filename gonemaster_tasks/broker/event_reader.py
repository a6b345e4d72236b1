"""Events of running jobs, read by one event loop for all clients that watch a job."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import redis

from gonemaster_tasks.broker import keys
from gonemaster_tasks.broker.address import BrokerAddress
from gonemaster_tasks.broker.connection import ErrorReply, error_text, reachable
from gonemaster_tasks.broker.events import WATCH_LIFE, JobEvent, streams_of

Position = tuple[str, str]  # a job and the id of an event
_STREAMS_OF_A_COMMAND = 500  # Redis serves other clients between two commands.


class EventReader:
    """A connection to Redis for one event loop. All methods raise BrokerUnavailable."""

    def __init__(self, address: BrokerAddress) -> None:
        self._client: Any = address.connect_async()

    async def aclose(self) -> None:
        """Close the connection, before its event loop ends; the next read opens it again."""
        await self._client.aclose()

    async def read(
        self,
        positions: Iterable[Position],
        *,
        count: int,
        mark: Sequence[str] = (),
        at_once: int = _STREAMS_OF_A_COMMAND,
    ) -> dict[Position, list[JobEvent]]:
        """Return the events after each position that has any, at most `count` of each, in one round trip.

        The jobs in `mark` are marked as watched first: workers send some events only for watched jobs. Jobs whose key
        another program has corrupted are skipped.
        """
        parts = _commands_for(positions, at_once)
        with reachable():
            async with self._client.pipeline(transaction=False) as pipe:
                for job_id in mark:
                    pipe.set(keys.watched(job_id), "1", ex=WATCH_LIFE)
                for part in parts:
                    pipe.xread({keys.events(job_id): after for job_id, after in part}, count=count)
                replies = (await pipe.execute(raise_on_error=False))[len(mark) :]
            found: dict[Position, list[JobEvent]] = {}
            for part, reply in zip(parts, replies, strict=True):
                if isinstance(reply, ErrorReply) and error_text(reply).startswith("WRONGTYPE"):
                    if len(part) > 1:
                        found |= await self.read(part, count=count, at_once=1)
                elif isinstance(reply, redis.RedisError):
                    raise reply
                else:
                    streams = streams_of(reply)
                    found |= {each: streams[key] for each in part if (key := keys.events(each[0])) in streams}
        return found


def _commands_for(positions: Iterable[Position], at_once: int) -> list[list[Position]]:
    """Divide positions into commands, which may contain a job only once because the reply does not repeat positions."""
    rounds, seen = defaultdict[int, list[Position]](list), Counter[str]()
    for position in positions:
        rounds[seen[position[0]]].append(position)
        seen[position[0]] += 1
    return [each[at : at + at_once] for each in rounds.values() for at in range(0, len(each), at_once)]
