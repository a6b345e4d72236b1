"""Reads stored runs and extracts their facts; a damaged document does not stop the others."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from gonemaster_db.analysis.columns.rows import RunOrigin, facts_row, read_origins, stored_row
from gonemaster_db.analysis.facts import RunFacts
from gonemaster_db.analysis.projections import Projected, RunRow, read_run_rows
from gonemaster_db.core.errors import DocumentDamaged
from gonemaster_db.runs.causes import read_cause_sets
from gonemaster_db.runs.documents.caches import EntryType
from gonemaster_db.runs.run_documents import StoredRun, kinds_of, read_stored_runs
from gonemaster_tasks.maintenance.projection.extraction import facts_of
from gonemaster_tasks.maintenance.projection.outline import Outlines

log = logging.getLogger(__name__)
_MAX_ERROR = 1000


@dataclass(frozen=True, slots=True)
class ReadRuns:
    """Runs that were read together, with their documents and the entry types in them."""

    rows: Sequence[RunRow]
    stored: Mapping[str, StoredRun]
    kinds: Mapping[int, EntryType]

    def project(self, outlines: Outlines) -> Iterator[Projected]:
        """Yield the facts of each run, or the error; runs that were deleted meanwhile are skipped."""
        for row in self.rows:
            if row.id not in self.stored:
                continue
            try:
                yield Projected(row.key, facts_of(row, self.stored[row.id], self.kinds, outlines))
            except DocumentDamaged as error:
                log.error("run not projected", extra={"job_id": row.id, "error": str(error)})
                yield Projected(row.key, None, str(error)[:_MAX_ERROR])


@dataclass(frozen=True, slots=True)
class RunsForColumns(ReadRuns):
    """Runs with what rows in columns need in addition: batch, duration and texts of causes."""

    origins: Mapping[int, RunOrigin]
    causes: Mapping[int, Sequence[str]]

    def row(self, run: RunFacts) -> dict[str, Any]:
        """Return the row of a run for an export."""
        return facts_row(run, self.origins[run.run_key], self._causes(run), self.kinds)

    def stored_row(self, run: RunFacts, *, projected_at: datetime) -> dict[str, Any]:
        """Return the row of a run in a file of a snapshot."""
        origin = self.origins[run.run_key]
        return stored_row(run, origin, self._causes(run), self.kinds, projected_at=projected_at)

    def _causes(self, run: RunFacts) -> Sequence[str] | None:
        return None if run.cause_set_id is None else self.causes.get(run.cause_set_id)


def read_runs(session: Session, keys: Sequence[int]) -> ReadRuns:
    """Read runs by key."""
    rows = read_run_rows(session, keys)
    stored = read_stored_runs(session, [row.id for row in rows])
    return ReadRuns(rows, stored, kinds_of(session, stored.values()))


def read_runs_for_columns(session: Session, keys: Sequence[int]) -> RunsForColumns:
    """Read runs by key for rows in columns; runs that are deleted meanwhile are skipped."""
    origins, found = read_origins(session, keys), read_runs(session, keys)
    causes = read_cause_sets(session, (row.cause_set_id for row in found.rows))
    rows = [row for row in found.rows if row.key in origins]
    return RunsForColumns(rows, found.stored, found.kinds, origins, causes)
