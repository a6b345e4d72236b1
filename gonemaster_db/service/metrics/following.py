"""Adds finished runs to the metrics, in steps and outside the transactions that store the runs.

Each run is counted once: in a step, or in the transaction that deletes it before that. Runs that are not counted yet,
usually those of a few seconds, are added when the metrics are read.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, false, func, or_, select
from sqlalchemy.orm import Session

from gonemaster_db.core.chunks import chunks
from gonemaster_db.core.upsert import insert
from gonemaster_db.models import Batch, MetricFollower, Run
from gonemaster_db.runs.run_keys import Hole, Progress
from gonemaster_db.service.metrics.aggregation import (
    FinishedRun,
    JobTally,
    batches_document,
    domains_document,
    tally_of,
)
from gonemaster_db.service.metrics.counting import add_counts
from gonemaster_db.service.metrics.slots import add_to_slots

STEP = 5000
_NAME = "runs"
_RANGES = 100
_COLUMNS = tuple(getattr(Run, name) for name in FinishedRun._fields)


def follow_runs(session: Session, *, now: datetime, limit: int = STEP) -> int:
    """Count up to `limit` new runs; return their number, which is 0 if another process holds the lock."""
    follower = _locked(session, now=now, waiting=False)
    return 0 if follower is None else _follow(session, follower, now=now, limit=limit)


def _follow(session: Session, follower: MetricFollower, *, now: datetime, limit: int) -> int:
    progress = _progress_of(follower)
    runs = _new_runs(session, progress, limit=limit)
    tally = tally_of(follower.domains, follower.batches)
    tally.add(runs, _batches_of(session, runs), now_s=now.timestamp())
    _store(session, follower, tally, progress.after([run.key for run in runs], now=now.timestamp()), now=now)
    return len(runs)


def read_tally(session: Session, *, now: datetime, limit: int = STEP) -> JobTally:
    """Return the current domains and batches, with the counts and slots of the runs that are not in the counters yet.

    Read it in the same database snapshot as the counters and slots that it is added to. While the runs of a store are
    counted for the first time, only the next `limit` runs are added, so numbers grow step by step.
    """
    follower = session.get(MetricFollower, _NAME)
    progress = Progress(0) if follower is None else _progress_of(follower)
    tally = tally_of({}, {}) if follower is None else tally_of(follower.domains, follower.batches)
    runs = _new_runs(session, progress, limit=limit)
    tally.add(runs, _batches_of(session, runs), now_s=now.timestamp())
    return tally


def count_before_deletion(session: Session, chosen: ColumnElement[bool], *, now: datetime) -> None:
    """Count the selected runs that are not counted yet, before this transaction deletes them."""
    # Usually all runs are counted, and no transaction has to wait for the lock.
    if not _has_uncounted(session, chosen):
        return
    follower = _locked(session, now=now, waiting=True)
    if follower is None:
        return
    progress = _progress_of(follower)
    query = select(*_COLUMNS).where(chosen, _uncounted(progress)).order_by(Run.key)
    tally = tally_of(follower.domains, follower.batches)
    for rows in session.execute(query).partitions(STEP):
        runs = [FinishedRun(*row) for row in rows]
        tally.add(runs, _batches_of(session, runs), now_s=now.timestamp())
    _store(session, follower, tally, progress, now=now)


def follow_deletion(session: Session) -> None:
    """Reset the progress after a deletion on SQLite, which reuses the keys above the greatest remaining one."""
    if session.get_bind().dialect.name != "sqlite":
        return
    follower = session.get(MetricFollower, _NAME)
    newest = session.scalar(select(func.max(Run.key))) or 0
    if follower is not None and follower.seen > newest:
        follower.seen, follower.holes = newest, []
        session.flush()


def _locked(session: Session, *, now: datetime, waiting: bool) -> MetricFollower | None:
    """Lock and return the progress; return None if another transaction holds the lock and `waiting` is False."""
    query = select(MetricFollower).where(MetricFollower.name == _NAME)
    fresh = {"populate_existing": True}
    found = session.scalar(query.with_for_update(skip_locked=not waiting), execution_options=fresh)
    if found is None:
        empty = {"name": _NAME, "seen": 0, "holes": [], "domains": {}, "batches": {}, "updated_at": now}
        inserted = insert(session, MetricFollower).values(empty).on_conflict_do_nothing().returning(MetricFollower.name)
        if session.execute(inserted).first() is not None or waiting:
            found = session.scalar(query.with_for_update(), execution_options=fresh)
    return found


def _progress_of(follower: MetricFollower) -> Progress:
    return Progress(follower.seen, tuple(Hole(*hole) for hole in follower.holes))


def _store(session: Session, follower: MetricFollower, tally: JobTally, progress: Progress, *, now: datetime) -> None:
    holes = [list(hole) for hole in progress.holes]
    if tally.counts or tally.slots or progress.seen != follower.seen:
        follower.domains, follower.batches = domains_document(tally), batches_document(tally)
        follower.seen, follower.updated_at = progress.seen, now
    if holes != follower.holes:
        follower.holes = holes
    session.flush()
    add_counts(session, tally.counts)
    add_to_slots(session, tally.slots)


def _new_runs(session: Session, progress: Progress, *, limit: int) -> list[FinishedRun]:
    rows: list[Any] = []
    for holes in chunks(progress.holes, _RANGES):
        rows += session.execute(_chosen(or_(*_ranges(holes))))
    rows += session.execute(_chosen(Run.key > progress.seen).order_by(Run.key).limit(limit))
    return sorted(FinishedRun(*row) for row in rows)


def _chosen(condition: ColumnElement[bool]) -> Select[Any]:
    return select(*_COLUMNS).where(condition)


def _ranges(holes: Sequence[Hole]) -> list[ColumnElement[bool]]:
    return [Run.key.between(hole.first, hole.last) for hole in holes]


def _uncounted(progress: Progress) -> ColumnElement[bool]:
    return or_(Run.key > progress.seen, *_ranges(progress.holes)) if progress.holes else Run.key > progress.seen


def _has_uncounted(session: Session, chosen: ColumnElement[bool]) -> bool:
    follower = session.get(MetricFollower, _NAME, populate_existing=True)
    condition = _uncounted(Progress(0) if follower is None else _progress_of(follower))
    return session.scalar(select(Run.key).where(chosen, condition).limit(1)) is not None


def _batches_of(session: Session, runs: Sequence[FinishedRun]) -> dict[int, tuple[str, int]]:
    """Return ID and number of jobs of the batches of runs, by batch key."""
    keys = {run.batch_key for run in runs if run.batch_key is not None}
    if not keys:
        return {}
    query = select(Batch.key, Batch.id, Batch.domain_count).where(Batch.key.in_(keys) if keys else false())
    return {key: (batch_id, size) for key, batch_id, size in session.execute(query)}
