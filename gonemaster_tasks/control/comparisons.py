"""Comparisons of snapshots: read if they are stored, otherwise computed and stored."""

import logging
import threading
from collections.abc import Callable
from datetime import timedelta

from sqlalchemy.orm import Session

from gonemaster_db.analysis.comparison import Cost
from gonemaster_db.analysis.comparisons import (
    StoredComparison,
    basis_of,
    build_comparison,
    find_comparison,
    store_comparison,
)
from gonemaster_db.analysis.public_snapshots import PublicSnapshot, find_adjacent_pairs
from gonemaster_db.analysis.tag_changes import read_rules
from gonemaster_db.core.clock import utcnow
from gonemaster_db.core.connection.deadlines import check_deadline, on_yield
from gonemaster_db.core.errors import StoreError
from gonemaster_db.core.session import Store
from gonemaster_db.models import SnapshotComparison
from gonemaster_engine.entries import Level
from gonemaster_engine.scoring.config import ScoringConfig
from gonemaster_engine.scoring.score import CAP_UNDER_CRITICAL

log = logging.getLogger(__name__)

_LIMIT = timedelta(minutes=10)
_CHECK_INTERVAL_S = 0.2  # Interval of the checks of the time limit.
# A comparison uses one core and several hundred megabytes, so a process computes one at a time.
_making = threading.Lock()


def read_comparison(
    store: Store, session: Session, before: PublicSnapshot, after: PublicSnapshot, config: ScoringConfig
) -> StoredComparison:
    """Return the comparison of two snapshots; compute it in this session if it is not stored.

    Raises:
        TimeLimitExceeded: the time limit of the session has passed.
    """
    basis = basis_of(before, after, config.fingerprint)
    found = find_comparison(session, before.view_id, after.view_id, basis=basis)
    if found is not None:
        return found
    while not _making.acquire(timeout=_CHECK_INTERVAL_S):
        check_deadline(session)
    try:
        # Another thread may have stored it in the meantime, which the snapshot of this session may not show.
        with store.read_only() as newer:
            found = find_comparison(newer, before.view_id, after.view_id, basis=basis)
        if found is not None:
            return found
        row = _make(session, before, after, config, basis)
        _store(store, row)
        return StoredComparison(row)
    finally:
        _making.release()


def prepare_comparisons(
    store: Store, snapshot_id: int, config: ScoringConfig, *, step: Callable[[], bool] = lambda: True
) -> int:
    """Compare a new snapshot with the previous and the next one in advance; return the number of comparisons.

    `step` is called at intervals and stops the work by returning False. Safe to repeat; missing comparisons are
    computed on request.
    """

    def between() -> None:
        if not step():
            raise _ComparisonStopped

    done = 0
    try:
        with store.read_only_within(_LIMIT) as session:
            on_yield(session, between)
            for before, after in find_adjacent_pairs(session, snapshot_id):
                read_comparison(store, session, before, after, config)
                done += 1
    except (_ComparisonStopped, StoreError) as error:
        log.info("comparison not prepared", extra={"snapshot_id": snapshot_id, "error": str(error)})
    return done


class _ComparisonStopped(Exception):
    """The caller stopped the computation."""


def cost_of(config: ScoringConfig) -> Cost:
    """Return the function that gives the score points an entry costs: its penalty times the weight of its category."""
    weights = sum(config.category_weights.values())

    def cost(module: str, tag: str, level: str) -> float:
        category = config.category_of(module)
        if category is None:
            return 0.0
        return config.penalty(tag, Level[level]) * config.category_weights[category] / weights

    return cost


def _make(
    session: Session, before: PublicSnapshot, after: PublicSnapshot, config: ScoringConfig, basis: str
) -> SnapshotComparison:
    return build_comparison(
        session,
        before.view_id,
        after.view_id,
        rules=read_rules(session, before, after),
        cost=cost_of(config),
        cap=CAP_UNDER_CRITICAL,
        basis=basis,
        now=utcnow(),
    )


def _store(store: Store, row: SnapshotComparison) -> None:
    """Store a computed comparison; a failure is only logged, because the caller has the result."""
    try:
        with store.transaction() as session:
            store_comparison(session, row)
    except StoreError as error:
        log.warning("comparison not stored", extra={"error": str(error)})
