"""The status counts of a batch as server-sent events, until its last job has finished."""

from functools import partial

from gonemaster_api.state import State
from gonemaster_api.streams.texts import END_ID, FIRST_LINES, counts_event
from gonemaster_api.web.event_streams import Feed


def batch_feed(state: State, batch_id: str, *, last_event_id: str) -> Feed:
    """Return a feed of status counts, one event per change, and an event `done` at the end.

    `last_event_id` identifies the last counts that a reconnecting client has received.

    Raises:
        BatchNotFound: no such batch.
    """
    counts = state.batches.counts(state.store, batch_id)
    first, seen = FIRST_LINES, last_event_id
    if counts is not None:
        identity, text = counts_event(counts)
        if identity == END_ID:
            return Feed(first + text)
        if identity != seen:
            first, seen = first + text, identity
    return Feed(first, partial(state.hub.follow, batch_id, is_job=False, after=seen))
