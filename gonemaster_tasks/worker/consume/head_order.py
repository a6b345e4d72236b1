"""Requeueing of messages by the slots of this process, and restoring the order at the head of the tier afterwards."""

import logging
import threading

from gonemaster_db.core.session import Store
from gonemaster_tasks.broker.client import Broker
from gonemaster_tasks.control.order_changes import restore_head_order
from gonemaster_tasks.errors import BrokerUnavailable

log = logging.getLogger(__name__)


class HeadOrder:
    """Puts messages back for all slots of a process. Thread-safe."""

    def __init__(self, store: Store, broker: Broker) -> None:
        self._store = store
        self._broker = broker
        self._lock = threading.Lock()
        self.unordered: set[str] = set()  # tiers in which messages have been put back

    def put_back(self, job_id: str, tier: str, *, in_order: bool = True) -> None:
        """Put a message at the front; with `in_order`, messages returned concurrently are then sorted by their rows."""
        try:
            self._broker.lists.put_back(job_id, tier)
        except BrokerUnavailable:
            log.warning("message not requeued, requeued once Redis answers", extra={"job_id": job_id})
            self._broker.reconciliation.post()
            return
        if in_order:
            self.restore(tier)

    def restore(self, tier: str) -> None:
        """Return once the message returned by this thread is at its position; any thread may restore the order."""
        self.unordered.add(tier)
        # A stopping worker returns the messages of all slots at the same time. If each slot restored the order itself,
        # the last slots would exceed the time limit of the lock that all processes share.
        with self._lock:
            if tier not in self.unordered:
                return  # The thread that held the lock started after this message was returned.
            # Removed before the messages are read: a message that arrives now needs another pass.
            self.unordered.discard(tier)
            restore_head_order(self._store, self._broker, tier)
