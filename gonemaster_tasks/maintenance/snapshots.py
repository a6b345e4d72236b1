"""Maintenance tasks of the analysis: project waiting runs, capture complete snapshots, remove unused views.

A lock in Redis lets one worker at a time perform each task. It only saves work: the database resolves conflicts.
"""

import logging
from collections.abc import Callable
from datetime import datetime
from functools import partial
from time import monotonic

from sqlalchemy.orm import Session

from gonemaster_db.analysis.capture import COVERAGE, Capture, materialise
from gonemaster_db.analysis.discarding import discarded_snapshots, remove_discarded_step
from gonemaster_db.analysis.projections import due_captures
from gonemaster_db.analysis.views.views import remove_view_step, views_to_remove
from gonemaster_db.core.purging import Step, purge_in_steps
from gonemaster_db.core.session import Store
from gonemaster_engine.scoring.config import ScoringConfig
from gonemaster_engine.scoring.rule import RULE_VERSION
from gonemaster_tasks.broker.client import Broker
from gonemaster_tasks.control.comparisons import prepare_comparisons
from gonemaster_tasks.maintenance.exclusive import exclusive
from gonemaster_tasks.maintenance.projection.projector import Projector
from gonemaster_tasks.maintenance.work_pace import WorkPace

log = logging.getLogger(__name__)

_MAX_REST_S = 0.1
_ROWS_AT_A_TIME = 5000
Clock = Callable[[], datetime]
Stopped = Callable[[], bool]


def project_due(
    store: Store,
    broker: Broker,
    projector: Projector,
    *,
    floor: str,
    now: Clock,
    stopped: Stopped = lambda: False,
    coverage: int = COVERAGE,
) -> int:
    """Project the waiting runs, unless another worker does so; return their number."""
    with exclusive(broker, "projection") as renew_lock:
        if renew_lock is None:
            return 0
        start = monotonic()
        projected = projector.project(
            store, floor=floor, now=now, stopped=lambda: stopped() or not renew_lock(), coverage=coverage
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
) -> int:
    """Capture complete snapshots, unless another worker does so; return their number.

    Each snapshot is also compared with its neighbors, so that the first reader of a report does not wait for that.
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
                step=pace.rest,
            )
            if outcome is Capture.CAPTURED:
                captured += 1
                prepare_comparisons(store, snapshot_id, scoring, step=pace.rest)
            about = {"snapshot_id": snapshot_id, "outcome": outcome.value, "seconds": round(pace.lasted_s(), 2)}
            log.info("snapshot capture finished", extra=about)
    return captured


def remove_discarded(store: Store, *, now: Clock, stopped: Stopped = lambda: False) -> int:
    """Remove views without readers and discarded snapshots, a few rows at a time; return their number."""
    with store.read_only() as session:
        views, snapshots = views_to_remove(session, now=now()), discarded_snapshots(session)
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
