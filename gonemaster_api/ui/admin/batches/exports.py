"""The jobs of a batch as a file for spreadsheets."""

from collections.abc import Iterator

from gonemaster_api.state import State
from gonemaster_api.ui.shell.csv_files import csv_rows
from gonemaster_api.web.light_requests import heavy_step
from gonemaster_db.filters import JobFilter
from gonemaster_db.levels import SEVERITIES
from gonemaster_db.models import Job, Run
from gonemaster_db.repositories.job_walk import jobs_after

_AT_A_TIME = 500
_RESULT = ("score", "grade")
_COLUMNS = ("id", "domain", "status", "error", "created_at", "started_at", "finished_at")


def stream_jobs(state: State, wanted: JobFilter) -> Iterator[str]:
    """Yield all jobs that match as CSV, in the order of their ids.

    Some hundred are read at a time in a transaction of its own, so that a client that reads slowly holds no connection
    to the database.
    """
    result = _RESULT if state.settings.show_score_admin else ()
    yield csv_rows([[*_COLUMNS, *result, "worst_level", *SEVERITIES]])
    last = ""
    while True:
        with heavy_step(), state.store.read_only() as session:
            items = jobs_after(session, wanted, last, limit=_AT_A_TIME)
            text = csv_rows(_row(item, result) for item in items)
        if not items:
            return
        yield text
        last = items[-1].id


def _row(item: Job | Run, result: tuple[str, ...]) -> list[object]:
    counts = item.severity_totals if isinstance(item, Run) else {}
    found = [getattr(item, name, None) for name in (*_COLUMNS, *result, "worst_level")]
    return [*found, *(counts.get(level) for level in SEVERITIES)]
