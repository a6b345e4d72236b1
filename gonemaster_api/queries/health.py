"""Readiness of the components of the service."""

from collections.abc import Callable

import structlog

from gonemaster_api.state import State
from gonemaster_db.errors import StoreError, StoreOutdated
from gonemaster_db.migrations import runner
from gonemaster_tasks.errors import BrokerUnavailable

OK = "ok"

log = structlog.get_logger(__name__)


def read_parts(state: State) -> dict[str, str]:
    """Check database, tables and broker: `ok` for each, or a short reason why it is not ready.

    Anybody may ask, so addresses and error texts of the parts stay in the log.
    """
    return {
        "database": _said(state.store.ping, "does not answer"),
        "migrations": _said(lambda: _check_tables(state), "the database schema is not that of this version"),
        "broker": _said(state.broker.ping, "does not answer"),
    }


def _check_tables(state: State) -> None:
    if not runner.is_current(state.store):
        raise StoreOutdated


def _said(ask: Callable[[], None], otherwise: str) -> str:
    try:
        ask()
    except (StoreError, BrokerUnavailable) as error:
        log.warning("component not ready", error=str(error), reason=otherwise)
        return otherwise
    return OK
