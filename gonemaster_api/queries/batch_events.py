"""The status counts of a batch as server-sent events, until its last job has ended."""

import time
from collections.abc import Iterator, Mapping
from typing import Any

from gonemaster_api import batch_counts
from gonemaster_api.state import State
from gonemaster_api.web.streaming import END_ID, FIRST_LINES, KEEP_ALIVE, event_text
from gonemaster_db.errors import BatchNotFound
from gonemaster_db.models import JobStatus

KEEP_ALIVE_S = 15.0


def stream_batch_events(state: State, batch_id: str, *, last_event_id: str) -> Iterator[str]:
    """Yield the status counts whenever they change, and an event `done` at the end.

    The id of an event is made of the counts: a client that reconnects gets an event at once if they have changed.
    """
    yield FIRST_LINES
    seen, sent_at = last_event_id, time.monotonic()
    while True:
        try:
            counts = state.batches.counts(state.store, batch_id)
        except BatchNotFound:
            yield event_text("done", {"status": "deleted"}, END_ID)
            return
        if counts is not None:
            if not _unfinished(counts):
                yield event_text("done", document(counts), END_ID)
                return
            if (identity := _identity(counts)) != seen:
                seen, sent_at = identity, time.monotonic()
                yield event_text("counts", document(counts), identity)
        if time.monotonic() - sent_at >= KEEP_ALIVE_S:
            sent_at = time.monotonic()
            yield KEEP_ALIVE
        if state.stopping.wait(batch_counts.COUNT_EVERY_S):
            return


def document(counts: Mapping[str, int]) -> dict[str, Any]:
    """Return the data of an event."""
    total, left = sum(counts.values()), _unfinished(counts)
    return {
        "status": "running" if left else "done",
        "total": total,
        "completed": total - left,
        "completion": round(100 * (total - left) / total, 1) if total else 100.0,
        "status_counts": dict(counts),
    }


def _unfinished(counts: Mapping[str, int]) -> int:
    return sum(counts[status] for status in JobStatus)


def _identity(counts: Mapping[str, int]) -> str:
    return ".".join(str(counts[status]) for status in sorted(counts))
