"""The database as the settings describe it."""

from datetime import timedelta
from typing import cast

from gonemaster_db.settings import Driver, StoreSettings
from gonemaster_tasks.settings import Settings


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
