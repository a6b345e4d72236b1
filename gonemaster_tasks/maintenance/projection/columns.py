"""The projector of snapshots in columns: writes the facts of waiting runs to Parquet files, one file for 100,000 runs.

Several may work at the same time, each on its own range of runs (`columns.claims`). Nothing is pending between two
files: a file and the keys of its runs are recorded in one transaction, so a killed projector loses only its own file.
"""

import logging
import secrets
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy.orm import Session

from gonemaster_db.analysis.capture import COVERAGE
from gonemaster_db.analysis.columns.fact_files import folder_of, to_table, write_facts_file
from gonemaster_db.analysis.columns.location import LocationUnusable, location
from gonemaster_db.analysis.columns.schema import ColumnsMissing
from gonemaster_db.analysis.columns.writer import ROWS_PER_FILE
from gonemaster_db.analysis.projection import claims
from gonemaster_db.analysis.projection.claims import ClaimLost, FileClaim, FoundRuns, WrittenRuns
from gonemaster_db.analysis.projections import CohortChanged, Projected, UnseenBatch, record_seen
from gonemaster_db.analysis.rebuilding import add_progress, note_error
from gonemaster_db.core.chunks import chunks
from gonemaster_db.core.errors import ReferenceGone, StoreError
from gonemaster_db.core.session import Store
from gonemaster_db.models import FactStorage
from gonemaster_tasks.config.settings import Settings
from gonemaster_tasks.maintenance.projection.outline import Outlines
from gonemaster_tasks.maintenance.projection.reading import read_runs_for_columns
from gonemaster_tasks.maintenance.projection.search import BatchSearch, finish_cohort

log = logging.getLogger(__name__)

RUNS_AT_A_TIME = 300
_SEARCH_INTERVAL = timedelta(seconds=30)
Clock = Callable[[], datetime]
Stopped = Callable[[], bool]


@dataclass(frozen=True, slots=True)
class ColumnSettings:
    """Where facts are written, and when.

    A file has `runs_per_file` runs, or fewer if the batch has finished or `interval` has passed since its oldest run
    finished. At most `projectors` work on a snapshot at the same time.
    """

    place: str
    interval: timedelta = timedelta(minutes=15)
    projectors: int = 2
    runs_per_file: int = ROWS_PER_FILE


def column_settings(settings: Settings) -> ColumnSettings | None:
    """Return where facts are written; None without `analytics.location`."""
    if not settings.analytics_location:
        return None
    return ColumnSettings(
        settings.analytics_location,
        interval=settings.analytics_file_interval,
        projectors=settings.analytics_projectors,
    )


class ColumnProjector:
    """The projector of one process; between two rounds it remembers which batches have too few runs for a file."""

    def __init__(self) -> None:
        self._search = BatchSearch()
        self._rest_until: dict[int, datetime] = {}  # by batch

    def project(
        self,
        store: Store,
        settings: ColumnSettings,
        *,
        floor: str,
        now: Clock,
        stopped: Stopped = lambda: False,
        coverage: int = COVERAGE,
    ) -> int:
        """Write the facts of waiting runs to files, or until `stopped`; return the number of runs.

        If the location cannot be used, the cohort gets the reason as its error, and the runs wait.
        """
        found = self._search.find(store, floor=floor, now=now())
        in_columns = [waiting for waiting in found.batches if waiting.storage is not FactStorage.ROWS]
        projected, incomplete = 0, set[int]()
        for waiting in in_columns:
            if stopped():
                return projected
            if self._search.is_due(store, waiting, coverage):
                is_pending = waiting.cohort_id in found.pending
                work = _BatchInColumns(store, settings, waiting, self._search.outlines_of(waiting), now, stopped)
                if not self._run(work, is_pending=is_pending):
                    incomplete.add(waiting.cohort_id)
                projected += work.projected
        self._search.mark_complete(found)
        for cohort_id, generation in found.pending.items():
            if cohort_id in {waiting.cohort_id for waiting in in_columns} - incomplete:
                finish_cohort(store, cohort_id, generation, now())
        return projected

    def _run(self, work: "_BatchInColumns", *, is_pending: bool) -> bool:
        """Project one batch; return whether all its runs are in files."""
        waiting, about = work.waiting, {"batch_key": work.waiting.batch_key}
        if not is_pending and self._rest_until.get(waiting.batch_key, work.now()) > work.now():
            return False
        try:
            is_complete = work.run(flush=is_pending)
        except (CohortChanged, ReferenceGone, ClaimLost):
            log.info("projection dropped, its cohort or batch has changed", extra=about)
            return False
        except (LocationUnusable, ColumnsMissing) as error:
            log.error("facts not written", extra={**about, "error": str(error)})
            work.note_error(str(error))
            self._rest_until[waiting.batch_key] = work.now() + _SEARCH_INTERVAL
            return False
        if work.projected:
            work.note_error("")
        if not is_complete and not work.projected:
            self._rest_until[waiting.batch_key] = work.now() + _SEARCH_INTERVAL
        if is_complete and work.snapshot_id is None:
            self._search.mark_unchanged(waiting)
        return is_complete


class _ProjectionStopped(Exception):
    """The process is stopping."""


class _BatchInColumns:
    """The runs of one batch that wait for one cohort."""

    def __init__(
        self,
        store: Store,
        settings: ColumnSettings,
        waiting: UnseenBatch,
        outlines: Outlines,
        now: Clock,
        stopped: Stopped,
    ) -> None:
        self._store, self._settings, self._outlines, self._stopped = store, settings, outlines, stopped
        self.waiting, self.now = waiting, now
        self.snapshot_id = waiting.snapshot_id
        self.projected = 0

    def run(self, *, flush: bool) -> bool:
        """Write files until too few runs wait; return whether all runs are in files.

        `flush` also writes the runs of a batch that has not finished.

        Raises:
            CohortChanged, ReferenceGone, ClaimLost: the cohort or the batch has changed; the file does not count.
            LocationUnusable, ColumnsMissing: files cannot be written.
        """
        self._store.run_in_transaction(lambda session: claims.remove_expired_claims(session, now=self.now()))
        while not self._stopped():
            found, is_over = self._find(flush=flush)
            if found is None:
                return False
            if not found.keys:
                return self._finish(found, is_over=is_over, flush=flush)
            claim = self._store.run_in_transaction(partial(self._claim, found))
            if claim is None:  # other projectors work on the snapshot
                return False
            self.snapshot_id = claim.snapshot_id
            try:
                self._write(claim, found.keys)
            except _ProjectionStopped:
                return False
        return False

    def note_error(self, text: str) -> None:
        """Show an error on the cohort, or none."""
        self._store.run_in_transaction(lambda session: note_error(session, self.waiting.cohort_id, text))

    def _find(self, *, flush: bool) -> tuple[FoundRuns | None, bool]:
        """Return the runs for the next file, None if there are too few yet, and whether the batch has finished."""
        waiting, limit = self._current_batch(), self._settings.runs_per_file
        with self._store.read_only() as session:
            # Read first: a run whose job is no longer there is visible to the next queries.
            is_over = not claims.has_jobs(session, waiting.batch_key)
            found = claims.find_runs(session, waiting, limit=limit)
            if found.keys:
                is_enough = is_over or flush or len(found.keys) >= limit or self._is_overdue(session, found)
                return (found if is_enough else None), is_over
            if (is_over or flush) and not found.is_claimed:
                found = claims.find_late_runs(session, waiting, limit=limit)
        return found, is_over

    def _is_overdue(self, session: Session, found: FoundRuns) -> bool:
        finished_at = claims.finished_at(session, found.keys[0])
        return finished_at is not None and self.now() - finished_at >= self._settings.interval

    def _finish(self, found: FoundRuns, *, is_over: bool, flush: bool) -> bool:
        """Record that the snapshot has all runs of a finished batch."""
        if found.is_claimed:
            return False
        snapshot_id = self.snapshot_id
        if snapshot_id is not None and is_over:
            self._store.run_in_transaction(lambda session: record_seen(session, self.waiting, snapshot_id))
        return is_over or flush

    def _current_batch(self) -> UnseenBatch:
        return replace(self.waiting, snapshot_id=self.snapshot_id)

    def _claim(self, found: FoundRuns, session: Session) -> FileClaim | None:
        most, holder = self._settings.projectors, secrets.token_hex(8)
        return claims.claim_runs(session, self.waiting, found, holder=holder, most=most, now=self.now())

    def _write(self, claim: FileClaim, keys: Sequence[int]) -> None:
        store, is_done = self._store, False
        try:
            written = self._write_file(claim, keys)
            store.run_in_transaction(
                lambda session: claims.register_facts(session, self.waiting, claim, written, now=self.now())
            )
            is_done = True
        finally:
            if not is_done:
                with suppress(StoreError):  # The lease ends in any case, and another error may be propagating.
                    store.run_in_transaction(lambda session: claims.release_claim(session, claim))
        self.projected += written.runs
        store.run_in_transaction(lambda session: self._count(session, written.runs))

    def _write_file(self, claim: FileClaim, keys: Sequence[int]) -> WrittenRuns:
        place = location(self._settings.place)
        tables, failed, projected = self._tables(claim, keys)
        if not tables:
            return WrittenRuns(None, failed, len(failed))
        folder = folder_of(claim.cohort_id, claim.snapshot_id)
        file = write_facts_file(place, folder, tables, run_keys=projected)
        return WrittenRuns(file, failed, len(failed) + len(projected))

    def _tables(self, claim: FileClaim, keys: Sequence[int]) -> tuple[list[Any], list[Projected], list[int]]:
        """Return the facts as tables, the runs that could not be read, and the keys of the others."""
        tables, failed, written = list[Any](), list[Projected](), list[int]()
        renew_at = self.now() + claims.LEASE / 4
        for chunk in chunks(keys, RUNS_AT_A_TIME):
            if self._stopped():
                raise _ProjectionStopped
            with self._store.read_only() as session:
                runs = read_runs_for_columns(session, chunk)
            at, rows = self.now(), list[dict[str, Any]]()
            for result in runs.project(self._outlines):
                if result.facts is None:
                    failed.append(result)
                else:
                    rows.append(runs.stored_row(result.facts, projected_at=at))
                    written.append(result.run_key)
            if rows:
                tables.append(to_table(rows))
            if at >= renew_at:
                self._store.run_in_transaction(lambda session: claims.renew_claim(session, claim, now=self.now()))
                renew_at = at + claims.LEASE / 4
        return tables, failed, written

    def _count(self, session: Session, runs: int) -> None:
        add_progress(session, self.waiting.cohort_id, generation=self.waiting.generation, runs=runs)
