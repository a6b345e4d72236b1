"""Messages that slots of this process put back, and the order of the first messages of a tier restored after that."""

import logging
import threading

from gonemaster_db.core.session import Store
from gonemaster_tasks.broker.client import Broker
from gonemaster_tasks.control.order_changes import restore_head_order
from gonemaster_tasks.errors import BrokerUnavailable

log = logging.getLogger(__name__)


class HeadOrder:
    """Puts messages back for all slots of a process. Safe in threads."""

    def __init__(self, store: Store, broker: Broker) -> None:
        self._store = store
        self._broker = broker
        self._lock = threading.Lock()
        self._unordered: set[str] = set()

    def put_back(self, job_id: str, tier: str, *, in_order: bool = True) -> None:
        """Put a message at the front; in order: once the messages of a moment are there, they follow their rows."""
        try:
            self._broker.lists.put_back(job_id, tier)
        except BrokerUnavailable:
            log.warning("message not put back, it follows as soon as Redis answers", extra={"job_id": job_id})
            self._broker.reconciliation.post()
            return
        if in_order:
            self.restore(tier)

    def restore(self, tier: str) -> None:
        """Return once the message that this thread has put back is in its place; any thread may restore it."""
        self._unordered.add(tier)
        # A worker that stops puts back as many messages as it has slots, at one time. If each slot restored the order
        # for itself, the last ones would run out of patience for the lock that all processes share.
        with self._lock:
            if tier not in self._unordered:
                return  # the thread that had the lock began after this message was back
            self._unordered.discard(tier)  # before the messages are read: one that comes now needs another turn
            restore_head_order(self._store, self._broker, tier)
