"""The reports of all processes of the service: their clock, and the state of their database connection."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from gonemaster_tasks.broker.connection import reachable, server_time
from gonemaster_tasks.broker.keys import REPORT_GAP, REPORT_TIMES, REPORTS

FORGOTTEN_AFTER_S = 300  # A process that stops in order is removed immediately.
_GAP_S = 8  # The interval of two reports.


@dataclass(frozen=True)
class ProcessReport:
    """The report of one process. Fields may be added: a version ignores the fields of others that it does not know."""

    kind: str  # worker, api or beat
    name: str
    host: str
    pid: int
    skew_s: float = 0.0  # The number of seconds by which its host's clock is ahead of the Redis host's clock.
    without_database_since: float | None = None  # In POSIX seconds of the shared clock, as the other times.
    started_at: float = 0.0
    full: str = ""  # The disk that this process found full.
    writer_held_since: float | None = None  # The time since which no process could acquire the write lock of SQLite.
    disconnected_since: float | None = None  # When the consumer of this worker stopped polling queues.
    idle_since: float | None = None  # When this worker stopped receiving waiting messages.
    refused_since: float | None = None  # When Redis started answering this worker's requests for messages with errors.
    refusal: str = ""
    offline_since: float | None = None  # When name servers stopped answering this worker.
    offline_families: tuple[int, ...] = ()  # The address families in which none answers.


_FIELDS = frozenset(field.name for field in fields(ProcessReport))


@dataclass(frozen=True)
class ProcessStatus:
    """A report, its age, and the time without a report while Redis was available; in seconds."""

    report: ProcessReport
    age_s: float
    silent_s: float


class Reports:
    """The reports of all processes. All methods raise BrokerUnavailable."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def put(self, report: ProcessReport) -> None:
        """Replace the report of this process, and remove processes that have long been silent.

        If no process has reported for a long time, Redis was unavailable: the gap is stored, and no process counts as
        silent.
        """
        name = f"{report.kind} {report.name}"
        with reachable():
            now = server_time(self._client)
            with self._client.pipeline(transaction=False) as pipe:
                pipe.zrevrange(REPORT_TIMES, 0, 0, withscores=True)
                pipe.zrangebyscore(REPORT_TIMES, "-inf", now - FORGOTTEN_AFTER_S)
                newest, forgotten = pipe.execute()
            with self._client.pipeline(transaction=True) as pipe:
                if not newest or now - newest[0][1] > _GAP_S:
                    pipe.set(REPORT_GAP, now)
                for other in forgotten:
                    pipe.zrem(REPORT_TIMES, other)
                    pipe.hdel(REPORTS, other)
                pipe.zadd(REPORT_TIMES, {name: now})
                pipe.hset(REPORTS, name, json.dumps(asdict(report)))
                pipe.execute()

    def remove(self, report: ProcessReport) -> None:
        """Remove the report of a process that ends."""
        name = f"{report.kind} {report.name}"
        with reachable(), self._client.pipeline(transaction=True) as pipe:
            pipe.zrem(REPORT_TIMES, name)
            pipe.hdel(REPORTS, name)
            pipe.execute()

    def recent(self) -> list[ProcessStatus]:
        """Return the processes that reported recently, by kind and name, including those that are silent now."""
        with reachable():
            now = server_time(self._client)
            with self._client.pipeline(transaction=True) as pipe:
                pipe.zrange(REPORT_TIMES, 0, -1, withscores=True)
                pipe.hgetall(REPORTS)
                pipe.get(REPORT_GAP)
                times, texts, gap = pipe.execute()
        return list(_read(dict(times), texts, now, float(gap or 0)))


def _read(times: Mapping[str, float], texts: Mapping[str, str], now: float, gap: float) -> "list[ProcessStatus]":
    found = []
    for name in sorted(times):
        try:
            values = json.loads(texts[name])
            report = ProcessReport(**{key: value for key, value in values.items() if key in _FIELDS})
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            continue  # Written by another program.
        found.append(ProcessStatus(report, max(0.0, now - times[name]), max(0.0, now - max(times[name], gap))))
    return found
