"""The events of a job as server-sent events, from the broker's event log and the database."""

import re
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from gonemaster_api.state import State
from gonemaster_api.web.streaming import END_ID, FIRST_LINES, KEEP_ALIVE, event_text
from gonemaster_db.errors import JobNotFound, StoreUnavailable
from gonemaster_db.models import Job, Run
from gonemaster_db.repositories.jobs import find_job_or_run
from gonemaster_engine.messages import message
from gonemaster_tasks.broker.events import JobEvent
from gonemaster_tasks.errors import BrokerUnavailable

KEEP_ALIVE_S = 15.0
LOOK_AT_STORE_S = 3.0  # the broker may lose events; the database always has the end
_WAIT = timedelta(seconds=1)
_BROKER_ID = re.compile(r"\d{1,20}-\d{1,20}")


def stream_job_events(state: State, item: Job | Run, *, last_event_id: str) -> Iterator[str]:
    """Yield the events of a job until its end, or until this process stops.

    `last_event_id` is what a client that comes back has seen last; only what is behind it is sent.
    """
    yield FIRST_LINES
    if not last_event_id:
        yield _event(JobEvent("state", _state(state, item)))
    if isinstance(item, Run):
        yield _done(item.status.value)
        return
    seen = last_event_id if _BROKER_ID.fullmatch(last_event_id) else "0"
    yield from _follow(state, item.id, seen)


def _follow(state: State, job_id: str, seen: str) -> Iterator[str]:
    sent_at = looked_at = time.monotonic()
    while not state.stopping.is_set():
        for event in _next_events(state, job_id, seen):
            seen = event.id
            if event.type == "done":
                yield _done(str(event.data.get("status", "")))
                return
            yield _event(event)
            sent_at = time.monotonic()
        if time.monotonic() - looked_at >= LOOK_AT_STORE_S:
            looked_at = time.monotonic()
            ended = _status_if_ended(state, job_id)
            if ended is not None:
                yield _done(ended)
                return
        if time.monotonic() - sent_at >= KEEP_ALIVE_S:
            sent_at = time.monotonic()
            yield KEEP_ALIVE


def _next_events(state: State, job_id: str, seen: str) -> list[JobEvent]:
    try:
        return state.broker.events.read(job_id, after=seen, wait=_WAIT)
    except BrokerUnavailable:
        state.stopping.wait(_WAIT.total_seconds())
        return []


def _status_if_ended(state: State, job_id: str) -> str | None:
    try:
        with state.store.read_only() as session:
            item = find_job_or_run(session, job_id)
    except StoreUnavailable:
        return None
    except JobNotFound:
        return "deleted"
    return item.status.value if isinstance(item, Run) else None


def _state(state: State, item: Job | Run) -> dict[str, Any]:
    if isinstance(item, Run):
        return {"status": item.status.value, "progress": 100}
    try:
        progress = state.broker.events.progress([item.id]).get(item.id, item.progress)
    except BrokerUnavailable:
        progress = item.progress
    return {"status": item.status.value, "progress": progress}


def _done(status: str) -> str:
    return _event(JobEvent("done", {"status": status}, END_ID))


def _event(event: JobEvent) -> str:
    data = event.data
    if event.type == "entry":
        data = data | {"message": message(data["tag"], data["module"], data["args"])}
    return event_text(event.type, data, event.id)
