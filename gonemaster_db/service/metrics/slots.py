"""Sums for each minute of six hours, each five minutes of two days and each hour of a month."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from functools import cache

from sqlalchemy import Executable, delete, func, select
from sqlalchemy.orm import Session

from gonemaster_db.core.upsert import insert_into
from gonemaster_db.models import MetricLatencies, MetricSlot

KEPT_S = {60: 6 * 3600, 300: 48 * 3600, 3600: 31 * 86_400}  # retention in seconds by slot length in seconds
_MARGIN = 2  # additional slots: one is in progress, and clocks differ


@dataclass(slots=True)
class SlotSums:
    """Values to add to a slot, named like the columns; `queue_depth` replaces the stored value."""

    throughput: int = 0
    failed: int = 0
    queue_depth: int | None = None
    dns_queries_ipv4: int = 0
    dns_queries_ipv6: int = 0
    cache_hits: int = 0
    cache_misses: int = 0
    sev_notice: int = 0
    sev_warning: int = 0
    sev_error: int = 0
    sev_critical: int = 0

    def add(self, other: "SlotSums") -> None:
        """Add the values of another instance."""
        for name in SUMS:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        if other.queue_depth is not None:
            self.queue_depth = other.queue_depth


SUMS = tuple(item.name for item in fields(SlotSums) if item.name != "queue_depth")
_COLUMNS = tuple(item.name for item in fields(SlotSums))
SlotKey = tuple[int, int]
"""Length in seconds and start in POSIX seconds."""


def slots_at(moment_s: float) -> list[SlotKey]:
    """Return the slots that contain a time, one of each length."""
    return [(length, int(moment_s) // length * length) for length in KEPT_S]


def is_kept(slot: SlotKey, now_s: float) -> bool:
    """Return whether a slot is shown: neither too old nor further in the future than clocks may differ."""
    length, start = slot
    return now_s - KEPT_S[length] - _MARGIN * length < start <= now_s + _MARGIN * length


def add_to_slots(session: Session, sums: Mapping[SlotKey, SlotSums]) -> None:
    """Add to slots, sorted by key so that two transactions cannot deadlock."""
    if not sums:
        return
    rows = [{"resolution": length, "start": start} | asdict(added) for (length, start), added in sorted(sums.items())]
    session.connection().execute(_addition(session.get_bind().dialect.name), rows)


# Built once, because each process adds every second, and the objects that SQLAlchemy builds for a statement are
# reference cycles that only the garbage collector frees.
@cache
def _addition(dialect: str) -> Executable:
    statement = insert_into(dialect, MetricSlot)
    new = statement.excluded
    changes = {name: getattr(MetricSlot, name) + new[name] for name in SUMS}
    changes["queue_depth"] = func.coalesce(new.queue_depth, MetricSlot.queue_depth)
    return statement.on_conflict_do_update(index_elements=["resolution", "start"], set_=changes)


def read_slots(session: Session, *, since: Mapping[int, int]) -> dict[SlotKey, SlotSums]:
    """Read the slots of each length from a start time, at most as many as are shown."""
    columns = [getattr(MetricSlot, name) for name in _COLUMNS]
    found = {}
    for length, start in since.items():
        query = select(MetricSlot.start, *columns).where(MetricSlot.resolution == length, MetricSlot.start >= start)
        query = query.order_by(MetricSlot.start).limit(_max_slots(length))
        for row in session.execute(query):
            found[length, row[0]] = SlotSums(*row[1:])
    return found


def _max_slots(length: int) -> int:
    return KEPT_S[length] // length + 2 * _MARGIN


def write_latencies(session: Session, source: str, routes: Mapping[SlotKey, Mapping[str, Sequence[int]]]) -> None:
    """Store the latency histograms of one process by slot; newer numbers replace older ones."""
    if not routes:
        return
    rows = [
        {"resolution": length, "start": start, "source": source, "routes": {name: list(n) for name, n in found.items()}}
        for (length, start), found in sorted(routes.items())
    ]
    session.connection().execute(_replacement(session.get_bind().dialect.name), rows)


@cache
def _replacement(dialect: str) -> Executable:
    statement = insert_into(dialect, MetricLatencies)
    changed = {"routes": statement.excluded.routes}
    return statement.on_conflict_do_update(index_elements=["resolution", "start", "source"], set_=changed)


def read_latencies(session: Session, *, since: Mapping[int, int]) -> dict[SlotKey, dict[str, list[int]]]:
    """Read the latency histograms of all processes, by slot and `METHOD route`."""
    found: dict[SlotKey, dict[str, list[int]]] = {}
    for length, start in since.items():
        query = select(MetricLatencies.start, MetricLatencies.routes)
        query = query.where(MetricLatencies.resolution == length, MetricLatencies.start >= start)
        for at, routes in session.execute(query):
            _merge(found.setdefault((length, at), {}), routes.items())
    return found


def _merge(into: dict[str, list[int]], routes: Iterable[tuple[str, list[int]]]) -> None:
    for name, numbers in routes:
        known = into.get(name)
        into[name] = list(numbers) if known is None else [a + b for a, b in zip(known, numbers, strict=True)]


def remove_old_slots(session: Session, *, now_s: float) -> None:
    """Delete the slots that are no longer shown."""
    for length, kept_s in KEPT_S.items():
        oldest = now_s - kept_s - (_MARGIN + 1) * length
        for model in (MetricSlot, MetricLatencies):
            old = delete(model).where(model.resolution == length, model.start < int(oldest))
            session.execute(old, execution_options={"synchronize_session": False})
