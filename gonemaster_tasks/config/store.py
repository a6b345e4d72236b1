"""The database settings in the form that `gonemaster_db` requires."""

from dataclasses import replace
from datetime import timedelta
from typing import cast

from gonemaster_db.core.settings import Driver, Limits, StoreSettings
from gonemaster_tasks.config.settings import Settings

_WORKER_CONNECTIONS = 5
_OBSERVER_TIMEOUT = timedelta(seconds=2)
_SILENT_SHARE = 10  # The share of the statement timeout that background work may use between two statements.


def worker_store_settings(settings: Settings) -> StoreSettings:
    """Return the settings for `open_store` in a worker: few permanent connections, limits by kind of work.

    The slots mostly wait for the network and share the connections.
    """
    size = max(1, min(_WORKER_CONNECTIONS, settings.db_max_open_conns))
    brief = _limits(settings, settings.db_statement_timeout)
    long = replace(
        _limits(settings, settings.db_long_statement_timeout),
        idle=max(brief.idle, settings.db_long_statement_timeout / _SILENT_SHARE) if brief.idle else timedelta(0),
    )
    return replace(store_settings(settings), pool_size=size, pool_overflow=0, limits=brief, long_limits=long)


def api_store_settings(settings: Settings) -> StoreSettings:
    """Return the settings for `open_store` in the API: a statement is limited like the whole request."""
    limits = _limits(settings, settings.write_timeout)
    return replace(store_settings(settings), limits=limits, long_limits=limits)


def observer_store_settings(settings: Settings) -> StoreSettings:
    """Return the settings for `open_store` in database observers: two connections and a short timeout."""
    limits = Limits(_OBSERVER_TIMEOUT, lock=_OBSERVER_TIMEOUT, idle=settings.db_idle_in_transaction_timeout)
    brief = min(settings.db_connect_timeout, _OBSERVER_TIMEOUT)
    observer = replace(store_settings(settings), pool_size=2, pool_overflow=0, connect_timeout=brief)
    return replace(observer, limits=limits, long_limits=limits, busy_timeout=_OBSERVER_TIMEOUT)


def _limits(settings: Settings, statement: timedelta) -> Limits:
    return Limits(statement, lock=settings.db_lock_timeout, idle=settings.db_idle_in_transaction_timeout)


def store_settings(settings: Settings) -> StoreSettings:
    """Return the settings for `open_store` in a command, which has no tight time limit."""
    pool_size = min(settings.db_max_idle_conns, settings.db_max_open_conns)
    return StoreSettings(
        driver=cast("Driver", settings.db_driver),
        dsn=settings.store_dsn,
        pool_size=max(1, pool_size),
        pool_overflow=settings.db_max_open_conns - max(1, pool_size),
        connection_lifetime=timedelta(seconds=settings.db_conn_max_lifetime_seconds),
        connect_timeout=settings.db_connect_timeout,
        tcp_user_timeout=settings.db_tcp_user_timeout,
    )
