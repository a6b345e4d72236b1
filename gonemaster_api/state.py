"""State shared by the views of one process: settings, store and broker."""

import math
import threading
import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import cast

from flask import current_app

from gonemaster_api.auth.failures import FailedAttempts
from gonemaster_api.auth.keyring import Keyring
from gonemaster_api.auth.sessions import Sessions
from gonemaster_api.batch_counts import BatchWatch
from gonemaster_api.lookups import DnsLookups
from gonemaster_api.recent import SharedResults
from gonemaster_api.response_cache import ResponseCache
from gonemaster_api.streams.hub import Hub
from gonemaster_api.streams.seats import Seats
from gonemaster_db.core.clock import utcnow
from gonemaster_db.core.session import Store
from gonemaster_tasks.broker.client import Broker
from gonemaster_tasks.config.live import LiveSettings
from gonemaster_tasks.config.settings import Settings
from gonemaster_tasks.control.grouping import Groups
from gonemaster_tasks.control.parts import QueueParts

NAME = "gonemaster"
_NAMES = 200  # maximum number of names in one query
_PARTIALS = 256  # maximum number of cached partials of pages


@dataclass(frozen=True, kw_only=True)
class State:
    """The state of a process, created once by `create_app`. It contains nothing that belongs to a single request.

    `stopping` is set when the process shuts down. `streams` limits the number of CSV files being sent and of requests
    that wait in a thread, so that a quarter of the threads stays free. `seats` limits the event streams, which the
    `hub` serves. `profiles_of_domains` combines simultaneous requests into one query.
    """

    live: LiveSettings
    queue: QueueParts
    keyring: Keyring
    failures: FailedAttempts
    lookups: DnsLookups
    stopping: threading.Event
    streams: threading.BoundedSemaphore
    hub: Hub
    seats: Seats
    batches: BatchWatch
    responses: ResponseCache = field(default_factory=ResponseCache)
    recent: SharedResults = field(default_factory=SharedResults)
    batch_titles: SharedResults = field(default_factory=lambda: SharedResults(_PARTIALS))
    partials: SharedResults = field(default_factory=lambda: SharedResults(_PARTIALS))  # of pages
    profiles_of_domains: Groups[str, list[int]] = field(default_factory=lambda: Groups(maximum=_NAMES))
    started_at: datetime = field(default_factory=utcnow)
    outage_wait: timedelta | None = None  # maximum wait for an unresponsive service; None: no limit

    @property
    def settings(self) -> Settings:
        """The current settings; they may change between two reads."""
        return self.live.current

    def wait_until(self, maximum: timedelta | None = None) -> float:
        """Return the time (monotonic clock) until which to wait for a service that may be unavailable.

        `maximum` replaces `outage_wait`.
        """
        if self.outage_wait is None:
            return math.inf
        return time.monotonic() + (maximum or self.outage_wait).total_seconds()

    @property
    def store(self) -> Store:
        """The database."""
        return self.queue.store

    @property
    def sessions(self) -> Sessions:
        """The browser sessions."""
        return Sessions(self.store, self.keyring)

    @property
    def broker(self) -> Broker:
        """Redis."""
        return self.queue.broker


def state() -> State:
    """Return the state of the current application."""
    return cast("State", current_app.extensions[NAME])
