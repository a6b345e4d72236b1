"""The settings of the database in the form that `gonemaster_db` takes."""

from dataclasses import replace
from datetime import timedelta
from typing import cast

from gonemaster_db.settings import Driver, StoreSettings
from gonemaster_tasks.config.settings import Settings

_WORKER_CONNECTIONS = 5


def worker_store_settings(settings: Settings) -> StoreSettings:
    """Return the settings for `open_store` in a worker: few connections, all kept open.

    The slots wait for the network most of the time and share the connections.
    """
    size = max(1, min(_WORKER_CONNECTIONS, settings.db_max_open_conns))
    return replace(store_settings(settings), pool_size=size, pool_overflow=0)


def store_settings(settings: Settings) -> StoreSettings:
    """Return the settings for `open_store`."""
    kept = min(settings.db_max_idle_conns, settings.db_max_open_conns)
    return StoreSettings(
        driver=cast("Driver", settings.db_driver),
        dsn=settings.store_dsn,
        pool_size=max(1, kept),
        pool_overflow=settings.db_max_open_conns - max(1, kept),
        connection_lifetime=timedelta(seconds=settings.db_conn_max_lifetime_seconds),
    )
