"""Readiness of the components of the service."""

from collections.abc import Callable

import structlog

from gonemaster_api.state import State
from gonemaster_db.errors import StoreError
from gonemaster_db.migrations.runner import check_schema
from gonemaster_tasks.errors import BrokerUnavailable

OK = "ok"

log = structlog.get_logger(__name__)


def read_parts(state: State) -> dict[str, str]:
    """Check database, tables and broker: `ok` for each, or a short reason why it is not ready.

    Everybody may read it, so addresses and error texts stay in the log.
    """
    database = _status_of(state.store.ping, "does not answer")
    return {
        "database": database,
        "migrations": _schema_status(state) if database == OK else "not known: the database does not answer",
        "broker": _status_of(state.broker.ping, "does not answer"),
    }


def _schema_status(state: State) -> str:
    return _status_of(lambda: check_schema(state.store), "the database schema is not that of this version")


def _status_of(check: Callable[[], None], otherwise: str) -> str:
    try:
        check()
    except (StoreError, BrokerUnavailable) as error:
        log.warning("component not ready", error=str(error), reason=otherwise)
        return otherwise
    return OK
