"""Maintenance tasks of the analysis: project waiting runs, capture complete snapshots, remove unused views.

A lock in Redis lets one worker at a time perform each task. It only saves work: the database resolves conflicts.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from time import monotonic

from sqlalchemy.orm import Session

from gonemaster_db.analysis.capture import COVERAGE, Capture, materialise
from gonemaster_db.analysis.column_views.capture import FileStorage
from gonemaster_db.analysis.discarding import discarded_snapshots, remove_discarded_step
from gonemaster_db.analysis.projection.limits import MAX_DATABASE_DOMAINS
from gonemaster_db.analysis.projections import due_captures
from gonemaster_db.analysis.views.views import remove_view_step, views_to_remove
from gonemaster_db.core.purging import Step, purge_in_steps
from gonemaster_db.core.session import Store
from gonemaster_db.models import FactStorage
from gonemaster_engine.scoring.config import ScoringConfig
from gonemaster_engine.scoring.rule import RULE_VERSION
from gonemaster_tasks.broker.client import Broker
from gonemaster_tasks.control.comparisons import prepare_comparisons
from gonemaster_tasks.maintenance.exclusive import exclusive
from gonemaster_tasks.maintenance.files import delete_files_of_snapshot, delete_files_of_view
from gonemaster_tasks.maintenance.projection.columns import ColumnProjector, ColumnSettings
from gonemaster_tasks.maintenance.projection.projector import Projector
from gonemaster_tasks.maintenance.work_pace import WorkPace

log = logging.getLogger(__name__)

_MAX_REST_S = 0.1
_ROWS_AT_A_TIME = 5000
Clock = Callable[[], datetime]
Stopped = Callable[[], bool]


@dataclass(slots=True)
class Projectors:
    """The projectors of one process, which remember what they found in earlier rounds."""

    rows: Projector = field(default_factory=Projector)
    columns: ColumnProjector = field(default_factory=ColumnProjector)


def project_due(
    store: Store,
    broker: Broker,
    projectors: Projectors,
    columns: ColumnSettings | None,
    *,
    floor: str,
    now: Clock,
    stopped: Stopped = lambda: False,
    coverage: int = COVERAGE,
) -> int:
    """Project the waiting runs; return their number. `columns` is None without `analytics.location`.

    One worker at a time projects into rows; several write files, each the runs that it has claimed.
    """
    storage, start, projected = FactStorage.ROWS if columns is None else FactStorage.COLUMNS, monotonic(), 0
    with exclusive(broker, "projection") as renew_lock:
        if renew_lock is not None:
            projected += projectors.rows.project(
                store,
                floor=floor,
                now=now,
                stopped=lambda: stopped() or not renew_lock(),
                coverage=coverage,
                storage=storage,
            )
    if columns is not None:
        projected += projectors.columns.project(
            store, columns, floor=floor, now=now, stopped=stopped, coverage=coverage
        )
    if projected:
        log.info("runs projected", extra={"runs": projected, "seconds": round(monotonic() - start, 2)})
    return projected


def capture_due(
    store: Store,
    broker: Broker,
    *,
    scoring: ScoringConfig,
    now: Clock,
    stopped: Stopped = lambda: False,
    coverage: int = COVERAGE,
    max_domains: int = MAX_DATABASE_DOMAINS,
    files: FileStorage | None = None,
) -> int:
    """Capture complete snapshots, unless another worker does so; return their number.

    Each snapshot is also compared with its neighbors, so that the first reader of a report does not wait for that.
    `files` is where snapshots in files have theirs.
    """
    captured = 0
    with exclusive(broker, "capture") as renew_lock:
        if renew_lock is None:
            return 0
        with store.read_only() as session:
            due = due_captures(session)
        for snapshot_id in due:
            if stopped():
                break
            pace = WorkPace(lambda: not stopped() and renew_lock(), share=0.5, longest_s=_MAX_REST_S)
            outcome = materialise(
                store,
                snapshot_id,
                now=now,
                scoring_config_hash=scoring.fingerprint,
                score_rule=RULE_VERSION,
                coverage=coverage,
                max_domains=max_domains,
                step=pace.rest,
                files=files,
            )
            if outcome is Capture.CAPTURED:
                captured += 1
                prepare_comparisons(store, snapshot_id, scoring, step=pace.rest)
            about = {"snapshot_id": snapshot_id, "outcome": outcome.value, "seconds": round(pace.lasted_s(), 2)}
            log.info("snapshot capture finished", extra=about)
    return captured


def remove_discarded(store: Store, *, now: Clock, stopped: Stopped = lambda: False, place: str = "") -> int:
    """Remove views without readers and discarded snapshots, a few rows at a time; return their number.

    `place` is the location of their files (`analytics.location`).
    """
    with store.read_only() as session:
        views, snapshots = views_to_remove(session, now=now()), discarded_snapshots(session)
    for view_id in views:
        delete_files_of_view(store, place, view_id, stopped=stopped)
    for snapshot_id in snapshots:
        delete_files_of_snapshot(store, place, snapshot_id, stopped=stopped)
    steps: list[Step] = [
        *(partial(_remove_view, view_id, now) for view_id in views),
        *(partial(_remove_snapshot, snapshot_id) for snapshot_id in snapshots),
    ]
    for step in steps:
        for _ in purge_in_steps(store, step, stopped=stopped, max_step=_ROWS_AT_A_TIME):
            pass
    return len(steps)


def _remove_view(view_id: int, now: Clock, session: Session, size: int) -> int:
    return remove_view_step(session, view_id, now=now(), limit=size)


def _remove_snapshot(snapshot_id: int, session: Session, size: int) -> int:
    return remove_discarded_step(session, snapshot_id, size)
