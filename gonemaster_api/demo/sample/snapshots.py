"""Snapshots of demonstration data. A running service captures missing snapshots automatically."""

from gonemaster_db.analysis.capture import Capture, materialise
from gonemaster_db.analysis.projections import due_captures
from gonemaster_db.core.clock import utcnow
from gonemaster_db.core.session import Store
from gonemaster_tasks.maintenance.projection.projector import Projector


def capture_all(store: Store, *, floor: str, scoring_config_hash: str) -> int:
    """Project all pending runs, capture all complete snapshots, and return the number of captured snapshots."""
    Projector().project(store, floor=floor, now=utcnow)
    with store.read_only() as session:
        due = due_captures(session)
    outcomes = [materialise(store, one, now=utcnow, scoring_config_hash=scoring_config_hash) for one in due]
    return outcomes.count(Capture.CAPTURED)
