"""Readiness of the service's components, issues of the whole service, and versions."""

import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import dns.version
import structlog

from gonemaster_api.queries.operations import read_unfinished_operations
from gonemaster_api.state import State
from gonemaster_db.core.errors import StoreError
from gonemaster_db.migrations.runner import check_schema
from gonemaster_engine.version import __version__, engine_kind
from gonemaster_tasks.errors import BrokerFull, BrokerUnavailable
from gonemaster_tasks.monitoring.health import find_issues_in_time
from gonemaster_tasks.monitoring.issues import Issue
from gonemaster_tasks.monitoring.pending_calls import CallTimeout, PendingCall

OK = "ok"
_ISSUES_LIFE_S = 3.0
_KNOWN_WITHIN = timedelta(seconds=0.4)
_OVERLOADED = "unknown: the server is overloaded"
_FULL_FOR = timedelta(seconds=30)  # time since the last write that failed because the disk was full
_DATABASE, _SCHEMA, _BROKER = "database", "migrations", "broker"
_FULL_MEMORY, _FULL_DISK = "its memory is full", "its disk is full"
_KINDS = {_DATABASE: "database_unavailable", _BROKER: "broker_unavailable"}

log = structlog.get_logger(__name__)


def read_issues(state: State, *, life_s: float = _ISSUES_LIFE_S) -> list[Issue]:
    """Return the issues of the service, at most `life_s` seconds old."""

    def find() -> list[Issue]:
        return find_issues_in_time(state.queue, state.settings)

    found: list[Issue] = state.recent.get("issues", find, life_s=life_s)
    return found


def read_readiness(state: State) -> tuple[dict[str, str], list[str]]:
    """Return `ok` or a short reason for each component, and the kinds of the current issues that are known in time.

    A disk counts as full if a write of this process failed recently, or if another process has reported it.
    """
    parts = _read_parts(state)
    failing = _read_failing_checks(state, parts)
    if state.store.was_full_within(_FULL_FOR):
        failing.add("disk_full")
    if "disk_full" in failing and parts[_DATABASE] == parts[_BROKER] == OK:
        parts[_DATABASE] = _FULL_DISK
    return parts, sorted(failing)


def _read_parts(state: State) -> dict[str, str]:
    """Check database, tables and broker within two seconds; return `ok` or a short reason for each.

    The response is public, so addresses and error texts are only logged.
    """
    until = state.wait_until()
    checks: dict[str, tuple[Callable[[], None], str]] = {
        _DATABASE: (state.store.ping, "does not answer"),
        _SCHEMA: (lambda: check_schema(state.store), "the database schema is not that of this version"),
        _BROKER: (state.broker.check_room, "does not answer"),
    }
    pending = {name: PendingCall(check) for name, (check, _) in checks.items()}
    found = {name: _status_of(call, checks[name][1], until) for name, call in pending.items()}
    return found if found[_DATABASE] == OK else found | {_SCHEMA: "unknown: the database does not answer"}


def overloaded_readiness() -> dict[str, Any]:
    """Return the readiness of a process that refuses requests because of overload, and so has checked nothing."""
    return {"status": "unavailable", "parts": dict.fromkeys((_DATABASE, _SCHEMA, _BROKER), _OVERLOADED), "failing": []}


def _read_failing_checks(state: State, parts: Mapping[str, str]) -> set[str]:
    """Return the kinds of current issues that can be determined in a short time; `parts` are included."""
    known = {kind for part, kind in _KINDS.items() if parts[part] not in (OK, _FULL_MEMORY)}
    known |= {"redis_memory"} if parts[_BROKER] == _FULL_MEMORY else set()
    try:
        known |= {
            issue.kind for issue in PendingCall(lambda: read_issues(state)).result(state.wait_until(_KNOWN_WITHIN))
        }
    except CallTimeout:  # The check continues in the background, and the next request gets its result.
        log.info("health check timed out")
    return known


def read_health(state: State) -> dict[str, Any]:
    """Return the current issues and the unfinished operations, within a few seconds."""
    operations = PendingCall(lambda: read_unfinished_operations(state))
    issues = find_issues_in_time(state.queue, state.settings)
    try:
        unfinished = operations.result(time.monotonic())  # The operations had as much time as the issues.
    except (StoreError, CallTimeout):
        unfinished = []
    return {"healthy": not issues, "issues": issues, "operations": unfinished}


def _status_of(pending: PendingCall[None], otherwise: str, until: float) -> str:
    try:
        pending.result(until)
    except (StoreError, BrokerUnavailable, CallTimeout) as error:
        reason = _FULL_MEMORY if isinstance(error, BrokerFull) else otherwise
        log.warning("component not ready", error=str(error), reason=reason)
        return reason
    return OK


def read_versions() -> dict[str, str]:
    """Return the versions of gonemaster and dnspython, and the kind of the engine."""
    return {"gonemaster": __version__, "dns": dns.version.version, "engine_kind": engine_kind()}
