"""What each process of the service says about itself: its clock, and what it knows of its database."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from gonemaster_tasks.broker.connection import reachable, server_time
from gonemaster_tasks.broker.keys import REPORT_GAP, REPORT_TIMES, REPORTS

FORGOTTEN_AFTER_S = 300  # a process that ended in order is forgotten at once
_GAP_S = 8  # two reports


@dataclass(frozen=True)
class ProcessReport:
    """One process. Fields may be added, as versions read each other's reports; what one does not know it leaves out."""

    kind: str  # worker, api or beat
    name: str
    host: str
    pid: int
    skew_s: float = 0.0  # of the clock of its host, ahead of that of Redis' host
    without_database_since: float | None = None  # POSIX seconds of the shared clock, as the others
    started_at: float = 0.0
    full: str = ""  # which disk is full, as far as this process has noticed
    writer_held_since: float | None = None  # since when nobody could take the turn to write to SQLite


_FIELDS = frozenset(field.name for field in fields(ProcessReport))


@dataclass(frozen=True)
class Heard:
    """A report, how long ago it came, and for how long none has come though Redis was there; in seconds."""

    report: ProcessReport
    age_s: float
    silent_s: float


class Reports:
    """The reports of all processes. All methods raise BrokerUnavailable."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def put(self, report: ProcessReport) -> None:
        """Replace what this process said before; forget a process that was silent for long.

        If no process has reported for long, Redis was unavailable: the gap is noted, and no process counts as silent.
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
        """Forget a process that ends."""
        name = f"{report.kind} {report.name}"
        with reachable(), self._client.pipeline(transaction=True) as pipe:
            pipe.zrem(REPORT_TIMES, name)
            pipe.hdel(REPORTS, name)
            pipe.execute()

    def heard(self) -> list[Heard]:
        """List the processes that were heard of lately, by kind and name; also those that have been silent since."""
        with reachable():
            now = server_time(self._client)
            with self._client.pipeline(transaction=True) as pipe:
                pipe.zrange(REPORT_TIMES, 0, -1, withscores=True)
                pipe.hgetall(REPORTS)
                pipe.get(REPORT_GAP)
                times, texts, gap = pipe.execute()
        return list(_read(dict(times), texts, now, float(gap or 0)))


def _read(times: Mapping[str, float], texts: Mapping[str, str], now: float, gap: float) -> "list[Heard]":
    found = []
    for name in sorted(times):
        try:
            values = json.loads(texts[name])
            report = ProcessReport(**{key: value for key, value in values.items() if key in _FIELDS})
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            continue  # of another program
        found.append(Heard(report, max(0.0, now - times[name]), max(0.0, now - max(times[name], gap))))
    return found
