"""The text of server-sent events (HTML standard, section 9.2), created once for all recipients."""

import json
import random
from collections.abc import Iterable, Mapping
from typing import Any

from gonemaster_db.models import JobStatus
from gonemaster_engine.findings.messages import message
from gonemaster_tasks.broker.events import JobEvent

END_ID = "end"  # Last-Event-ID of a stream that has ended
FIRST_LINES = "retry: 2000\n\n"  # milliseconds until a browser reconnects
_RETRY_MS = (2000, 8000)  # after a stop of the process; random, so that clients do not all reconnect at the same time


KEEP_ALIVE = b": keep-alive\n\n"


def come_back() -> bytes:
    """Return a text that makes browsers reconnect, to reach the next process."""
    return f"retry: {random.randint(*_RETRY_MS)}\n\n".encode()


def event_text(kind: str, data: Mapping[str, Any], identity: str = "") -> str:
    """Return the text of one event."""
    head = f"id: {identity}\n" if identity else ""
    return f"{head}event: {kind}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n"


def job_event_text(event: JobEvent) -> str:
    """Return the text of a job event; entries contain their message in English."""
    if event.type == "done":
        return done_text(str(event.data.get("status", "")))
    data = event.data
    if event.type == "entry":
        data = data | {"message": message(data["tag"], data["module"], data["args"])}
    return event_text(event.type, data, event.id)


def event_texts(events: Iterable[JobEvent]) -> str:
    """Return the texts of job events. Invalid events are skipped."""
    return "".join(map(_text_or_nothing, events))


def _text_or_nothing(event: JobEvent) -> str:
    try:
        return job_event_text(event)
    except (KeyError, TypeError, ValueError):
        return ""


def done_text(status: str) -> str:
    """Return the last event of a job, or of a batch that was deleted."""
    return event_text("done", {"status": status}, END_ID)


def counts_text(counts: Mapping[str, int]) -> str:
    """Return the event with the counts of a batch; it is the last event if all jobs are finished."""
    if is_finished(counts):
        return event_text("done", counts_document(counts), END_ID)
    return event_text("counts", counts_document(counts), counts_id(counts))


def counts_document(counts: Mapping[str, int]) -> dict[str, Any]:
    """Return the data of a batch event."""
    total, left = sum(counts.values()), _unfinished(counts)
    return {
        "status": "running" if left else "done",
        "total": total,
        "completed": total - left,
        "completion": round(100 * (total - left) / total, 1) if total else 100.0,
        "status_counts": dict(counts),
    }


def counts_id(counts: Mapping[str, int]) -> str:
    """Return an event id built from the counts.

    A client that reconnects gets an event only if the counts have changed.
    """
    return ".".join(str(counts[status]) for status in sorted(counts))


def is_finished(counts: Mapping[str, int]) -> bool:
    """Return whether all jobs of a batch are finished."""
    return not _unfinished(counts)


def _unfinished(counts: Mapping[str, int]) -> int:
    return sum(counts[status] for status in JobStatus)
