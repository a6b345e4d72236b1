"""Live state of running jobs in Redis: the progress, what was found so far, and a short event stream for readers."""

import json
import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from gonemaster_tasks.broker import keys
from gonemaster_tasks.broker.connection import reachable
from gonemaster_tasks.repeating import RepeatedTask

PROGRESS_LIFE = timedelta(minutes=10)
HIGHEST_PROGRESS_LIFE = timedelta(days=1)
_PERCENT = "percent"
EVENTS_LIFE = timedelta(minutes=10)
EVENTS_AFTER_END = timedelta(minutes=1)  # After that the run in the database has the same content.
MAX_STREAM_EVENTS = 1000
_LARGEST_BACKLOG = 20_000
FOUND = "found"  # what a job has found so far, which replaces what was found before
LARGEST_FOUND = 32 * 1024  # bytes of JSON; a hostile zone can have many long names
WATCH_LIFE = timedelta(seconds=10)  # A reader polls once a second.


@dataclass(frozen=True)
class JobEvent:
    """One event of a job: `type` is state, progress, entry, found or done; a reader resumes after `id`."""

    type: str
    data: dict[str, Any]
    id: str = ""


@dataclass(frozen=True)
class PendingEvent:
    """An event to be sent; with `if_watched` it is sent only if the job has a reader."""

    job_id: str
    event: JobEvent
    if_watched: bool = False


class Events:
    """Progress and events of jobs. All methods raise BrokerUnavailable."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def publish(self, job_id: str, event: JobEvent) -> None:
        """Send one event immediately, as the API does for a job that no worker runs."""
        self.publish_many([PendingEvent(job_id, event)])

    def publish_many(self, pending: Sequence[PendingEvent]) -> None:
        """Send events in one pipeline, and store the progress and the newest findings that they contain."""
        progress = {item.job_id: item.event.data["progress"] for item in pending if "progress" in item.event.data}
        ended = {item.job_id for item in pending if item.event.type == "done"}
        sent = self._without_unread(pending)
        read = [item for item in sent if item.event.type != FOUND]
        found = {item.job_id: json.dumps(item.event.data) for item in sent if item.event.type == FOUND}
        with reachable(), self._client.pipeline(transaction=False) as pipe:
            for item in read:
                fields = {"type": item.event.type, "data": json.dumps(item.event.data)}
                pipe.xadd(keys.events(item.job_id), fields, maxlen=MAX_STREAM_EVENTS, approximate=True)
            for job_id in dict.fromkeys(item.job_id for item in read):
                pipe.expire(keys.events(job_id), EVENTS_AFTER_END if job_id in ended else EVENTS_LIFE)
            for job_id, value in progress.items():
                if job_id not in ended:
                    pipe.set(keys.progress(job_id), value, ex=PROGRESS_LIFE)
            for job_id, text in found.items():
                if job_id not in ended and len(text) <= LARGEST_FOUND:
                    pipe.set(keys.found(job_id), text, ex=PROGRESS_LIFE)
            if ended:
                pipe.delete(*(key(job_id) for job_id in ended for key in (keys.progress, keys.found)))
            pipe.execute()

    def _without_unread(self, pending: Sequence[PendingEvent]) -> list[PendingEvent]:
        """Return the events, except those that need a reader and have no reader."""
        watchable = list({item.job_id for item in pending if item.if_watched})
        if not watchable:
            return list(pending)
        with reachable():
            marks = self._client.mget([keys.watched(job_id) for job_id in watchable])
        watched = {job_id for job_id, mark in zip(watchable, marks, strict=True) if mark is not None}
        return [item for item in pending if not item.if_watched or item.job_id in watched]

    def watch(self, job_id: str) -> None:
        """Mark a job as watched; every read renews the mark."""
        with reachable():
            self._client.set(keys.watched(job_id), "1", ex=WATCH_LIFE)

    def progress(self, job_ids: Sequence[str]) -> dict[str, int]:
        """Return the percentage of each job that has one."""
        if not job_ids:
            return {}
        with reachable():
            values = self._client.mget([keys.progress(job_id) for job_id in job_ids])
        found = zip(job_ids, values, strict=True)
        return {job_id: int(value) for job_id, value in found if value is not None and value.isdecimal()}

    def highest_progress(self, job_id: str, *, at_least: int = 0) -> int:
        """Return the highest percentage that this method has returned for a job, which may have started again since."""
        with reachable():
            with self._client.pipeline(transaction=False) as pipe:
                pipe.mget([keys.progress(job_id)])
                pipe.zscore(keys.highest_progress(job_id), _PERCENT)
                (current,), highest = pipe.execute()
            percent = max(at_least, int(current) if current and current.isdecimal() else 0, int(highest or 0))
            if percent > (highest or 0):
                with self._client.pipeline(transaction=False) as pipe:
                    pipe.zadd(keys.highest_progress(job_id), {_PERCENT: percent}, gt=True)
                    pipe.expire(keys.highest_progress(job_id), HIGHEST_PROGRESS_LIFE)
                    pipe.execute()
        return percent

    def found(self, job_id: str) -> Any | None:
        """Return what a job has found so far, None if nothing is known; marks the job as watched."""
        with reachable(), self._client.pipeline(transaction=False) as pipe:
            pipe.set(keys.watched(job_id), "1", ex=WATCH_LIFE)
            pipe.mget([keys.found(job_id)])  # unlike GET, no error for a key of another type
            _, (text,) = pipe.execute()
        try:
            return None if text is None else json.loads(text)
        except (ValueError, RecursionError):
            return None

    def read(self, job_id: str, *, after: str = "0", wait: timedelta | None = None) -> list[JobEvent]:
        """Return the events after `after` (an event id, "0" for all); wait at most `wait` for the first one.

        `wait` must stay below the connection's timeout of 5 s.
        """
        block = int(wait.total_seconds() * 1000) if wait else None
        self.watch(job_id)
        with reachable():
            answer = self._client.xread({keys.events(job_id): after}, block=block)
        return streams_of(answer).get(keys.events(job_id), [])


class EventPublisher:
    """Sends the events of all jobs of a process in one pipeline, a few times per second while there are any.

    Events are optional: if Redis is unavailable, the events are dropped and the run continues.
    """

    def __init__(self, events: Events, *, interval: timedelta = timedelta(milliseconds=200)) -> None:
        self._events = events
        self._pending: deque[PendingEvent] = deque(maxlen=_LARGEST_BACKLOG)
        self._interval_s = interval.total_seconds()
        self._is_woken = False
        self._task = RepeatedTask("events", self._send, pause_s=math.inf)

    @property
    def waiting(self) -> int:
        """The number of events not yet sent."""
        return len(self._pending)

    def start(self) -> None:
        """Start the sending thread."""
        self._task.start()
        if self._pending:
            self._task.wake(within_s=self._interval_s)

    def stop(self) -> None:
        """Send the remaining events and stop."""
        self._task.stop()
        self._task.attempt()

    def post(self, job_id: str, event: JobEvent, *, if_watched: bool = False) -> None:
        """Queue an event without blocking; thread-safe.

        With `if_watched`, the event of an unwatched job only updates the progress.
        """
        self._pending.append(PendingEvent(job_id, event, if_watched))
        if not self._is_woken:
            self._is_woken = True
            self._task.wake(within_s=self._interval_s)

    def _send(self) -> None:
        self._is_woken = (
            False  # Cleared before the events are read: an event posted from now on wakes the thread again.
        )
        pending = [self._pending.popleft() for _ in range(len(self._pending))]
        if pending:
            self._events.publish_many(pending)


def streams_of(answer: Any) -> dict[str, list[JobEvent]]:
    """Parse a reply to XREAD into the events of each stream, by key."""
    streams = answer.items() if isinstance(answer, dict) else answer or []
    return {
        key: [event for event in (_event(event_id, fields) for event_id, fields in _flat(messages)) if event]
        for key, messages in streams
    }


def _event(event_id: str, fields: dict[str, str]) -> JobEvent | None:
    """Parse an event; return None if another program wrote it."""
    try:
        return JobEvent(fields["type"], dict(json.loads(fields["data"])), event_id)
    except (KeyError, ValueError, TypeError, RecursionError):
        return None


def _flat(messages: Any) -> list[tuple[str, dict[str, str]]]:
    """Unify the two shapes in which redis-py returns stream messages (RESP2 and RESP3)."""
    flat: list[tuple[str, dict[str, str]]] = []
    for message in messages:
        if isinstance(message, list):
            flat += _flat(message)
        else:
            flat.append(message)
    return flat
