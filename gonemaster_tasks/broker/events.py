"""Live signs of running jobs in Redis: progress, and a short stream of events for who watches."""

import json
import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from gonemaster_tasks.broker.client import Broker, reachable
from gonemaster_tasks.errors import BrokerUnavailable

PROGRESS_LIFE = timedelta(minutes=10)
EVENTS_LIFE = timedelta(minutes=10)
EVENTS_AFTER_END = timedelta(minutes=1)  # then the run in the database tells the same
_LONGEST_STREAM = 1000
_LARGEST_BACKLOG = 20_000
_WATCH_LIFE = timedelta(seconds=10)  # a stream reads once a second


@dataclass(frozen=True)
class JobEvent:
    """One event of a job: `type` is state, progress, entry or done; `id` resumes a stream behind it."""

    type: str
    data: dict[str, Any]
    id: str = ""


@dataclass(frozen=True)
class _Sign:
    job_id: str
    event: JobEvent
    if_watched: bool = False


class EventPublisher:
    """Sends events of all jobs of a process in one pipeline, a few times a second, from a thread of its own.

    Events are a courtesy: when Redis is away they are dropped, never the run.
    """

    def __init__(self, broker: Broker, *, interval: timedelta = timedelta(milliseconds=200)) -> None:
        self._broker = broker
        self._interval_s = interval.total_seconds()
        self._signs: deque[_Sign] = deque(maxlen=_LARGEST_BACKLOG)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._work, name="events", daemon=True)

    def start(self) -> None:
        """Begin to send."""
        self._thread.start()

    def stop(self) -> None:
        """Send what is left and end."""
        self._stopping.set()
        self._thread.join(timeout=10)

    def post(self, job_id: str, event: JobEvent, *, if_watched: bool = False) -> None:
        """Take an event; returns at once, from any thread. Only its progress is told `if_watched` and nobody reads."""
        self._signs.append(_Sign(job_id, event, if_watched))

    def _work(self) -> None:
        while not self._stopping.wait(self._interval_s):
            self._send()
        self._send()

    def _send(self) -> None:
        signs = [self._signs.popleft() for _ in range(len(self._signs))]
        if signs:
            try:
                _write(self._broker, signs)
            except BrokerUnavailable:
                return


def _write(broker: Broker, signs: Sequence[_Sign]) -> None:
    progress = {sign.job_id: sign.event.data["progress"] for sign in signs if "progress" in sign.event.data}
    ended = {sign.job_id for sign in signs if sign.event.type == "done"}
    told = _told(broker, signs)
    with reachable(), broker.client.pipeline(transaction=False) as pipe:
        for sign in told:
            fields = {"type": sign.event.type, "data": json.dumps(sign.event.data)}
            pipe.xadd(_stream(sign.job_id), fields, maxlen=_LONGEST_STREAM, approximate=True)
        for job_id in dict.fromkeys(sign.job_id for sign in told):
            pipe.expire(_stream(job_id), EVENTS_AFTER_END if job_id in ended else EVENTS_LIFE)
        for job_id, value in progress.items():
            if job_id not in ended:
                pipe.set(_progress(job_id), value, ex=PROGRESS_LIFE)
        if ended:
            pipe.delete(*(_progress(job_id) for job_id in ended))
        pipe.execute()


def _told(broker: Broker, signs: Sequence[_Sign]) -> list[_Sign]:
    """Leave out what somebody would have to watch."""
    asked = list({sign.job_id for sign in signs if sign.if_watched})
    if not asked:
        return list(signs)
    with reachable():
        marks = broker.client.mget([_watch(job_id) for job_id in asked])
    watched = {job_id for job_id, mark in zip(asked, marks, strict=True) if mark is not None}
    return [sign for sign in signs if not sign.if_watched or sign.job_id in watched]


def watch(broker: Broker, job_id: str) -> None:
    """Tell that somebody reads the events of a job; each reading tells it again. Raises BrokerUnavailable."""
    with reachable():
        broker.client.set(_watch(job_id), "1", ex=_WATCH_LIFE)


def publish(broker: Broker, job_id: str, event: JobEvent) -> None:
    """Send one event now, as the API does for what no worker runs. Raises BrokerUnavailable."""
    _write(broker, [_Sign(job_id, event)])


def read_progress(broker: Broker, job_ids: Sequence[str]) -> dict[str, int]:
    """Return the percentages of those jobs that told one."""
    if not job_ids:
        return {}
    with reachable():
        values = broker.client.mget([_progress(job_id) for job_id in job_ids])
    return {job_id: int(value) for job_id, value in zip(job_ids, values, strict=True) if value is not None}


def read_events(broker: Broker, job_id: str, *, after: str = "0", wait: timedelta | None = None) -> list[JobEvent]:
    """Return the events behind `after` (an event id, "0" for all); wait at most `wait` for the first one.

    `wait` must stay below the connection's timeout of 5 s.
    """
    block = int(wait.total_seconds() * 1000) if wait else None
    watch(broker, job_id)
    with reachable():
        answer = broker.client.xread({_stream(job_id): after}, block=block)
    streams = answer.items() if isinstance(answer, dict) else answer or []
    return [
        JobEvent(fields["type"], json.loads(fields["data"]), event_id)
        for _, messages in streams
        for event_id, fields in _flat(messages)
    ]


def _flat(messages: Any) -> list[tuple[str, dict[str, str]]]:
    """Level the two shapes in which redis-py hands out stream messages (RESP2 and RESP3)."""
    flat: list[tuple[str, dict[str, str]]] = []
    for message in messages:
        if isinstance(message, list):
            flat += _flat(message)
        else:
            flat.append(message)
    return flat


def _stream(job_id: str) -> str:
    return f"gm:events:{job_id}"


def _progress(job_id: str) -> str:
    return f"gm:progress:{job_id}"


def _watch(job_id: str) -> str:
    return f"gm:watch:{job_id}"
