"""The events of a job as server-sent events, from the broker's event log and the database."""

import re
from functools import partial
from typing import Any

from gonemaster_api.state import State
from gonemaster_api.streams.texts import FIRST_LINES, done_text, event_text, job_event_text
from gonemaster_api.web.event_streams import Feed
from gonemaster_db.models import Job, Run
from gonemaster_tasks.errors import BrokerUnavailable

_BROKER_ID = re.compile(r"\d{1,20}-\d{1,20}")


def job_feed(state: State, item: Job | Run, *, last_event_id: str) -> Feed:
    """Return the events of a job until it finishes.

    `last_event_id` is the last event that a reconnecting client received; only later events are sent. If the job
    finished in the meantime, missed events are sent if Redis still has them.
    """
    first = FIRST_LINES if last_event_id else FIRST_LINES + event_text("state", _state(state, item))
    is_known = _BROKER_ID.fullmatch(last_event_id) is not None
    if isinstance(item, Run):
        missed = _stored_events(state, item.id, after=last_event_id) if is_known else ""
        return Feed(first + missed + done_text(item.status.value))
    after = last_event_id if is_known else "0"
    return Feed(first, partial(state.hub.follow, item.id, is_job=True, after=after))


def _stored_events(state: State, job_id: str, *, after: str) -> str:
    """Return the events of a finished job that Redis still has, without the final event."""
    try:
        events = state.broker.events.read(job_id, after=after)
    except BrokerUnavailable:
        return ""
    return "".join(job_event_text(event) for event in events if event.type != "done")


def _state(state: State, item: Job | Run) -> dict[str, Any]:
    if isinstance(item, Run):
        return {"status": item.status.value, "progress": 100}
    try:
        progress = state.broker.events.progress([item.id]).get(item.id, item.progress)
    except BrokerUnavailable:
        progress = item.progress
    return {"status": item.status.value, "progress": progress}
