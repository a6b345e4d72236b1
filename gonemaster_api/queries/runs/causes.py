"""Root causes of stored runs, computed from their entries when they are read."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from gonemaster_db.core.records import EntryRecord
from gonemaster_db.models import Run, RunStatus
from gonemaster_db.runs.run_documents import entries_of, read_stored_run
from gonemaster_engine import entries as engine
from gonemaster_engine.findings.causes.model import Cause
from gonemaster_engine.findings.causes.registry import causes_of


@dataclass(frozen=True, slots=True)
class StoredTiming:
    """The response times of a name server that rules of causes read."""

    address: str
    count: int
    median_ms: float | None
    timeouts: int


def as_reported(row: EntryRecord) -> engine.Entry:
    """Return a stored entry as the engine reported it."""
    return engine.Entry(row.timestamp, row.module, row.testcase, row.tag, engine.Level[row.level], dict(row.args))


def stored_causes(
    domain: str, entries: Sequence[EntryRecord], timings: Sequence[Mapping[str, Any]] | None
) -> list[Cause]:
    """Return the root causes of a stored run, worst first."""
    return causes_of(domain, [as_reported(row) for row in entries], map(_timing, timings or ()))


def _timing(row: Mapping[str, Any]) -> StoredTiming:
    return StoredTiming(row["address"], row.get("count", 0), row.get("median_ms"), row.get("timeouts", 0))


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
