"""What the views of one process share: settings, store and broker."""

import threading
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import cast

from flask import current_app

from gonemaster_db.clock import utcnow
from gonemaster_db.session import Store
from gonemaster_db.settings import StoreSettings
from gonemaster_tasks.broker import Broker
from gonemaster_tasks.settings import Settings

_NAME = "gonemaster"


@dataclass(frozen=True, kw_only=True)
class State:
    """Made once by `create_app`; nothing in it belongs to a request.

    `stopping` is set when the process has been told to end; `streams` counts the event streams that may be open.
    """

    settings: Settings
    store: Store
    broker: Broker
    stopping: threading.Event
    streams: threading.BoundedSemaphore
    started_at: datetime = field(default_factory=utcnow)


def store_settings(settings: Settings) -> StoreSettings:
    """Give what the store needs of the settings."""
    return StoreSettings(
        driver="postgres" if settings.db_driver == "postgres" else "sqlite",
        dsn=settings.store_dsn,
        pool_size=settings.db_max_idle_conns,
        pool_overflow=max(0, settings.db_max_open_conns - settings.db_max_idle_conns),
        connection_lifetime=timedelta(seconds=settings.db_conn_max_lifetime_seconds),
    )


def state() -> State:
    """Give the state of the current application."""
    return cast("State", current_app.extensions[_NAME])
