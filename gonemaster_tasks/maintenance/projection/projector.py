"""The projector, which finds waiting runs and stores their facts in bulk; several may work at the same time."""

import logging
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial

from sqlalchemy.orm import Session

from gonemaster_db.analysis.capture import COVERAGE
from gonemaster_db.analysis.projections import (
    CohortChanged,
    Projected,
    UnseenBatch,
    record_seen,
    store_projections,
    waiting_runs,
)
from gonemaster_db.analysis.rebuilding import add_progress, note_error
from gonemaster_db.core.chunks import chunks
from gonemaster_db.core.errors import ReferenceGone
from gonemaster_db.core.session import Store
from gonemaster_db.models import FactStorage
from gonemaster_tasks.maintenance.projection.outline import Outlines
from gonemaster_tasks.maintenance.projection.reading import read_runs
from gonemaster_tasks.maintenance.projection.search import BatchSearch, finish_cohort

log = logging.getLogger(__name__)

RUNS_AT_A_TIME = 300
_FOUND_AT_A_TIME = 3000
_NO_LOCATION = "snapshots of this cohort have their facts in files: set analytics.location to the place of the files"


class Projector:
    """The projector of snapshots in rows of one process; it skips batches without new runs since the last round."""

    def __init__(self) -> None:
        self._search = BatchSearch()

    def project(
        self,
        store: Store,
        *,
        floor: str,
        now: Callable[[], datetime],
        stopped: Callable[[], bool] = lambda: False,
        coverage: int = COVERAGE,
        storage: FactStorage = FactStorage.ROWS,
    ) -> int:
        """Project all waiting runs, or until `stopped`; return their number.

        A batch without tags becomes a snapshot of each cohort if it tests at least `coverage` percent of the members.
        `storage` is that of new snapshots. Snapshots in columns are left to `ColumnProjector`; if it does not work,
        because new snapshots are in rows, their runs wait.
        """
        found = self._search.find(store, floor=floor, now=now())
        in_rows = [waiting for waiting in found.batches if (waiting.storage or storage) is FactStorage.ROWS]
        projected = 0
        for waiting in in_rows:
            if stopped():
                return projected
            if self._search.is_due(store, waiting, coverage):
                projected += self._project(store, waiting, now, stopped)
        self._search.mark_complete(found)
        in_columns = {waiting.cohort_id for waiting in found.batches if waiting not in in_rows}
        if storage is FactStorage.ROWS:
            _refuse(store, in_columns)
        for cohort_id, generation in found.pending.items():
            if cohort_id not in in_columns:
                finish_cohort(store, cohort_id, generation, now())
        return projected

    def _project(
        self, store: Store, waiting: UnseenBatch, now: Callable[[], datetime], stopped: Callable[[], bool]
    ) -> int:
        work = _BatchProjection(store, waiting, self._search.outlines_of(waiting), now, stopped)
        try:
            projected = work.run()
        # Cleared, rebuilt or deleted in the meantime: the next round finds the remaining runs.
        except (CohortChanged, ReferenceGone):
            log.info("projection dropped, its cohort or batch has changed", extra={"batch_key": waiting.batch_key})
            return 0
        if not stopped() and work.snapshot_id is None:
            self._search.mark_unchanged(waiting)
        return projected


def _refuse(store: Store, cohort_ids: Collection[int]) -> None:
    for cohort_id in cohort_ids:
        log.error("facts not written", extra={"cohort_id": cohort_id, "error": _NO_LOCATION})
        store.run_in_transaction(partial(note_error, cohort_id=cohort_id, text=_NO_LOCATION))


class _BatchProjection:
    """The runs of one batch that wait for one cohort."""

    def __init__(
        self,
        store: Store,
        waiting: UnseenBatch,
        outlines: Outlines,
        now: Callable[[], datetime],
        stopped: Callable[[], bool],
    ) -> None:
        self._store, self._waiting, self._outlines, self._now, self._stopped = store, waiting, outlines, now, stopped
        self.snapshot_id = waiting.snapshot_id

    def run(self) -> int:
        """Project the runs; return their number."""
        projected = 0
        while True:
            with self._store.read_only() as session:
                keys = waiting_runs(session, self._current_batch(), limit=_FOUND_AT_A_TIME)
            for chunk in chunks(keys, RUNS_AT_A_TIME):
                if self._stopped():
                    return projected
                projected += self._project(chunk)
            if len(keys) < _FOUND_AT_A_TIME:
                break
        if (snapshot_id := self.snapshot_id) is not None:
            self._store.run_in_transaction(lambda session: record_seen(session, self._waiting, snapshot_id))
        return projected

    def _current_batch(self) -> UnseenBatch:
        return replace(self._waiting, snapshot_id=self.snapshot_id)

    def _project(self, keys: Sequence[int]) -> int:
        with self._store.read_only() as session:
            runs = read_runs(session, keys)
        results = list(runs.project(self._outlines))
        self.snapshot_id = self._store.run_in_transaction(lambda session: self._write(session, results))
        self._store.run_in_transaction(lambda session: self._count(session, len(results)))
        return len(results)

    def _count(self, session: Session, runs: int) -> None:
        waiting = self._waiting
        add_progress(session, waiting.cohort_id, generation=waiting.generation, runs=runs)

    def _write(self, session: Session, results: Sequence[Projected]) -> int:
        return store_projections(session, self._waiting, results, now=self._now())
