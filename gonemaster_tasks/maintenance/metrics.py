"""Aggregates finished runs for the metrics, and records the queue depth once a minute."""

import logging
from collections.abc import Callable
from datetime import datetime
from time import monotonic, sleep

from sqlalchemy.orm import Session

from gonemaster_db.core.session import Store
from gonemaster_db.core.states import Priority
from gonemaster_db.queue.queue import count_queued
from gonemaster_db.service.metrics.following import STEP, follow_runs
from gonemaster_db.service.metrics.slots import SlotSums, add_to_slots, read_slots, slots_at

log = logging.getLogger(__name__)

_MAX_REST_S = 0.25


def aggregate_runs(store: Store, *, now: Callable[[], datetime], stopped: Callable[[], bool] = lambda: False) -> int:
    """Aggregate all new runs, or until `stopped`; return their number.

    One worker at a time does this; the others find no new runs. An existing store is processed in steps with pauses,
    because jobs of the same process need the interpreter.
    """
    followed, start = 0, monotonic()
    while not stopped():
        count = store.run_in_transaction(lambda session: follow_runs(session, now=now()))
        followed += count
        if count < STEP:
            break
        sleep(min(_MAX_REST_S, monotonic() - start))
        start = monotonic()
    if followed >= STEP:
        log.info("runs aggregated", extra={"runs": followed})
    _record_depth(store, now())
    return followed


def _record_depth(store: Store, now: datetime) -> None:
    """Record the queue depth for this minute, unless it is recorded already."""
    slots = slots_at(now.timestamp())
    minute = min(slots)
    with store.read_only() as session:
        stored = read_slots(session, since=dict([minute])).get(minute)
        if stored is not None and stored.queue_depth is not None:
            return
        depth = sum(count_queued(session, priority) for priority in Priority)

    def write(session: Session) -> None:
        add_to_slots(session, dict.fromkeys(slots, SlotSums(queue_depth=depth)))

    store.run_in_transaction(write)
