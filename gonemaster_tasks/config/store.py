"""The settings of the database in the form that `gonemaster_db` takes."""

from dataclasses import replace
from datetime import timedelta
from typing import cast

from gonemaster_db.core.settings import Driver, Limits, StoreSettings
from gonemaster_tasks.config.settings import Settings

_WORKER_CONNECTIONS = 5
_OBSERVED_WITHIN = timedelta(seconds=2)
_SILENT_SHARE = 10  # of the limit of a statement that work in the background may take between two of them


def worker_store_settings(settings: Settings) -> StoreSettings:
    """Return the settings for `open_store` in a worker: few connections, all kept open, limits by kind of work.

    The slots wait for the network most of the time and share the connections.
    """
    size = max(1, min(_WORKER_CONNECTIONS, settings.db_max_open_conns))
    brief = _limits(settings, settings.db_statement_timeout)
    long = replace(
        _limits(settings, settings.db_long_statement_timeout),
        idle=max(brief.idle, settings.db_long_statement_timeout / _SILENT_SHARE) if brief.idle else timedelta(0),
    )
    return replace(store_settings(settings), pool_size=size, pool_overflow=0, limits=brief, long_limits=long)


def api_store_settings(settings: Settings) -> StoreSettings:
    """Return the settings for `open_store` in the API: a statement has no longer than the whole request."""
    limits = _limits(settings, settings.write_timeout)
    return replace(store_settings(settings), limits=limits, long_limits=limits)


def observer_store_settings(settings: Settings) -> StoreSettings:
    """Return the settings for `open_store` of what watches the database: two connections, and little patience."""
    limits = Limits(_OBSERVED_WITHIN, lock=_OBSERVED_WITHIN, idle=settings.db_idle_in_transaction_timeout)
    brief = min(settings.db_connect_timeout, _OBSERVED_WITHIN)
    own = replace(store_settings(settings), pool_size=2, pool_overflow=0, connect_timeout=brief)
    return replace(own, limits=limits, long_limits=limits, busy_timeout=_OBSERVED_WITHIN)


def _limits(settings: Settings, statement: timedelta) -> Limits:
    return Limits(statement, lock=settings.db_lock_timeout, idle=settings.db_idle_in_transaction_timeout)


def store_settings(settings: Settings) -> StoreSettings:
    """Return the settings for `open_store` in a command, which may take its time."""
    kept = min(settings.db_max_idle_conns, settings.db_max_open_conns)
    return StoreSettings(
        driver=cast("Driver", settings.db_driver),
        dsn=settings.store_dsn,
        pool_size=max(1, kept),
        pool_overflow=settings.db_max_open_conns - max(1, kept),
        connection_lifetime=timedelta(seconds=settings.db_conn_max_lifetime_seconds),
        connect_timeout=settings.db_connect_timeout,
        tcp_user_timeout=settings.db_tcp_user_timeout,
    )
