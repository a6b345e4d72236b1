"""State that the views of one process share: settings, store and broker."""

import threading
from dataclasses import dataclass, field
from datetime import datetime
from typing import cast

from flask import current_app

from gonemaster_api.batch_counts import BatchWatch
from gonemaster_db.clock import utcnow
from gonemaster_db.session import Store
from gonemaster_tasks.broker.client import Broker
from gonemaster_tasks.config.live import LiveSettings
from gonemaster_tasks.config.settings import Settings
from gonemaster_tasks.control.parts import QueueParts

NAME = "gonemaster"


@dataclass(frozen=True, kw_only=True)
class State:
    """Made once by `create_app`; nothing in it belongs to a request.

    `stopping` is set when the process shuts down; `streams` limits the number of open streams (events, CSV).
    """

    live: LiveSettings
    queue: QueueParts
    stopping: threading.Event
    streams: threading.BoundedSemaphore
    batches: BatchWatch = field(default_factory=BatchWatch)
    started_at: datetime = field(default_factory=utcnow)

    @property
    def settings(self) -> Settings:
        """The current settings; they may change between two reads."""
        return self.live.current

    @property
    def store(self) -> Store:
        """The database."""
        return self.queue.store

    @property
    def broker(self) -> Broker:
        """Redis."""
        return self.queue.broker


def state() -> State:
    """Return the state of the current application."""
    return cast("State", current_app.extensions[NAME])
