"""Issues of the analysis: facts or snapshots that could not be written."""

from collections.abc import Iterator
from datetime import datetime

from gonemaster_db.analysis.cohorts import list_failing_cohorts
from gonemaster_engine.texts import Text
from gonemaster_tasks.config.settings import Settings
from gonemaster_tasks.control.parts import QueueParts
from gonemaster_tasks.monitoring.issues import Issue


def find_analysis_issues(parts: QueueParts, _settings: Settings, _now: datetime) -> Iterator[Issue]:
    """Yield the cohorts whose facts or snapshots could not be written."""
    with parts.store.read_only() as session:
        failing = list_failing_cohorts(session)
    for tag, error in failing:
        yield Issue("facts_not_written", tag, Text("cohort {tag}: {error}", tag=tag, error=error))
