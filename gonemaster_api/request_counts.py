"""What the requests of this process add to the metrics, and how it reaches the database."""

import secrets
import threading
from bisect import bisect_left
from collections import Counter
from contextlib import suppress

from sqlalchemy.orm import Session

from gonemaster_db.core.clock import utcnow
from gonemaster_db.core.errors import StoreError
from gonemaster_db.core.session import Store
from gonemaster_db.service.metrics.counting import Count, add_counts
from gonemaster_db.service.metrics.slots import SlotKey, slots_at, write_latencies
from gonemaster_tasks.repeating import RepeatingThread

# Names of counters. A route is `METHOD route`, which no name of a class or bucket can be taken for: both have no space.
REQUESTS = "api_requests"  # `METHOD route class`
LATENCIES = "api_latency"  # `METHOD route bound`
LATENCY_SUM = "api_latency_us"  # `METHOD route`
ERRORS = "api_errors"  # code
PANICS = "api_panics"
STRIPPED = "forwarded_headers_stripped"
LOCALES = "result_locale"
TOOL_CALLS = "mcp_tool_calls"  # `tool outcome`

LATENCY_BOUNDS_MS = (5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000)
BEYOND = "+Inf"
BOUND_LABELS = (*map(str, LATENCY_BOUNDS_MS), BEYOND)
_INTERVAL_S = 5.0
_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"})
_OTHER_METHOD = "OTHER"  # clients may make methods up, and each would be a series of its own


class RequestCounts:
    """Counts in memory, written every few seconds; while the database is unavailable they are kept.

    A process that is killed loses what it has counted in these few seconds: counters are then too low, and never fall.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._new: Counter[Count] = Counter()
        self._latencies: dict[SlotKey, dict[str, list[int]]] = {}
        self._changed: set[SlotKey] = set()
        self._source = secrets.token_hex(8)
        self._thread: RepeatingThread | None = None
        self._awaited: list[threading.Event] = []

    def add(self, name: str, label: str = "", number: int = 1) -> None:
        """Add to a counter."""
        with self._lock:
            self._new[Count(name, label)] += number

    def note(self, method: str, route: str, status: int, duration_s: float, *, code: str, panicked: bool) -> None:
        """Count a request; `code` is that of its error, or empty."""
        key = f"{method if method in _METHODS else _OTHER_METHOD} {route}"
        place = bisect_left(LATENCY_BOUNDS_MS, duration_s * 1000)
        slots = slots_at(utcnow().timestamp())
        with self._lock:
            self._new[Count(REQUESTS, f"{key} {status // 100}xx")] += 1
            self._new[Count(LATENCIES, f"{key} {BOUND_LABELS[place]}")] += 1
            self._new[Count(LATENCY_SUM, key)] += round(duration_s * 1e6)
            if code:
                self._new[Count(ERRORS, code)] += 1
            if panicked:
                self._new[Count(PANICS)] += 1
            for slot in slots:
                routes = self._latencies.setdefault(slot, {})
                routes.setdefault(key, [0] * len(BOUND_LABELS))[place] += 1
                self._changed.add(slot)

    def start(self, store: Store) -> None:
        """Begin to write regularly."""
        self._thread = RepeatingThread("request counts", lambda: self._write_and_tell(store), pause_s=_INTERVAL_S)
        self._thread.start()

    def stop(self, store: Store) -> None:
        """End, and write the rest."""
        if self._thread is not None:
            self._thread.stop()
        with suppress(StoreError):
            self.write(store)

    def write_soon(self, store: Store, *, patience_s: float = 0.25) -> None:
        """Write now, unless that takes long: another transaction may hold the lock of SQLite."""
        if self._thread is None or not self._thread.alive:
            with suppress(StoreError):
                self.write(store)
            return
        written = threading.Event()
        with self._lock:
            self._awaited.append(written)
        self._thread.wake()
        written.wait(patience_s)

    def write(self, store: Store) -> None:
        """Add what is new to the database. Raises StoreError; then it is kept."""
        with self._writing:
            with self._lock:
                counts, self._new = self._new, Counter()
                changed, self._changed = self._changed, set()
                latencies = {
                    slot: {route: tuple(numbers) for route, numbers in self._latencies[slot].items()}
                    for slot in changed
                }

            def work(session: Session) -> None:
                add_counts(session, counts)
                write_latencies(session, self._source, latencies)

            try:
                if counts:
                    store.run_in_transaction(work)
            except BaseException:
                with self._lock:
                    self._new.update(counts)
                    self._changed |= changed
                raise
            self._forget_old_slots()

    def _write_and_tell(self, store: Store) -> None:
        with self._lock:
            awaited, self._awaited = self._awaited, []
        try:
            self.write(store)
        finally:
            for written in awaited:
                written.set()

    def _forget_old_slots(self) -> None:
        current = set(slots_at(utcnow().timestamp()))
        with self._lock:
            for slot in self._latencies.keys() - current - self._changed:
                del self._latencies[slot]
