"""The request latencies of this process, stored by time slot for the trends."""

import secrets
from contextlib import suppress

from gonemaster_api.queries.metrics.http import read_http_counts
from gonemaster_api.web.exporter import HttpMetrics
from gonemaster_db.core.clock import utcnow
from gonemaster_db.core.errors import StoreError
from gonemaster_db.core.session import Store
from gonemaster_db.service.metrics.slots import SlotKey, slots_at, write_latencies
from gonemaster_tasks.repeating import RepeatedTask

_INTERVAL_S = 5.0


class LatencyTrend:
    """A task that adds recent request latencies to the current slots every five seconds.

    If the process is killed, up to five seconds of latencies are lost.
    """

    def __init__(self, metrics: HttpMetrics, store: Store) -> None:
        self._metrics = metrics
        self._store = store
        self._source = secrets.token_hex(8)
        self._seen: dict[str, list[int]] = {}
        self._slots: dict[SlotKey, dict[str, list[int]]] = {}
        self._task = RepeatedTask("request latencies", self.write, pause_s=_INTERVAL_S)
        self.start = self._task.start

    def stop(self) -> None:
        """Stop the task and write the remaining latencies."""
        self._task.stop()
        with suppress(StoreError):
            self.write()

    def write(self) -> None:
        """Write the current slots.

        Raises:
            StoreError: the write failed; the counts are kept for the next call.
        """
        now = {
            f"{key.method} {key.route}": counts.latencies
            for key, counts in read_http_counts(self._metrics.process_metrics()).routes.items()
        }
        new = {name: counts for name, counts in now.items() if counts != self._seen.get(name)}
        slots = {slot: dict(self._slots.get(slot, {})) for slot in slots_at(utcnow().timestamp())}
        for routes in slots.values():
            for name, counts in new.items():
                seen, noted = self._seen.get(name, [0] * len(counts)), routes.get(name, [0] * len(counts))
                routes[name] = [a + b - c for a, b, c in zip(noted, counts, seen, strict=True)]
        if new:
            self._store.run_in_transaction(lambda session: write_latencies(session, self._source, slots))
        self._seen, self._slots = now, slots
