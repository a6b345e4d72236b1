"""Cohorts: domain tags that are tracked over time, their snapshots, schedules and reports."""

from typing import Any, Unpack

from gonemaster_client.calls.description import Call, change, get
from gonemaster_client.documents import (
    AnalysisCatalog,
    AnalysisReport,
    AnalysisSnapshotList,
    Cohort,
    Schedule,
    Snapshot,
)
from gonemaster_client.parameters import ScheduleBody


def search() -> Call[list[Cohort]]:
    """List all cohorts."""
    return get("/analysis/cohorts")


def snapshots(cohort_id: int) -> Call[list[Snapshot]]:
    """List the snapshots of a cohort in all states."""
    return get("/analysis/cohorts/{}/snapshots", cohort_id)


def schedules() -> Call[list[Schedule]]:
    """List all schedules."""
    return get("/analysis/schedules")


def schedule(cohort_id: int) -> Call[Schedule]:
    """Show the schedule of a cohort."""
    return get("/analysis/cohorts/{}/schedule", cohort_id)


def set_schedule(cohort_id: int, **request: Unpack[ScheduleBody]) -> Call[Schedule]:
    """Set the schedule of a cohort; absent fields get their defaults."""
    return change("PUT", "/analysis/cohorts/{}/schedule", cohort_id, body=request)


def remove_schedule(cohort_id: int) -> Call[None]:
    """Remove the schedule of a cohort, if it has one."""
    return change("DELETE", "/analysis/cohorts/{}/schedule", cohort_id)


def catalog() -> Call[AnalysisCatalog]:
    """List the public cohorts, and name the default cohort."""
    return get("/analysis/catalog", is_public=True)


def public_snapshots(tag: str) -> Call[AnalysisSnapshotList]:
    """List the public snapshots of a cohort, newest first."""
    return get("/analysis/cohorts/{}/snapshots", tag, is_public=True)


def report(tag: str, *, before: str, after: str, **query: Any) -> Call[AnalysisReport]:
    """Compare two snapshots of a cohort, named by their slugs."""
    query = {"from": before, "to": after, **query}
    return get("/analysis/cohorts/{}/report", tag, query=query, is_public=True)
