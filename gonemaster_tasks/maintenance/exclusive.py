"""A lock in Redis for maintenance work that one worker at a time does, renewed while the work goes on."""

import logging
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from time import monotonic

from gonemaster_tasks.broker.client import Broker
from gonemaster_tasks.errors import BrokerUnavailable

log = logging.getLogger(__name__)

_LOCK_LIFE = timedelta(minutes=2)


@contextmanager
def exclusive(broker: Broker, lock: str) -> Iterator[Callable[[], bool] | None]:
    """Yield a function that renews the lock and returns whether it is held; None if another worker holds it."""
    holder = secrets.token_hex(8)
    if not broker.locks.acquire(lock, holder, _LOCK_LIFE):
        yield None
        return
    renewed_at = monotonic()

    def renew_lock() -> bool:
        nonlocal renewed_at
        if monotonic() - renewed_at < _LOCK_LIFE.total_seconds() / 4:
            return True
        renewed_at = monotonic()
        return bool(broker.locks.renew(lock, holder, _LOCK_LIFE))

    try:
        yield renew_lock
    finally:
        try:
            broker.locks.release(lock, holder)
        except BrokerUnavailable:
            log.warning("lock not released, it will expire", extra={"lock": lock})
