"""Root causes of stored runs, computed from their entries when they are read."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy.orm import Session

from gonemaster_db.core.errors import DocumentDamaged
from gonemaster_db.core.records import EntryRecord
from gonemaster_db.runs.run_documents import StoredRun, entries_of, read_stored_runs
from gonemaster_engine.findings.causes.model import Cause
from gonemaster_engine.findings.causes.registry import causes_of
from gonemaster_tasks.control.scores import StoredTiming, as_reported

log = logging.getLogger(__name__)


def stored_causes(
    domain: str, entries: Sequence[EntryRecord], timings: Sequence[Mapping[str, Any]] | None
) -> list[Cause]:
    """Return the root causes of a stored run that succeeded, worst first."""
    return causes_of(domain, [as_reported(row) for row in entries], map(StoredTiming.of, timings or ()))


def causes_by_run(session: Session, run_ids: Sequence[str]) -> dict[str, list[Cause]]:
    """Return the root causes of runs that succeeded; none for a run that no longer exists or is damaged."""
    stored = read_stored_runs(session, run_ids)
    return {run_id: _causes_in(session, stored[run_id]) if run_id in stored else [] for run_id in run_ids}


def _causes_in(session: Session, run: StoredRun) -> list[Cause]:
    try:
        return stored_causes(run.domain, entries_of(session, run), run.full_document.nameserver_timings)
    except DocumentDamaged as error:
        log.warning("causes not computed", extra={"job_id": run.id, "error": str(error)})
        return []


def only_in(causes: Iterable[Cause], others: Iterable[Cause]) -> list[Cause]:
    """Return the causes that the others do not contain."""
    known = {cause.id for cause in others}
    return [cause for cause in causes if cause.id not in known]
