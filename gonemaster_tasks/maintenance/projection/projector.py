"""The projector, which finds waiting runs and stores their facts in bulk; several may work at the same time."""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from gonemaster_db.analysis.capture import COVERAGE
from gonemaster_db.analysis.membership import covers
from gonemaster_db.analysis.projections import (
    CohortChanged,
    Projected,
    RunRow,
    UnseenBatch,
    find_waiting,
    read_run_rows,
    record_seen,
    store_projections,
    waiting_runs,
)
from gonemaster_db.analysis.rebuilding import add_progress, finish_materialisation, pending_cohorts
from gonemaster_db.core.chunks import chunks
from gonemaster_db.core.errors import DocumentDamaged, ReferenceGone
from gonemaster_db.core.session import Store
from gonemaster_db.runs.documents.caches import EntryType
from gonemaster_db.runs.run_documents import StoredRun, kinds_of, read_stored_runs
from gonemaster_tasks.maintenance.projection.extraction import facts_of
from gonemaster_tasks.maintenance.projection.outline import Outlines

log = logging.getLogger(__name__)

RUNS_AT_A_TIME = 300
_FOUND_AT_A_TIME = 3000
_RECENT = timedelta(days=7)
_FULL_CHECK_INTERVAL = timedelta(minutes=10)


class Projector:
    """The state of a process between rounds: when it last checked old batches, and which batches had no new runs."""

    def __init__(self) -> None:
        self._full_check_at: datetime | None = None
        # (cohort, generation, batch) to the number of succeeded runs that it ever had
        self._unchanged: dict[tuple[int, int, int], int] = {}
        self._outlines: dict[str, Outlines] = {}

    def project(
        self,
        store: Store,
        *,
        floor: str,
        now: Callable[[], datetime],
        stopped: Callable[[], bool] = lambda: False,
        coverage: int = COVERAGE,
    ) -> int:
        """Project all waiting runs, or until `stopped`; return their number.

        A batch without tags becomes a snapshot of each cohort if it tests at least `coverage` percent of the members.
        """
        began = now()
        with store.read_only() as session:
            pending = pending_cohorts(session)
            is_full = bool(pending) or self._is_full_check_due(began)
            found = find_waiting(session, floor=floor, created_since=None if is_full else began - _RECENT)
        projected = 0
        for waiting in found:
            if stopped():
                return projected
            if self._unchanged.get(_about(waiting)) == waiting.arrived:
                continue
            if not _belongs(store, waiting, coverage):
                self._unchanged[_about(waiting)] = waiting.arrived
            else:
                projected += self._project(store, waiting, now, stopped)
        if is_full:
            self._full_check_at = began
        for cohort_id, generation in pending.items():
            _finish(store, cohort_id, generation, now())
        return projected

    def _is_full_check_due(self, now: datetime) -> bool:
        return self._full_check_at is None or now - self._full_check_at >= _FULL_CHECK_INTERVAL

    def _project(
        self, store: Store, waiting: UnseenBatch, now: Callable[[], datetime], stopped: Callable[[], bool]
    ) -> int:
        outlines = self._outlines.setdefault(waiting.floor, Outlines(waiting.floor))
        work = _BatchProjection(store, waiting, outlines, now, stopped)
        try:
            projected = work.run()
        # Cleared, rebuilt or deleted in the meantime: the next round finds the remaining runs.
        except (CohortChanged, ReferenceGone):
            log.info("projection dropped, its cohort or batch has changed", extra={"batch_key": waiting.batch_key})
            return 0
        if not stopped() and work.snapshot_id is None:
            self._unchanged[_about(waiting)] = waiting.arrived
        return projected


def _finish(store: Store, cohort_id: int, generation: int, now: datetime) -> None:
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
            rows = read_run_rows(session, keys)
            stored = read_stored_runs(session, [row.id for row in rows])
            kinds = kinds_of(session, stored.values())
        results = list(_results(rows, stored, kinds, self._outlines))
        self.snapshot_id = self._store.run_in_transaction(lambda session: self._write(session, results))
        self._store.run_in_transaction(lambda session: self._count(session, len(results)))
        return len(results)

    def _count(self, session: Session, runs: int) -> None:
        waiting = self._waiting
        add_progress(session, waiting.cohort_id, generation=waiting.generation, runs=runs)

    def _write(self, session: Session, results: Sequence[Projected]) -> int:
        return store_projections(session, self._waiting, results, now=self._now())


def _results(
    rows: Iterable[RunRow], stored: Mapping[str, StoredRun], kinds: Mapping[int, EntryType], outlines: Outlines
) -> Iterable[Projected]:
    """Extract the facts of runs; a run with a damaged document is marked as failed and does not stop the others."""
    for row in rows:
        if row.id not in stored:  # deleted in the meantime
            continue
        try:
            yield Projected(row.key, facts_of(row, stored[row.id], kinds, outlines))
        except DocumentDamaged as error:
            log.error("run not projected", extra={"job_id": row.id, "error": str(error)})
            yield Projected(row.key, None, str(error)[:1000])
