"""The text of server-sent events (HTML standard, section 9.2), created once for all recipients."""

import json
import random
from collections.abc import Mapping
from typing import Any

from gonemaster_api.batch_counts import progress_of
from gonemaster_engine.findings.messages import message
from gonemaster_tasks.broker.events import JobEvent

END_ID = "end"  # Last-Event-ID of a stream that has ended
FIRST_LINES = "retry: 2000\n\n"  # milliseconds until a browser reconnects
KEEP_ALIVE = ": keep-alive\n\n"


def come_back() -> str:
    """Return a text that makes browsers reconnect, not all at the same time, to reach the next process."""
    return f"retry: {random.randint(2000, 8000)}\n\n"  # milliseconds


def event_text(kind: str, data: Mapping[str, Any], identity: str = "") -> str:
    """Return the text of one event."""
    head = f"id: {identity}\n" if identity else ""
    return f"{head}event: {kind}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n"


def job_event_text(event: JobEvent) -> str:
    """Return the text of a job event, and nothing for an invalid event. Entries contain their message in English."""
    data = event.data
    if event.type == "done":
        return done_text(str(data.get("status", "")))
    try:
        if event.type == "entry":
            data = data | {"message": message(data["tag"], data["module"], data["args"])}
        return event_text(event.type, data, event.id)
    except (KeyError, TypeError, ValueError):
        return ""


def done_text(status: str) -> str:
    """Return the last event of a job, or of a batch that was deleted."""
    return event_text("done", {"status": status}, END_ID)


def counts_event(counts: Mapping[str, int]) -> tuple[str, str]:
    """Return the id and the text of the event with the counts of a batch, the last one if all jobs are finished.

    The id is built from the counts: a client that reconnects gets an event only if they have changed.
    """
    data = progress_of(counts) | {"total": sum(counts.values())}
    left = data["completed"] < data["total"]
    identity = ".".join(str(counts[status]) for status in sorted(counts)) if left else END_ID
    return identity, event_text("counts" if left else "done", data, identity)
