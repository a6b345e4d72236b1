"""Computes the statistics of large batches after their end, one worker at a time and with pauses between slices."""

import logging
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta

from gonemaster_db.batches.batch_statistics import batches_without_statistics, build_statistics
from gonemaster_db.core.errors import StoreError
from gonemaster_db.core.session import Store
from gonemaster_tasks.broker.client import Broker
from gonemaster_tasks.errors import BrokerUnavailable
from gonemaster_tasks.maintenance.work_pace import WorkPace

log = logging.getLogger(__name__)

_LOCK = "statistics"
_LOCK_LIFE = timedelta(minutes=2)
_MAX_REST_S = 0.25


def notify_due_statistics(store: Store, broker: Broker, *, now: datetime) -> None:
    """Notify a worker if a large batch has ended or lost runs since its statistics were computed."""
    with store.read_only() as session:
        due = batches_without_statistics(session, now=now, limit=1)
    if due:
        broker.lists.call_operate()


def make_due_statistics(
    store: Store, broker: Broker, *, now: Callable[[], datetime], stopped: Callable[[], bool] = lambda: False
) -> int:
    """Compute the statistics of all due batches, or until `stopped`; return the number of batches."""
    holder = secrets.token_hex(8)
    try:
        if not broker.locks.acquire(_LOCK, holder, _LOCK_LIFE):
            return 0  # Another worker computes them.
        try:
            return _compute_all(store, broker, now, stopped, holder)
        finally:
            broker.locks.release(_LOCK, holder)
    except (BrokerUnavailable, StoreError) as error:
        log.warning("statistics interrupted, they will be resumed", extra={"error": str(error)})
        return 0


def _compute_all(
    store: Store, broker: Broker, now: Callable[[], datetime], stopped: Callable[[], bool], holder: str
) -> int:
    computed = 0
    with store.read_only() as session:
        due = batches_without_statistics(session, now=now())
    for batch_key in due:
        pace = WorkPace(
            lambda: not stopped() and broker.locks.renew(_LOCK, holder, _LOCK_LIFE),
            share=1.0,
            longest_s=_MAX_REST_S,
        )
        tables = build_statistics(store, batch_key, now=now, step=pace.rest)
        if stopped():
            break
        if tables is None:
            log.info("statistics discarded: runs of the batch have changed", extra={"batch_key": batch_key})
            continue
        computed += 1
        took_s = round(pace.lasted_s(), 1)
        log.info("statistics computed", extra={"batch_key": batch_key, "tables": tables, "seconds": took_s})
    return computed
