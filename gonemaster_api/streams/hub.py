"""Live events for all viewers of a process, with one reader of Redis and one of the database on the event loop."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any

from gonemaster_api import batch_counts
from gonemaster_api.batch_counts import BatchWatch
from gonemaster_api.streams.texts import KEEP_ALIVE, come_back, event_texts
from gonemaster_api.streams.topics import BatchTopic, JobTopic, Topic, Viewer
from gonemaster_db.core.errors import BatchNotFound
from gonemaster_db.core.session import Store
from gonemaster_db.queue.jobs import find_final_states
from gonemaster_tasks.broker.address import BrokerAddress
from gonemaster_tasks.broker.event_reader import EventReader
from gonemaster_tasks.errors import BrokerUnavailable
from gonemaster_tasks.repeating import FailureLog

KEEP_ALIVE_S = 15.0
READ_EVERY_S = 0.2  # the interval at which workers send events
LOOK_EVERY_S = 3.0  # Redis may lose events; the database always has the end
_CHECK_EVERY_S = 1.0
_AFTER_FAILURE_S = 1.0
_LAST_EVENTS_S = 1.0  # time for the last events to arrive from Redis after the database has the end
_MARK_EVERY_S = 3.0  # workers send events of a marked job for ten seconds
_PAGE = 100  # events of a job per read
_CATCHING_UP = 4  # viewers that read from Redis at the same time

Write = Callable[[bytes], Awaitable[None]]
NextText = Callable[[Viewer], Awaitable[bytes]]


class Hub:
    """The hub that serves all viewers of a process on its event loop.

    The readers start with the first viewer and stop with the last one.

    A viewer is a position in the texts of its topic. A slow viewer falls behind; the events that it has not read yet
    stay in Redis.
    """

    def __init__(self, store: Store, address: BrokerAddress, batches: BatchWatch, *, stopping: Any) -> None:
        self._store = store
        self._batches = batches
        self._stopping = stopping
        self._jobs: dict[str, JobTopic] = {}
        self._of_batch: dict[str, BatchTopic] = {}
        self._marked: dict[str, float] = {}  # watched job to the time of its mark
        self._ended: dict[str, tuple[float, str]] = {}  # job to time and status of its end in the database
        self._next_look = self._next_check = 0.0
        self._readers: dict[str, asyncio.Task[None]] = {}
        self._reader, self._catching_up = EventReader(address), asyncio.Semaphore(_CATCHING_UP)

    @property
    def viewers(self) -> int:
        """The number of viewers."""
        return sum(len(topic.viewers) for topic in self._topics())

    async def follow_job(self, write: Write, is_over: Callable[[], bool], *, job_id: str, after: str) -> None:
        """Write the events of a job after the given event until its end; "0" starts with the first event in Redis."""
        topic = self._jobs.setdefault(job_id, JobTopic())
        try:
            await self._serve(topic, Viewer(is_over, after), write, partial(self._next_of_job, job_id, topic))
        finally:
            if not topic.viewers and self._jobs.get(job_id) is topic:
                del self._jobs[job_id]

    async def follow_batch(self, write: Write, is_over: Callable[[], bool], *, batch_id: str, seen: str) -> None:
        """Write the counts of a batch whenever they differ from the counts with the id `seen`."""
        topic = self._of_batch.setdefault(batch_id, BatchTopic())
        try:
            await self._serve(topic, Viewer(is_over, seen), write, topic.next)
        finally:
            if not topic.viewers and self._of_batch.get(batch_id) is topic:
                del self._of_batch[batch_id]

    async def _serve(self, topic: Topic, viewer: Viewer, write: Write, next_text: NextText) -> None:
        viewer.sent_at = time.monotonic()
        topic.viewers.add(viewer)
        try:
            self._start_readers()
            while not viewer.is_over():
                viewer.woken.clear()
                text = await next_text(viewer)
                if text or viewer.is_quiet:
                    await write(text or KEEP_ALIVE)
                    viewer.sent_at, viewer.is_quiet = time.monotonic(), False
                elif topic.has_ended:
                    return
                elif self._stopping.is_set():
                    await write(come_back())
                    return
                else:
                    await viewer.woken.wait()
        finally:
            topic.viewers.discard(viewer)

    async def _next_of_job(self, job_id: str, topic: JobTopic, viewer: Viewer) -> bytes:
        """Return the next texts for a viewer, from memory or, for older texts, from Redis."""
        if topic.has_all_for(viewer):
            return await topic.next(viewer)
        try:
            async with self._catching_up:
                events = (await self._reader.read({job_id: viewer.after}, count=_PAGE)).get(job_id, [])
        except BrokerUnavailable:
            return b""
        viewer.after = events[-1].id if events else topic.floor
        return event_texts(events).encode() or await topic.next(viewer)

    def _topics(self) -> list[Topic]:
        return [*self._jobs.values(), *self._of_batch.values()]

    # Readers of Redis and the database.

    def _start_readers(self) -> None:
        for name, turn in (("live events", self._read), ("ends of watched jobs", self._look)):
            if name not in self._readers or self._readers[name].done():
                self._readers[name] = asyncio.create_task(self._repeat(name, turn))

    async def _repeat(self, name: str, turn: Callable[[], Awaitable[float]]) -> None:
        failures = FailureLog(name)
        while True:
            if not self.viewers:
                if all(task.done() for other, task in self._readers.items() if other != name):
                    await self._reader.close()
                if not self.viewers:  # no viewer has arrived in the meantime
                    return
            try:
                pause_s = await turn()
            except Exception as error:  # noqa: BLE001 - usually Redis or the database is unavailable; viewers stay
                failures.failed(error)
                pause_s = _AFTER_FAILURE_S
            else:
                failures.succeeded()
            await asyncio.sleep(pause_s)

    async def _read(self) -> float:
        """Read events of all watched jobs from Redis and check the viewers. Return the seconds until the next turn."""
        now = time.monotonic()
        if self._stopping.is_set() or now >= self._next_check:
            self._next_check = now + min(_CHECK_EVERY_S, KEEP_ALIVE_S)
            self._check(now)
        topics = {job_id: topic for job_id, topic in self._jobs.items() if not topic.has_ended}
        if not topics:
            return READ_EVERY_S
        due = [job_id for job_id in topics if now >= self._marked.get(job_id, 0.0) + _MARK_EVERY_S]
        after = {job_id: topic.cursor for job_id, topic in topics.items()}
        found = await self._reader.read(after, count=_PAGE, mark=due)
        self._marked = {job_id: self._marked.get(job_id, 0.0) for job_id in topics} | dict.fromkeys(due, now)
        for job_id, events in found.items():
            topics[job_id].add(events)
        if any(len(events) >= _PAGE for events in found.values()):
            return 0.0
        # The pause is at least as long as the turn took.
        return max(READ_EVERY_S, time.monotonic() - now)

    def _check(self, now: float) -> None:
        """Wake viewers that need a keep-alive, and viewers whose stream must end."""
        for topic in self._topics():
            for viewer in topic.viewers:
                viewer.is_quiet = now - viewer.sent_at >= KEEP_ALIVE_S
                if viewer.is_quiet or self._stopping.is_set() or viewer.is_over():
                    viewer.woken.set()

    async def _look(self) -> float:
        """Read the counts of watched batches, and the watched jobs that have ended, from the database in a thread.

        Return the seconds until the next turn.
        """
        for batch_id, topic in list(self._of_batch.items()):
            topic.add(*await asyncio.to_thread(self._count, batch_id))
        await self._find_ends()
        return min(batch_counts.COUNT_EVERY_S, LOOK_EVERY_S) or 0.01

    def _count(self, batch_id: str) -> tuple[Mapping[str, int] | None, bool]:
        """Return the counts of a batch, and whether the batch was deleted."""
        try:
            return self._batches.counts(self._store, batch_id), False
        except BatchNotFound:
            return None, True

    async def _find_ends(self) -> None:
        """End jobs whose last event was lost by Redis.

        The last events may still arrive when the database already has the end, so this waits before it ends a job.
        """
        now = time.monotonic()
        if now >= self._next_look:
            self._next_look = now + LOOK_EVERY_S
            found = await asyncio.to_thread(self._ends_of, list(self._jobs))
            self._ended = {job_id: self._ended.get(job_id, (now, status)) for job_id, status in found.items()}
        for job_id, (found_at, status) in self._ended.items():
            if job_id in self._jobs and found_at <= now - _LAST_EVENTS_S:
                self._jobs[job_id].end(status)

    def _ends_of(self, jobs: list[str]) -> Mapping[str, str]:
        with self._store.read_only() as session:
            return find_final_states(session, jobs)
