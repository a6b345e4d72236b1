"""The search for batches with runs that cohorts have not seen; its state saves work between two rounds."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from gonemaster_db.analysis.membership import covers
from gonemaster_db.analysis.projections import UnseenBatch, find_waiting
from gonemaster_db.analysis.rebuilding import finish_materialisation, pending_cohorts
from gonemaster_db.core.session import Store
from gonemaster_tasks.maintenance.projection.outline import Outlines

log = logging.getLogger(__name__)

_RECENT = timedelta(days=7)
_FULL_CHECK_INTERVAL = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class FoundBatches:
    """Batches with waiting runs, and the generations of the cohorts that are being built."""

    batches: Sequence[UnseenBatch]
    pending: Mapping[int, int]
    began: datetime
    is_full: bool


class BatchSearch:
    """When old batches were last checked, which batches had no new runs, and outlines of runs by minimum level."""

    def __init__(self) -> None:
        self._full_check_at: datetime | None = None
        # (cohort, generation, batch) to the number of succeeded runs that it ever had
        self._unchanged: dict[tuple[int, int, int], int] = {}
        self._outlines: dict[str, Outlines] = {}

    def find(self, store: Store, *, floor: str, now: datetime) -> FoundBatches:
        """Find batches, old ones only every ten minutes or if a cohort is being built."""
        with store.read_only() as session:
            pending = pending_cohorts(session)
            is_due = self._full_check_at is None or now - self._full_check_at >= _FULL_CHECK_INTERVAL
            is_full = bool(pending) or is_due
            found = find_waiting(session, floor=floor, created_since=None if is_full else now - _RECENT)
        return FoundBatches(found, pending, now, is_full)

    def is_due(self, store: Store, waiting: UnseenBatch, coverage: int) -> bool:
        """Return whether a batch has new runs since the last round, and becomes a snapshot of the cohort."""
        if self._unchanged.get(_about(waiting)) == waiting.arrived:
            return False
        if not _belongs(store, waiting, coverage):
            self.mark_unchanged(waiting)
            return False
        return True

    def mark_unchanged(self, waiting: UnseenBatch) -> None:
        """Skip a batch until it has further runs."""
        self._unchanged[_about(waiting)] = waiting.arrived

    def outlines_of(self, waiting: UnseenBatch) -> Outlines:
        """Return the outlines for the minimum level of a snapshot."""
        return self._outlines.setdefault(waiting.floor, Outlines(waiting.floor))

    def mark_complete(self, found: FoundBatches) -> None:
        """Record that all batches of a round have been worked on."""
        if found.is_full:
            self._full_check_at = found.began


def finish_cohort(store: Store, cohort_id: int, generation: int, now: datetime) -> None:
    """Record that the facts of a cohort are complete."""

    def finish(session: Session) -> bool:
        return finish_materialisation(session, cohort_id, generation=generation, now=now)

    if store.run_in_transaction(finish):
        log.info("the facts of a cohort are complete", extra={"cohort_id": cohort_id})


def _belongs(store: Store, waiting: UnseenBatch, coverage: int) -> bool:
    if waiting.is_tagged or waiting.snapshot_id is not None:
        return True
    least = coverage if waiting.coverage is None else waiting.coverage
    with store.read_only() as session:
        return covers(session, waiting.batch_key, waiting.tag, percent=least)


def _about(waiting: UnseenBatch) -> tuple[int, int, int]:
    return waiting.cohort_id, waiting.generation, waiting.batch_key
