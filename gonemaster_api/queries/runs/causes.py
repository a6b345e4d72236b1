"""Root causes of stored runs, computed from their entries when they are read."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy.orm import Session

from gonemaster_db.core.records import EntryRecord
from gonemaster_db.models import Run, RunStatus
from gonemaster_db.runs.run_documents import entries_of, read_stored_run
from gonemaster_engine.findings.causes.model import Cause
from gonemaster_engine.findings.causes.registry import causes_of
from gonemaster_tasks.control.scores import StoredTiming, as_reported


def stored_causes(
    domain: str, entries: Sequence[EntryRecord], timings: Sequence[Mapping[str, Any]] | None
) -> list[Cause]:
    """Return the root causes of a stored run, worst first."""
    return causes_of(domain, [as_reported(row) for row in entries], map(StoredTiming.of, timings or ()))


def causes_in(session: Session, run: Run) -> Sequence[Cause]:
    """Read the root causes of a stored run; none if it did not succeed."""
    if run.status is not RunStatus.SUCCEEDED:
        return ()
    stored = read_stored_run(session, run.id)
    return stored_causes(run.domain, entries_of(session, stored), stored.full_document.nameserver_timings)


def cause_changes(before: Iterable[Cause], after: Iterable[Cause], *, locale: str) -> dict[str, Any]:
    """Return the causes that only the later run has, and those that only the earlier run has."""
    old, new = {cause.id: cause for cause in before}, {cause.id: cause for cause in after}
    return {
        "appeared": [cause.as_dict(locale=locale) for key, cause in new.items() if key not in old],
        "cleared": [cause.as_dict(locale=locale) for key, cause in old.items() if key not in new],
    }
