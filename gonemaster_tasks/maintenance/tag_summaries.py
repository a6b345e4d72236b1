"""Keeps the summaries of large tags, once a minute for all workers together."""

import logging
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta

from gonemaster_db.core.session import Store
from gonemaster_db.domains.tag_summaries import update_summaries
from gonemaster_tasks.broker.client import Broker

log = logging.getLogger(__name__)

_LOCK = "tag_summaries"
_INTERVAL = timedelta(minutes=1)


def keep_tag_summaries(
    store: Store, broker: Broker, *, now: Callable[[], datetime], stopped: Callable[[], bool] = lambda: False
) -> int:
    """Count the large tags that have changed, unless a worker did less than a minute ago; returns how many.

    Raises:
        BrokerUnavailable, StoreUnavailable: nothing is lost, the next call does it.
    """
    # Not released: it ends with the minute.
    if not broker.locks.acquire(_LOCK, secrets.token_hex(8), _INTERVAL):
        return 0
    counted = update_summaries(store, now=now, stopped=stopped)
    if counted:
        log.info("large tags counted", extra={"tags": counted})
    return counted
