"""Updates the summaries of large tags, once a minute across all workers."""

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
    """Recount changed large tags, unless a worker did so less than a minute ago; return their number.

    Raises:
        BrokerUnavailable, StoreUnavailable: nothing is lost; the next call retries.
    """
    # The lock is not released: it expires after a minute.
    if not broker.locks.acquire(_LOCK, secrets.token_hex(8), _INTERVAL):
        return 0
    counted = update_summaries(store, now=now, stopped=stopped)
    if counted:
        log.info("large tags counted", extra={"tags": counted})
    return counted
