"""The database as the settings describe it."""

from dataclasses import replace
from datetime import timedelta
from typing import cast

from gonemaster_db.settings import Driver, StoreSettings
from gonemaster_tasks.config.settings import Settings

_WORKER_CONNECTIONS = 5


def worker_store_settings(settings: Settings) -> StoreSettings:
    """Return what `open_store` takes in a worker: few connections, all kept.

    Slots spend their time in the network, not in the database; they take turns at the connections.
    """
    size = max(1, min(_WORKER_CONNECTIONS, settings.db_max_open_conns))
    return replace(store_settings(settings), pool_size=size, pool_overflow=0)


def store_settings(settings: Settings) -> StoreSettings:
    """Return what `open_store` takes."""
    kept = min(settings.db_max_idle_conns, settings.db_max_open_conns)
    return StoreSettings(
        driver=cast("Driver", settings.db_driver),
        dsn=settings.store_dsn,
        pool_size=max(1, kept),
        pool_overflow=settings.db_max_open_conns - max(1, kept),
        connection_lifetime=timedelta(seconds=settings.db_conn_max_lifetime_seconds),
    )
