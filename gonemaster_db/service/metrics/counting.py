"""Monotonic counters, to which processes and transactions add."""

from collections import Counter
from collections.abc import Mapping
from typing import Any, NamedTuple

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from gonemaster_db.core.upsert import insert_into
from gonemaster_db.models import MetricCounter, RunCounter, RunStatus
from gonemaster_db.runs.models.counters import ALL_RUNS

MAX_LABEL = 255
OTHERS = "_other"
STARTED = "jobs_started"
PURGED = "jobs_purged"  # runs deleted by age or tag
SCHEDULED = "scheduled_runs"  # by outcome
QUERIES = "dns_queries"  # by address family
WAITS = "dns_waits"  # packets that waited for the rate limit of their address
WAITED_MS = "dns_waited_ms"  # total waiting time
LOOKUPS = "dns_cache"  # hit, miss, eviction
RUNS_REMOVED = "runs_removed"  # Deleted runs by status, so that finished jobs stay counted.
_UPSERT_ALL = text(
    "INSERT INTO metric_counters (name, label, value)"
    " SELECT * FROM unnest(CAST(:names AS varchar[]), CAST(:labels AS varchar[]), CAST(:amounts AS bigint[]))"
    " ON CONFLICT (name, label) DO UPDATE SET value = metric_counters.value + excluded.value"
)


class Count(NamedTuple):
    """The name and label of a counter."""

    name: str
    label: str = ""


Counts = Mapping[Count, int]


def add_counts(session: Session, counts: Counts) -> None:
    """Add to counters, sorted by name so that two transactions cannot deadlock."""
    rows = sorted((name, label[:MAX_LABEL], number) for (name, label), number in counts.items() if number)
    if not rows:
        return
    connection = session.connection()
    if connection.dialect.name == "postgresql":
        names, labels, amounts = (list(column) for column in zip(*_merged(rows), strict=True))
        connection.execute(_UPSERT_ALL, {"names": names, "labels": labels, "amounts": amounts})
        return
    statement: Any = insert_into("sqlite", MetricCounter)
    value = MetricCounter.value + statement.excluded.value
    statement = statement.on_conflict_do_update(index_elements=["name", "label"], set_={"value": value})
    connection.execute(statement, [dict(zip(("name", "label", "value"), row, strict=True)) for row in rows])


def _merged(rows: list[tuple[str, str, int]]) -> list[tuple[str, str, int]]:
    """Merge rows with equal truncated labels, because one statement can change a row only once."""
    sums: Counter[tuple[str, str]] = Counter()
    for name, label, number in rows:
        sums[name, label] += number
    return [(name, label, number) for (name, label), number in sums.items()]


def read_counts(session: Session) -> Counter[Count]:
    """Read all counters; counters that were never incremented are missing."""
    rows = session.execute(select(MetricCounter.name, MetricCounter.label, MetricCounter.value))
    return Counter({Count(name, label): value for name, label, value in rows})


def labels_of(counts: Counts, name: str) -> dict[str, int]:
    """Return the counters of a name by label."""
    return {count.label: number for count, number in counts.items() if count.name == name}


def count_removed_runs(session: Session, changes: Mapping[RunStatus, int]) -> None:
    """Keep the number of finished jobs when runs are deleted; `changes` are changes of the stored runs by status."""
    add_counts(session, {Count(RUNS_REMOVED, status): -number for status, number in changes.items() if number < 0})


def read_stored(session: Session) -> dict[RunStatus, int]:
    """Return the number of stored runs by status."""
    query = select(RunCounter.status, RunCounter.runs).where(RunCounter.batch_key == ALL_RUNS)
    stored = dict.fromkeys(RunStatus, 0)
    for status, number in session.execute(query):
        stored[RunStatus(status)] += number
    return stored


def ended_jobs(stored: Mapping[RunStatus, int], counts: Counts) -> dict[RunStatus, int]:
    """Return the number of jobs that have ever finished, by status, including those whose runs are no longer stored.

    Both arguments must come from the same database snapshot; otherwise a deletion in between would be counted in only
    one of them.
    """
    return {status: stored[status] + counts.get(Count(RUNS_REMOVED, status), 0) for status in RunStatus}
