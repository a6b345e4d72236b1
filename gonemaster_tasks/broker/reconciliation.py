"""Requests for an immediate reconciliation, made by processes that stored rows but could not send their messages."""

import secrets
import threading
from typing import Any

import redis

from gonemaster_tasks.broker.connection import is_out_of_memory, reachable
from gonemaster_tasks.broker.keys import EPOCH, RECONCILE, SUBMITTING
from gonemaster_tasks.errors import BrokerUnavailable

_RETRY_S = 0.5
_IF_SAME = 'return redis.call("GET", KEYS[1]) == ARGV[1] and redis.call("DEL", KEYS[1])'


class ReconciliationRequests:
    """The mark that makes the workers reconcile before their interval has passed. Thread-safe."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._delete_if_same = client.register_script(_IF_SAME)
        self._lock = threading.Lock()
        self._posted = 0
        self._given_up: set[str] = set()
        self._thread: threading.Thread | None = None
        self._closed = threading.Event()

    def post(self, *, submission: str = "") -> None:
        """Set the mark as soon as Redis answers; return immediately, a thread of this process retries.

        `submission` names a submission that sends no more messages, so that the reconciler does not wait for it.
        """
        with self._lock:
            self._posted += 1
            self._given_up |= {submission} - {""}
            if self._thread is None and not self._closed.is_set():
                self._thread = threading.Thread(target=self._deliver, name="reconciliation", daemon=True)
                self._thread.start()

    def _deliver(self) -> None:
        while not self._closed.is_set():
            # The lock is not held during the command, which can take seconds while other requests post.
            with self._lock:
                posted, given_up = self._posted, sorted(self._given_up)
            try:
                self.set_mark(given_up)
            except BrokerUnavailable:
                self._closed.wait(_RETRY_S)
                continue
            with self._lock:
                self._given_up.difference_update(given_up)
                if self._posted == posted:  # Otherwise rows of another request may be newer than the mark.
                    self._thread = None
                    return

    def set_mark(self, submissions: list[str] | None = None) -> None:
        """Set the mark, and record that these submissions have ended. Raises BrokerUnavailable.

        A Redis without memory refuses the mark. Then the epoch is removed, which Redis allows: workers start no job
        until they have rebuilt the tiers, so that no job overtakes the jobs without a message.
        """
        with reachable():
            if submissions:
                self._client.zrem(SUBMITTING, *submissions)
            try:
                self._client.set(RECONCILE, secrets.token_hex(8))
            except redis.RedisError as error:
                if not is_out_of_memory(error):
                    raise
                self._client.delete(EPOCH)

    def mark(self) -> str:
        """Return the mark, empty if no reconciliation is requested. Raises BrokerUnavailable."""
        with reachable():
            return self._client.get(RECONCILE) or ""

    def remove_mark(self, mark: str) -> None:
        """Remove the mark unless it was set again since it was read. Raises BrokerUnavailable."""
        if mark:
            with reachable():
                self._delete_if_same(keys=[RECONCILE], args=[mark])

    def close(self) -> None:
        """Stop the thread; the next regular reconciliation covers its pending requests."""
        self._closed.set()
