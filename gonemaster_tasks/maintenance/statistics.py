"""Makes the statistics of large batches after their end, one worker at a time and with rests between two slices."""

import logging
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from time import monotonic, sleep

from gonemaster_db.batches.batch_statistics import batches_without_statistics, make_statistics
from gonemaster_db.core.errors import StoreError
from gonemaster_db.core.session import Store
from gonemaster_tasks.broker.client import Broker
from gonemaster_tasks.errors import BrokerUnavailable

log = logging.getLogger(__name__)

_LOCK = "statistics"
_LOCK_LIFE = timedelta(minutes=2)
_LONGEST_REST_S = 0.25


def call_for_due_statistics(store: Store, broker: Broker, *, now: datetime) -> None:
    """Call a worker if a large batch has ended, or has lost runs, since its statistics were made."""
    with store.read_only() as session:
        due = batches_without_statistics(session, now=now, limit=1)
    if due:
        broker.lists.call_operate()


def make_due_statistics(
    store: Store, broker: Broker, *, now: Callable[[], datetime], stopped: Callable[[], bool] = lambda: False
) -> int:
    """Make the statistics of all batches that are due, or until `stopped`; returns the number of batches."""
    holder = secrets.token_hex(8)
    try:
        if not broker.locks.acquire(_LOCK, holder, _LOCK_LIFE):
            return 0  # another worker does it
        try:
            return _make_all(store, broker, now, stopped, holder)
        finally:
            broker.locks.release(_LOCK, holder)
    except (BrokerUnavailable, StoreError) as error:
        log.warning("statistics interrupted, they are made later", extra={"error": str(error)})
        return 0


def _make_all(
    store: Store, broker: Broker, now: Callable[[], datetime], stopped: Callable[[], bool], holder: str
) -> int:
    made = 0
    with store.read_only() as session:
        due = batches_without_statistics(session, now=now())
    for batch_key in due:
        pace = _Pace(lambda: not stopped() and broker.locks.renew(_LOCK, holder, _LOCK_LIFE))
        began = monotonic()
        tables = make_statistics(store, batch_key, now=now, step=pace.rest)
        if stopped():
            break
        if tables is None:
            log.info("statistics given up: runs of the batch have changed meanwhile", extra={"batch_key": batch_key})
            continue
        made += 1
        took_s = round(monotonic() - began, 1)
        log.info("statistics made", extra={"batch_key": batch_key, "tables": tables, "seconds": took_s})
    return made


class _Pace:
    """Rests as long as a slice took, at most a quarter of a second: jobs of the same process need the interpreter."""

    def __init__(self, may_go_on: Callable[[], bool]) -> None:
        self._may_go_on = may_go_on
        self._began = monotonic()

    def rest(self) -> bool:
        """Rest, then say whether to go on."""
        sleep(min(_LONGEST_REST_S, monotonic() - self._began))
        self._began = monotonic()
        return self._may_go_on()
