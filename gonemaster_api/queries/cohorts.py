"""Cohorts and the analysis status as documents."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy.orm import Session

from gonemaster_api.state import State
from gonemaster_db.analysis.cohorts import drift_of, get_cohort, list_cohorts
from gonemaster_db.analysis.discarding import newest_snapshot
from gonemaster_db.analysis.snapshots import (
    count_missing_runs,
    get_snapshot,
    list_snapshots,
    with_source_runs,
)
from gonemaster_db.batches.batches import ids_of_batches
from gonemaster_db.core.clock import utcnow
from gonemaster_db.models import Cohort, CohortSnapshot, ReferenceList
from gonemaster_db.service.reference_lists import find_reference_list
from gonemaster_db.service.registrations import count_registrations
from gonemaster_tasks.errors import BrokerUnavailable
from gonemaster_tasks.reference_data.rdap import BOOTSTRAP
from gonemaster_tasks.reference_data.tlds import IANA_TLDS, bundled_tlds, current_tlds

_INSIDE = {"batch_key", "vocabulary_id", "view_id", "seen_runs", "facts_revision", "captured_revision", "is_default"}
_COLUMNS = [column.key for column in Cohort.__mapper__.column_attrs if column.key != "generation"]


def read_cohorts(state: State) -> list[dict[str, Any]]:
    """Return all cohorts in their sort order."""
    with state.store.read_only() as session:
        return [cohort_document(cohort) for cohort in list_cohorts(session)]


def read_cohort(state: State, cohort_id: int) -> dict[str, Any]:
    """Return a cohort, compared with its reference list if it has one. Raises CohortNotFound."""
    with state.store.read_only() as session:
        cohort = get_cohort(session, cohort_id)
        return cohort_document(cohort) | _drift(session, cohort)


def cohort_document(cohort: Cohort) -> dict[str, Any]:
    """Return the API document of a cohort."""
    return {name: getattr(cohort, name) for name in _COLUMNS}


def read_analysis_status(state: State) -> dict[str, Any]:
    """Return whether the analysis is available, and the age of the external data."""
    with state.store.read_only() as session:
        rows = {name: find_reference_list(session, name) for name in (IANA_TLDS, BOOTSTRAP)}
        records = count_registrations(session)
    failed = [row for row in rows.values() if row is not None and row.last_error_at is not None]
    last = max(failed, key=lambda row: row.last_error_at or row.tried_at, default=None)
    return {
        "backend_supported": True,
        "controller_enabled": True,
        "external_data": {
            "enabled": state.settings.external_data_enabled,
            "cached_records": records,
            "queue_depth": _queue_depth(state),
            "last_error": last.last_error if last else "",
            "last_error_at": last.last_error_at if last else None,
            "datasets": [_dataset(state, name, row) for name, row in rows.items()],
        },
    }


def _queue_depth(state: State) -> int:
    try:
        return state.broker.registration_requests.count()
    except BrokerUnavailable:  # Without a broker nothing is queued.
        return 0


def _dataset(state: State, name: str, row: ReferenceList | None) -> dict[str, Any]:
    bundled = bundled_tlds() if name == IANA_TLDS else None
    is_fetched = row is not None and row.fetched_at is not None
    version, entries = (bundled.version, len(bundled.names)) if bundled else ("", 0)
    return {
        "name": name,
        "state": _dataset_state(state, row),
        "fetched_at": row.fetched_at if row else None,
        "version": row.version if row and is_fetched else version,
        "entries": row.entries if row and is_fetched else entries,
    }


def _dataset_state(state: State, row: ReferenceList | None) -> str:
    if not state.settings.external_data_enabled:
        return "disabled"
    if row is None or row.fetched_at is None:
        return "unavailable" if row is not None and row.last_error else "pending"
    # A refresh may be a little late, but after two intervals without a refresh the data are stale.
    late: timedelta = utcnow() - row.fetched_at
    return "stale" if late > 2 * state.settings.external_data_refresh_interval else "fresh"


def _drift(session: Session, cohort: Cohort) -> dict[str, Any]:
    if cohort.reference_list != IANA_TLDS:
        return {}
    known = current_tlds(session)
    drift = drift_of(session, cohort, known.names)
    found = {"checked_at": utcnow(), "list_version": known.version, "missing": drift.missing, "extra": drift.extra}
    return {"source_drift": found}


_OF_SNAPSHOT = [column.key for column in CohortSnapshot.__mapper__.column_attrs if column.key not in _INSIDE]


def read_snapshots(state: State, cohort_id: int) -> list[dict[str, Any]]:
    """Return the snapshots of a cohort in all states, newest batch first. Raises CohortNotFound."""
    with state.store.read_only() as session:
        cohort = get_cohort(session, cohort_id)
        return _snapshot_documents(session, cohort, list_snapshots(session, cohort_id))


def read_snapshot(state: State, cohort_id: int, slug: str) -> dict[str, Any]:
    """Return one snapshot. Raises CohortNotFound, SnapshotNotFound."""
    with state.store.read_only() as session:
        cohort = get_cohort(session, cohort_id)
        return _snapshot_documents(session, cohort, [get_snapshot(session, cohort_id, slug)])[0]


def _snapshot_documents(session: Session, cohort: Cohort, found: Sequence[CohortSnapshot]) -> list[dict[str, Any]]:
    batches = ids_of_batches(session, {each.batch_key for each in found if each.batch_key is not None})
    with_runs, missing = with_source_runs(session, found), count_missing_runs(session, found)
    default = cohort.default_snapshot_id or newest_snapshot(session, cohort.id)
    return [
        {
            **{name: getattr(snapshot, name) for name in _OF_SNAPSHOT},
            "batch_id": batches.get(snapshot.batch_key or 0, ""),
            "vocabulary_available": snapshot.vocabulary_id is not None,
            "is_default": snapshot.id == default,
            "source_runs_available": snapshot.id in with_runs,
            "missing_runs": missing.get(snapshot.id, 0),
        }
        for snapshot in found
    ]
