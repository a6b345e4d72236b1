"""The health of the service: issues of servers, processes, jobs, messages and schedules, each with a sentence."""

import time
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial

from gonemaster_db.core.errors import StoreError, StoreUnavailable
from gonemaster_engine.texts import Text, text_of
from gonemaster_tasks.config.settings import Settings
from gonemaster_tasks.control.parts import QueueParts
from gonemaster_tasks.errors import BrokerUnavailable
from gonemaster_tasks.monitoring.analysis import find_analysis_issues
from gonemaster_tasks.monitoring.issues import KINDS, Issue
from gonemaster_tasks.monitoring.jobs import find_message_issues, find_mismatches, find_row_issues
from gonemaster_tasks.monitoring.pending_calls import CallTimeout, PendingCall
from gonemaster_tasks.monitoring.processes import find_process_issues, find_silent_processes
from gonemaster_tasks.monitoring.servers import find_long_locks, find_lost_jobs, find_redis_issues

TIMEOUT = timedelta(seconds=3)  # The time limit of all concurrent checks.
Check = Callable[[QueueParts, Settings, datetime], Iterable[Issue]]

# Grouped by the servers they need. Checks of a single server are cheap and decide whether it is unavailable.
_REDIS: Sequence[Check] = (find_redis_issues, find_process_issues, find_lost_jobs, find_message_issues)
_DATABASE: Sequence[Check] = (find_long_locks, find_silent_processes)
_ROWS: Sequence[Check] = (find_row_issues, find_analysis_issues)
_BOTH: Sequence[Check] = (find_mismatches,)
_FULL = "MISCONF"  # The reply of Redis to every write after its last save failed.


def find_issues(parts: QueueParts, settings: Settings) -> list[Issue]:
    """Run all checks; report at most a hundred jobs per kind. Raises BrokerUnavailable, StoreUnavailable."""
    now = datetime.fromtimestamp(parts.broker.time(), UTC)
    return _each_once(
        issue
        for checks in (_BOTH, _ROWS, _REDIS, _DATABASE)
        for check in checks
        for issue in check(parts, settings, now)
    )


def find_issues_in_time(parts: QueueParts, settings: Settings, *, timeout: timedelta = TIMEOUT) -> list[Issue]:
    """Run all checks concurrently within a time limit, and report an unavailable server as an issue.

    Checks of the available servers are reported as usual; those without an answer in time, for example because a
    table is locked, are skipped.
    """
    until = time.monotonic() + timeout.total_seconds()
    pending = {
        name: PendingCall(partial(_found, checks, parts, settings))
        for name, checks in (("redis", _REDIS), ("database", _DATABASE), ("rows", _ROWS), ("both", _BOTH))
    }
    issues: list[Issue] = []
    unavailable: dict[str, str] = {}  # server to reason
    for name, check in pending.items():
        try:
            issues += check.result(until)
        except BrokerUnavailable as error:
            unavailable.setdefault("redis", text_of(error))
        except StoreUnavailable as error:
            unavailable.setdefault("database", text_of(error))
        except StoreError:
            continue
        except CallTimeout:
            if name in ("redis", "database"):
                unavailable.setdefault(
                    name, Text("no answer for {timeout_s} s", timeout_s=format(timeout.total_seconds(), ".0f"))
                )
    return _each_once([*_unavailable_servers(unavailable), *issues])


def _found(checks: Sequence[Check], parts: QueueParts, settings: Settings) -> list[Issue]:
    """Return the issues found by these checks; the time comes from this process, which works without Redis."""
    now = datetime.fromtimestamp(parts.clock.timestamp(), UTC)
    return [issue for check in checks for issue in check(parts, settings, now)]


def _each_once(issues: Iterable[Issue]) -> list[Issue]:
    """Do not report process_vanished if a process has reported that Redis does not answer it."""
    found = list(issues)
    cut_off = {issue.subject for issue in found if issue.kind == "process_without_broker"}
    return [issue for issue in found if issue.kind != "process_vanished" or issue.subject not in cut_off]


def _unavailable_servers(unavailable: dict[str, str]) -> Iterable[Issue]:
    if "redis" in unavailable:
        yield Issue("broker_unavailable", "redis", Text("jobs cannot start: {reason}", reason=unavailable["redis"]))
        if _FULL in unavailable["redis"]:
            yield Issue("disk_full", "redis", unavailable["redis"])
    if "database" in unavailable:
        yield Issue(
            "database_unavailable",
            "database",
            Text("results cannot be stored: {reason}", reason=unavailable["database"]),
        )


def count_issues(issues: Iterable[Issue]) -> dict[str, int]:
    """Return the number of jobs affected by each kind of issue, for metrics."""
    counts = dict.fromkeys(KINDS, 0)
    for issue in issues:
        counts[issue.kind] += issue.count
    return counts
