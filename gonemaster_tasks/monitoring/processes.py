"""Issues of processes: their reports, missing reports, and overdue maintenance tasks."""

import math
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from gonemaster_db.service.broker_silence import read_outages
from gonemaster_engine.texts import Text
from gonemaster_tasks.broker.processes.maintenance_times import PURGE, REAP
from gonemaster_tasks.broker.processes.reports import ProcessReport, ProcessStatus
from gonemaster_tasks.config.settings import Settings
from gonemaster_tasks.control.parts import QueueParts
from gonemaster_tasks.monitoring.issues import Issue

MAX_SKEW_S = 5.0
_SILENT_S = 10.0  # More than two report intervals.
_RECENT_S = 15.0
_LATE_S = 6.0  # In addition to two intervals of the reaper, or one of retention.
_MAX_WRITING_S = 10.0


def find_process_issues(parts: QueueParts, settings: Settings, now: datetime) -> Iterator[Issue]:
    """Yield the issues of processes and maintenance tasks that Redis knows."""
    recent = parts.broker.reports.recent()
    alive = [process for process in recent if process.silent_s <= _SILENT_S]
    for process in alive:
        yield from _clock_of(process.report)
        yield from _database_of(process.report)
        yield from _consumer_of(process.report)
        yield from _network_of(process.report)
    yield from _find_vanished(recent, now)
    yield from _disks(alive)
    yield from _writer(alive, now)
    yield from _overdue_tasks(parts, settings, now)


def find_silent_processes(parts: QueueParts, _settings: Settings, now: datetime) -> Iterator[Issue]:
    """Yield processes that recorded in the database that Redis does not answer them."""
    with parts.store.read_only() as session:
        silences = read_outages(session)
    for name, silence in sorted(silences.items()):
        if abs(now.timestamp() - silence["at"]) < _RECENT_S:
            text = Text(
                "Redis does not answer this process on {host}: {reason}", host=silence["host"], reason=silence["reason"]
            )
            yield Issue("process_without_broker", name, text, _moment(silence["since"]))


def _clock_of(report: ProcessReport) -> Iterator[Issue]:
    skew_s = report.skew_s
    if abs(skew_s) > MAX_SKEW_S:
        direction = Text("ahead of") if skew_s > 0 else Text("behind")
        text = Text(
            "the clock of {kind} {name} is {abs} s {direction} the clock of the Redis host",
            kind=report.kind,
            name=report.name,
            abs=format(abs(skew_s), ".0f"),
            direction=direction,
        )
        yield Issue("clock_skew", report.host, text)


def _database_of(report: ProcessReport) -> Iterator[Issue]:
    since = report.without_database_since
    if since is None:
        return
    if report.kind == "worker":
        yield Issue(
            "worker_without_database", report.name, Text("the database does not answer this worker"), _moment(since)
        )
    else:
        text = Text("the database does not answer this process ({kind})", kind=report.kind)
        yield Issue("process_without_database", report.name, text, _moment(since))


def _consumer_of(report: ProcessReport) -> Iterator[Issue]:
    if report.disconnected_since is not None:
        text = Text("this worker is not connected to its queues, so it takes no jobs")
        yield Issue("worker_disconnected", report.name, text, _moment(report.disconnected_since))
    elif report.refused_since is not None:
        text = Text("Redis refuses this worker's requests for jobs: {reason}", reason=report.refusal)
        yield Issue("worker_refused", report.name, text, _moment(report.refused_since))
    elif report.idle_since is not None:
        text = Text("jobs are waiting and this worker has free slots, but it takes no jobs")
        yield Issue("worker_idle", report.name, text, _moment(report.idle_since))


def _network_of(report: ProcessReport) -> Iterator[Issue]:
    if report.offline_since is not None:
        families = ", ".join(f"IPv{family}" for family in report.offline_families)
        text = Text("no name server answers this worker over {families}, so it takes no jobs", families=families)
        yield Issue("worker_without_network", report.name, text, _moment(report.offline_since))


def _find_vanished(recent: Sequence[ProcessStatus], now: datetime) -> Iterator[Issue]:
    """Yield processes that stopped reporting without a final report, unless a successor has replaced them."""
    for process in recent:
        report, last = process.report, now.timestamp() - process.age_s
        if process.silent_s <= _SILENT_S or any(_follows(other, report, last) for other in recent):
            continue
        text = Text(
            "this {kind} (process {pid} of {host}) has not reported for {silent_s} s: "
            "it has died, is frozen, or cannot reach Redis",
            kind=report.kind,
            pid=report.pid,
            host=report.host,
            silent_s=format(process.silent_s, ".0f"),
        )
        yield Issue("process_vanished", report.name, text, _moment(last))


def _follows(other: ProcessStatus, report: ProcessReport, last: float) -> bool:
    is_successor = other.report.kind == report.kind and other.report.host == report.host
    return is_successor and other.silent_s <= _SILENT_S and other.report.started_at > last


def _disks(alive: Sequence[ProcessStatus]) -> Iterator[Issue]:
    full = [process.report for process in alive if process.report.full]
    if full:
        text = f"{full[0].kind} {full[0].name}: {full[0].full}"
        yield Issue("disk_full", "database", text, count=len(full))


def _writer(alive: Sequence[ProcessStatus], now: datetime) -> Iterator[Issue]:
    """Yield an issue if a process holds the write lock of SQLite for too long."""
    since = min((at for process in alive if (at := process.report.writer_held_since) is not None), default=None)
    if since is not None and now.timestamp() - since > _MAX_WRITING_S:
        text = Text(
            "another process has been writing to SQLite for {held_s} s, and all others are waiting",
            held_s=format(now.timestamp() - since, ".0f"),
        )
        yield Issue("lock_held", "sqlite", text, _moment(since))


def _overdue_tasks(parts: QueueParts, settings: Settings, now: datetime) -> Iterator[Issue]:
    """Yield maintenance tasks that are overdue although workers are running; missing workers are a separate issue."""
    started_s = [now.timestamp() - worker.started_at for worker in parts.broker.workers.live()]
    if not started_s:
        return
    ages_s = parts.broker.maintenance_times.ages_s()
    reap_s, purge_s = settings.reap_interval_seconds, settings.purge_interval_seconds
    for task, kind, interval_s, limit_s in (
        (REAP, "reap_overdue", reap_s, 2 * reap_s + _LATE_S),
        (PURGE, "purge_overdue", purge_s, purge_s + _LATE_S),
    ):
        # A task missed while no worker was running is due from the start of the first worker.
        late_s = min(ages_s.get(task, math.inf), max(started_s))
        if late_s > limit_s:
            times = {"late_s": f"{late_s:.0f}", "interval_s": interval_s}
            if task == REAP:
                text = Text("no leases were reaped for {late_s} s; the interval is {interval_s} s", **times)
            else:
                text = Text("no old runs were deleted for {late_s} s; the interval is {interval_s} s", **times)
            yield Issue(kind, task, text, _moment(now.timestamp() - late_s))


def _moment(posix_s: float) -> datetime:
    return datetime.fromtimestamp(posix_s, UTC)
