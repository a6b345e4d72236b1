"""Live events for all viewers of a process, with one reader of Redis and one of the database on the event loop.

A viewer is a position in the texts of its topic, a job or a batch. A slow viewer falls behind but delays no other; the
events of a job that it has not read yet stay in Redis.
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from gonemaster_api.batch_counts import BatchWatch
from gonemaster_api.streams import texts as sse
from gonemaster_db.core.errors import BatchNotFound
from gonemaster_db.core.session import Store
from gonemaster_db.queue.jobs import find_final_states
from gonemaster_tasks.broker.address import BrokerAddress
from gonemaster_tasks.broker.event_reader import EventReader
from gonemaster_tasks.errors import BrokerUnavailable
from gonemaster_tasks.repeating import FailureLog

KEEP_ALIVE_S = 15.0
READ_EVERY_S = 0.2  # the interval at which workers send events
LOOK_EVERY_S = 1.0  # Redis may lose events; the database always has the end
_CHECK_EVERY_S = 1.0
_MARK_EVERY_S = 3.0  # workers send events of a marked job for ten seconds
_PAGE = 100  # events of a job per read
_KEPT = 100  # events of a job in memory; earlier events are in Redis
_CATCHING_UP = 4  # viewers that read from Redis at the same time

Write = Callable[[bytes], Awaitable[None]]


class Topic:
    """The newest texts of one job or batch with their ids; viewers wait for `changed`.

    A log needs all its texts; otherwise each text replaces the one before.
    """

    def __init__(self, *, is_log: bool) -> None:
        self.is_log = is_log
        self.texts: deque[tuple[str, bytes]] = deque(maxlen=_KEPT if is_log else 1)
        self.viewers = 0
        self.cursor = "0"  # the last event of a job that has been read from Redis
        self.marked_at = float("-inf")
        self.is_cut = self.has_ended = False
        self.changed = asyncio.Event()

    def add(self, identity: str, text: str, *, ends: bool = False) -> None:
        """Add a text and wake the viewers."""
        self.is_cut |= self.is_log and len(self.texts) == self.texts.maxlen
        self.texts.append((identity, text.encode()))
        self.has_ended = ends
        self.wake()

    def wake(self) -> None:
        """Wake the viewers, so that they check for new texts and for their own end."""
        self.changed.set()
        self.changed = asyncio.Event()

    def newer(self, after: str) -> list[tuple[str, bytes]] | None:
        """Return the texts after an id, all of them for an unknown id; None if some are no longer in memory."""
        found: list[tuple[str, bytes]] = []
        for identity, text in reversed(self.texts):
            if identity == after:
                return found[::-1]
            found.append((identity, text))
        return None if self.is_cut else found[::-1]


class Hub:
    """The hub that serves all viewers of a process on its event loop.

    The readers start with the first viewer and stop with the last one.
    """

    def __init__(self, store: Store, address: BrokerAddress, batches: BatchWatch, *, stopping: Any) -> None:
        self._store = store
        self._watch = batches
        self._stopping = stopping
        self._topics: dict[str, Topic] = {}  # by id of the job or batch
        self._ended: Mapping[str, str] = {}  # jobs that had ended at the last check of the database
        self._next_check = 0.0
        self._readers: dict[str, asyncio.Task[None]] = {}
        self._reader, self._catching_up = EventReader(address), asyncio.Semaphore(_CATCHING_UP)

    async def follow(self, key: str, write: Write, is_over: Callable[[], bool], *, is_job: bool, after: str) -> None:
        """Write the events of a job after the given event until its end; "0" starts with the first event in Redis.

        Of a batch, write the counts whenever they differ from the counts with the id `after`.
        """
        topic = self._topics.setdefault(key, Topic(is_log=is_job))
        topic.viewers += 1
        sent_at = time.monotonic()
        try:
            self._start("live events", self._read, READ_EVERY_S)
            self._start("ends of watched jobs", self._look, LOOK_EVERY_S)
            while not is_over():
                changed = topic.changed
                texts = topic.newer(after)
                if texts is None:
                    texts = await self._read_missed(key, topic, after)
                if texts:
                    await write(b"".join(text for _, text in texts))
                    after, sent_at = texts[-1][0], time.monotonic()
                elif topic.has_ended:
                    return
                elif self._stopping.is_set():
                    await write(sse.come_back())
                    return
                elif time.monotonic() - sent_at >= KEEP_ALIVE_S:
                    await write(sse.KEEP_ALIVE)
                    sent_at = time.monotonic()
                else:
                    await changed.wait()
        finally:
            topic.viewers -= 1
            if not topic.viewers and self._topics.get(key) is topic:
                del self._topics[key]

    async def _read_missed(self, job_id: str, topic: Topic, after: str) -> list[tuple[str, bytes]]:
        """Return texts that are no longer in memory; none while Redis is unavailable."""
        try:
            async with self._catching_up:
                events = (await self._reader.read({job_id: after}, count=_PAGE)).get(job_id, [])
        except BrokerUnavailable:
            return []
        return [(event.id, sse.job_event_text(event).encode()) for event in events] or list(topic.texts)

    def _start(self, name: str, turn: Callable[[], Awaitable[None]], pause_s: float) -> None:
        if name not in self._readers or self._readers[name].done():
            self._readers[name] = asyncio.create_task(self._repeat(name, turn, pause_s))

    async def _repeat(self, name: str, turn: Callable[[], Awaitable[None]], pause_s: float) -> None:
        failures = FailureLog(name)
        while self._topics:
            began = time.monotonic()
            try:
                await turn()
            except Exception as error:  # noqa: BLE001 - usually Redis or the database is unavailable; viewers stay
                failures.failed(error)
            else:
                failures.succeeded()
            await asyncio.sleep(max(pause_s, time.monotonic() - began))
        if turn == self._read:
            await self._reader.close()

    async def _read(self) -> None:
        """Read new events of all watched jobs from Redis, and wake all viewers once a second."""
        now = time.monotonic()
        if self._stopping.is_set() or now >= self._next_check:
            self._next_check = now + min(_CHECK_EVERY_S, KEEP_ALIVE_S)
            for topic in self._topics.values():
                topic.wake()
        topics = {key: topic for key, topic in self._topics.items() if topic.is_log and not topic.has_ended}
        due = [job_id for job_id, topic in topics.items() if now >= topic.marked_at + _MARK_EVERY_S]
        while topics:
            found = await self._reader.read({key: topic.cursor for key, topic in topics.items()}, count=_PAGE, mark=due)
            for job_id in due:
                topics[job_id].marked_at = now
            for job_id, events in found.items():
                for event in events:
                    topics[job_id].cursor = event.id
                    topics[job_id].add(event.id, sse.job_event_text(event), ends=event.type == "done")
            topics, due = {job_id: topics[job_id] for job_id, events in found.items() if len(events) >= _PAGE}, []

    async def _look(self) -> None:
        """Read the counts of watched batches, and the ends of watched jobs whose last event Redis has lost."""
        topics = list(self._topics.items())
        for batch_id, topic in [(key, topic) for key, topic in topics if not topic.is_log]:
            identity, text = await asyncio.to_thread(self._count, batch_id)
            if text and (not topic.texts or topic.texts[-1][0] != identity):
                topic.add(identity, text, ends=identity == sse.END_ID)
        jobs = [key for key, topic in topics if topic.is_log]
        ended = await asyncio.to_thread(self._ends_of, jobs) if jobs else {}
        for job_id in self._topics.keys() & self._ended.keys() & ended.keys():  # The last event has had time to arrive.
            if not self._topics[job_id].has_ended:
                self._topics[job_id].add(sse.END_ID, sse.done_text(ended[job_id]), ends=True)
        self._ended = ended

    def _count(self, batch_id: str) -> tuple[str, str]:
        """Return the id and the text of the newest counts; both are empty before the first count."""
        try:
            counts = self._watch.counts(self._store, batch_id)
        except BatchNotFound:
            return sse.END_ID, sse.done_text("deleted")
        return ("", "") if counts is None else sse.counts_event(counts)

    def _ends_of(self, jobs: list[str]) -> Mapping[str, str]:
        with self._store.read_only() as session:
            return find_final_states(session, jobs)
