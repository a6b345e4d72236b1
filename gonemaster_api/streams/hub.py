"""Live events for all viewers of a process, with one reader of Redis and one of the database on the event loop.

A viewer waits at a position: a job with the id of its last event, or a batch with its last counts. Viewers at the same
position wait for the same future. Events stay in Redis, so a slow viewer delays no other, and reads on where it was.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from contextlib import aclosing, nullcontext
from typing import Any

from cachetools import TTLCache

from gonemaster_api.batch_counts import BatchWatch
from gonemaster_api.streams import texts as sse
from gonemaster_db.core.errors import BatchNotFound
from gonemaster_db.core.session import Store
from gonemaster_db.queue.jobs import find_final_states
from gonemaster_tasks.broker.address import BrokerAddress
from gonemaster_tasks.broker.event_reader import EventReader, Position
from gonemaster_tasks.repeating import FailureLog

KEEP_ALIVE_S = 15.0
READ_EVERY_S = 0.2  # the interval at which workers send events
LOOK_EVERY_S = 1.0  # Redis may lose events; the database always has the end
_MARK_EVERY_S = 3.0  # workers send events of a marked job for ten seconds

Write = Callable[[bytes], Awaitable[None]]
# The next position and the text up to there; None means that the viewers should check for their own end. A forced stop
# cancels all viewers together, so they can share a future.
_Waiting = defaultdict[Position, asyncio.Future[tuple[str, str] | None]]


class Hub:
    """The hub that serves all viewers of a process on its event loop.

    The readers start with the first viewer and stop with the last one.
    """

    def __init__(self, store: Store, address: BrokerAddress, batches: BatchWatch, *, stopping: Any) -> None:
        self._store, self._counts, self._stopping = store, batches, stopping
        self._jobs, self._batches = _Waiting(asyncio.Future), _Waiting(asyncio.Future)
        self._marked: TTLCache[str, bool] = TTLCache(10_000, ttl=_MARK_EVERY_S)
        self._silent: Mapping[Position, str] = {}  # positions whose job had ended when the database was last read
        self._readers: dict[str, asyncio.Task[None]] = {}
        self._reader, self._next_check = EventReader(address), 0.0

    async def follow(self, key: str, write: Write, is_over: Callable[[], bool], *, is_job: bool, after: str) -> None:
        """Write the events of a job after the given event until its end; "0" starts with the first event in Redis.

        Of a batch, write the counts whenever they differ from the counts with the id `after`.
        """
        waiting, sent_at = self._jobs if is_job else self._batches, time.monotonic()
        while after != sse.END_ID:
            self._start("live events", self._read, READ_EVERY_S)
            self._start("ends of watched jobs", self._look, LOOK_EVERY_S)
            news = await waiting[key, after]
            if is_over():
                return
            if news:
                after, text = news
            elif self._stopping.is_set():
                after, text = sse.END_ID, sse.come_back()
            elif time.monotonic() - sent_at >= KEEP_ALIVE_S:
                text = sse.KEEP_ALIVE
            else:
                continue
            await write(text.encode())
            sent_at = time.monotonic()

    async def has_ended(self, job_id: str, *, limit_s: float, grace_s: float) -> bool:
        """Wait for the end of a job; return False if it has not ended when the time limit has passed.

        When the process stops, wait only for `grace_s`.
        """
        loop = asyncio.get_running_loop()
        deadline, after, is_stopping = loop.time() + limit_s, "0", False
        while after != sse.END_ID:
            self._start("live events", self._read, READ_EVERY_S)
            self._start("ends of watched jobs", self._look, LOOK_EVERY_S)
            if self._stopping.is_set() and not is_stopping:
                is_stopping, deadline = True, min(deadline, loop.time() + grace_s)
            try:
                # Other clients may wait for the same future, so the time limit of this one must not cancel it.
                news = await asyncio.wait_for(
                    asyncio.shield(self._jobs[job_id, after]), max(0.0, deadline - loop.time())
                )
            except TimeoutError:
                return False
            if news:
                after = news[0]
        return True

    def _start(self, name: str, turn: Callable[[], Awaitable[None]], pause_s: float) -> None:
        if name not in self._readers or self._readers[name].done():
            self._readers[name] = asyncio.create_task(self._repeat(name, turn, pause_s))

    async def _repeat(self, name: str, turn: Callable[[], Awaitable[None]], pause_s: float) -> None:
        failures = FailureLog(name)
        async with aclosing(self._reader) if turn == self._read else nullcontext():
            while self._jobs or self._batches:
                began = time.monotonic()
                try:
                    await turn()
                except Exception as error:  # noqa: BLE001 - usually Redis or the database is unavailable; viewers stay
                    failures.failed(error)
                else:
                    failures.succeeded()
                await asyncio.sleep(max(pause_s, time.monotonic() - began))

    async def _read(self) -> None:
        """Read new events of all watched jobs from Redis, and wake all viewers once a second."""
        positions, now = list(self._jobs), time.monotonic()
        if self._stopping.is_set() or now >= self._next_check:
            self._next_check = now + min(LOOK_EVERY_S, KEEP_ALIVE_S)
            for waiting in (self._jobs, self._batches):
                for position in list(waiting):
                    _tell(waiting, position, None)
        due = list({job_id for job_id, _ in positions if job_id not in self._marked})
        found = await self._reader.read(positions, count=100, mark=due)
        self._marked.update(dict.fromkeys(due, True))
        for position, events in found.items():
            last = sse.END_ID if events[-1].type == "done" else events[-1].id
            _tell(self._jobs, position, (last, "".join(map(sse.job_event_text, events))))

    async def _look(self) -> None:
        """Read the counts of watched batches, and the ends of watched jobs whose last event Redis has lost."""
        for position in list(self._batches):
            if (news := await asyncio.to_thread(self._count, position[0])) and news[0] != position[1]:
                _tell(self._batches, position, news)
        positions = list(self._jobs)
        ended = await asyncio.to_thread(self._ends_of, list({job_id for job_id, _ in positions})) if positions else {}
        silent = {position: ended[position[0]] for position in positions if position[0] in ended}
        for position in silent.keys() & self._silent.keys():  # the last event has had time to arrive
            _tell(self._jobs, position, (sse.END_ID, sse.done_text(silent[position])))
        self._silent = silent

    def _count(self, batch_id: str) -> tuple[str, str] | None:
        """Return the id and the text of the newest counts; None before the first count."""
        try:
            counts = self._counts.counts(self._store, batch_id)
        except BatchNotFound:
            return sse.END_ID, sse.done_text("deleted")
        return None if counts is None else sse.counts_event(counts)

    def _ends_of(self, jobs: list[str]) -> Mapping[str, str]:
        with self._store.read_only() as session:
            return find_final_states(session, jobs)


def _tell(waiting: _Waiting, position: Position, news: tuple[str, str] | None) -> None:
    if position in waiting and not (future := waiting.pop(position)).done():
        future.set_result(news)
