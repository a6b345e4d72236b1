"""Snapshots of demonstration data, made at once; a service that runs makes what is missing by itself."""

from gonemaster_db.analysis.capture import Capture, materialise
from gonemaster_db.analysis.projections import due_captures
from gonemaster_db.core.clock import utcnow
from gonemaster_db.core.session import Store
from gonemaster_tasks.maintenance.projection.projector import Projector


def capture_all(store: Store, *, floor: str, scoring_config_hash: str) -> int:
    """Project all runs that wait and capture all snapshots that are complete; returns the number of those."""
    Projector().project(store, floor=floor, now=utcnow)
    with store.read_only() as session:
        due = due_captures(session)
    outcomes = [materialise(store, one, now=utcnow, scoring_config_hash=scoring_config_hash) for one in due]
    return outcomes.count(Capture.CAPTURED)
