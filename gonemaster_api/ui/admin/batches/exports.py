"""CSV exports: the list of batches, and the jobs of a batch."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from gonemaster_api.state import State
from gonemaster_api.ui.admin.batches.outcomes import GRADES
from gonemaster_api.ui.shell.tables.csv_files import csv_rows
from gonemaster_db.batches.batches import BatchSummary, batches_before, summarise_batch
from gonemaster_db.core.filters import JobFilter
from gonemaster_db.core.levels import LEVELS, SEVERITIES
from gonemaster_db.models import Batch, Job, JobStatus, Run, RunStatus
from gonemaster_db.runs.job_walk import jobs_after

AT_A_TIME = 500
BATCHES_AT_A_TIME = 50
_RESULT = ("score", "grade")
_VERDICT = ("policy", "policy_version", "verdict")
_COLUMNS = ("id", "domain", "status", "error", "created_at", "started_at", "finished_at")

_OF_BATCH = ("id", "tag", "description", "origin", "domain_count", "created_at")
_OF_SUMMARY = ("started_at", "finished_at", "purged_runs")
_STATUSES = (*map(str, JobStatus), *map(str, RunStatus))


def stream_batches(state: State, filters: Mapping[str, Any]) -> Iterator[str]:
    """Yield all batches that match the filters of the list as CSV, newest first, with their counts."""
    chosen = {name: filters[name] for name in ("label", "search", "verdict") if name in filters}
    grades = tuple(GRADES) if state.settings.show_score_admin else ()
    counted = (*_STATUSES, *(f"grade_{grade}" for grade in grades), *(f"worst_{level}" for level in LEVELS))
    yield csv_rows([[*_OF_BATCH, *_OF_SUMMARY, *counted]])
    last: Batch | None = None
    while True:
        with state.store.read_only() as session:
            batches = batches_before(session, last, **chosen, limit=BATCHES_AT_A_TIME)
            rows = [_batch_row(batch, summarise_batch(session, batch.id), grades) for batch in batches]
        if not batches:
            return
        yield csv_rows(rows)
        last = batches[-1]


def _batch_row(batch: Batch, summary: BatchSummary, grades: Iterable[str]) -> list[object]:
    facts = [*(getattr(batch, name) for name in _OF_BATCH), *(getattr(summary, name) for name in _OF_SUMMARY)]
    counts = [summary.status_counts[status] for status in _STATUSES]
    return [
        *facts,
        *counts,
        *(summary.grades.get(grade, 0) for grade in grades),
        *(summary.worst_levels.get(level, 0) for level in LEVELS),
    ]


def stream_jobs(state: State, criteria: JobFilter) -> Iterator[str]:
    """Yield all matching jobs as CSV, ordered by ID.

    Each block of a few hundred jobs is read in a separate transaction, so that a slow client does not hold a database
    connection.
    """
    result = _RESULT if state.settings.show_score_admin else ()
    yield csv_rows([[*_COLUMNS, *result, "worst_level", *SEVERITIES, *_VERDICT]])
    last = ""
    while True:
        with state.store.read_only() as session:
            items = jobs_after(session, criteria, last, limit=AT_A_TIME)
            text = csv_rows(_row(item, result) for item in items)
        if not items:
            return
        yield text
        last = items[-1].id


def _row(item: Job | Run, result: tuple[str, ...]) -> list[object]:
    counts = item.severity_totals if isinstance(item, Run) else {}
    found = [getattr(item, name, None) for name in (*_COLUMNS, *result, "worst_level")]
    verdict = [getattr(item, name, None) for name in _VERDICT]
    return [*found, *(counts.get(level) for level in SEVERITIES), *verdict]
