"""Catalogue, cohorts, snapshots and overviews as documents."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.orm import Session

from gonemaster_api.queries.analysis.documents import snapshot_document
from gonemaster_api.queries.analysis.reading import Reading, ViewReading, no_default
from gonemaster_api.queries.causes import CATEGORY_BY_NAME
from gonemaster_api.state import State
from gonemaster_db.analysis.categories import GRADE
from gonemaster_db.analysis.public_snapshots import (
    PublicSnapshot,
    count_public_snapshots,
    default_of,
    find_default_snapshot,
    list_public_cohorts,
)
from gonemaster_db.core.errors import NoDefaultCohort
from gonemaster_db.models import Cohort, SnapshotOverview

NO_SNAPSHOT = "no_snapshot"
OVERVIEW = "overview_v2"
_MAX_LABEL_LENGTH = 64  # Longer labels are dropped (contract analysis.md section 7).
_TOTALS = ("domain_count", "nameserver_count", "endpoint_count", "asn_count", "prefix_count")
_TOPS = ("top_tags", "top_nameservers", "top_asns")


def read_catalog(state: State, session: Session) -> dict[str, Any]:
    """Return the catalogue.

    Raises:
        ApiError: 503 no_selectable_cohorts, no_default_cohort; 500 invalid_catalog.
    """
    cohorts = list_public_cohorts(session)
    try:
        default = default_of(cohorts)
    except NoDefaultCohort as error:
        raise no_default(session, error) from error
    label = state.settings.analysis_vantage_label
    return {
        "default_tag": default.source_tag,
        "cohorts": [cohort_document(session, cohort) for cohort in cohorts],
        "selector_enabled": len(cohorts) > 1,
        "backend_supported": True,
        **({"vantage_label": label} if 0 < len(label) <= _MAX_LABEL_LENGTH else {}),
    }


def read_cohorts(session: Session) -> list[dict[str, Any]]:
    """Return all public cohorts."""
    return [cohort_document(session, cohort) for cohort in list_public_cohorts(session)]


def cohort_document(session: Session, cohort: Cohort) -> dict[str, Any]:
    """Return the document of a cohort for the catalogue."""
    default = find_default_snapshot(session, cohort)
    return {
        "dataset_tag": cohort.source_tag,
        "label": cohort.label,
        "description": cohort.description,
        "is_default": cohort.is_default,
        "sort_order": cohort.sort_order,
        "default_snapshot": default.slug if default else None,
        "snapshot_count": count_public_snapshots(session, cohort),
    }


def read_cohort(reading: Reading, shown: PublicSnapshot | None) -> dict[str, Any]:
    """Return a cohort with the counts of its default snapshot, if it has one."""
    document = cohort_document(reading.session, reading.cohort) | _materialization(reading.cohort)
    if shown is None:
        return document | {"status": NO_SNAPSHOT, "snapshot": None, "counts": None, "fact_distributions": []}
    found = _overview(reading, shown.view_id)
    return document | {
        "status": "ok",
        "snapshot": snapshot_document(shown),
        "counts": found["totals"],
        "fact_distributions": found["fact_distributions"],
    }


def read_snapshots(reading: Reading, snapshots: Sequence[PublicSnapshot]) -> dict[str, Any]:
    """Return the list of snapshots, newest first."""
    head = {"dataset_tag": reading.cohort.source_tag, "label": reading.cohort.label}
    return head | {"snapshots": [snapshot_document(snapshot) for snapshot in snapshots]}


def read_snapshot(reading: ViewReading) -> dict[str, Any]:
    """Return a snapshot with its aggregates: the overview and each fact category."""
    found = _overview(reading, reading.view_id)
    categories = {distribution["category"]: distribution for distribution in found.pop("fact_distributions")}
    head = {"dataset_tag": reading.cohort.source_tag}
    return head | snapshot_document(reading.shown) | {"aggregates": {OVERVIEW: found} | categories}


def read_overview(reading: ViewReading) -> dict[str, Any]:
    """Return totals, top lists and distributions of a snapshot."""
    cohort = reading.cohort
    return {
        "dataset_tag": cohort.source_tag,
        "label": cohort.label,
        "description": cohort.description,
        "is_default": cohort.is_default,
        "status": "ok",
        "snapshot": snapshot_document(reading.shown),
        "overview": _overview(reading, reading.view_id),
    } | _materialization(cohort)


def _materialization(cohort: Cohort) -> dict[str, Any]:
    return {
        "materialization_status": cohort.materialization_status.value,
        "last_materialized_at": cohort.last_materialized_at,
    }


def _overview(reading: Reading, view_id: int) -> dict[str, Any]:
    row = reading.session.get_one(SnapshotOverview, view_id)
    found: dict[str, Any] = {"totals": {name: getattr(row, name) for name in _TOTALS}}
    found |= {name: [_named(reading, item) for item in json.loads(getattr(row, name))] for name in _TOPS}
    found["fact_distributions"] = public_distributions(reading, row.fact_distributions)
    return found


def _named(reading: Reading, item: dict[str, Any]) -> dict[str, Any]:
    """Rename the name server field as in lists, and hide labels of ASes that are not public."""
    for name, number in (("operator", "operator_asn"), ("label", "asn")):
        if name in item:
            item[name] = reading.as_label(item[name], item[number])
    return {"nameserver": item.pop("name"), **item} if "name" in item else item


def public_distributions(reading: Reading, stored: str) -> list[dict[str, Any]]:
    """Return the public distributions of a view from its stored counts by category and key."""
    counts: Mapping[str, Mapping[str, int]] = json.loads(stored)
    return [
        category.distribution(counts[name])
        for name, category in CATEGORY_BY_NAME.items()
        if name in counts and (reading.shows_scores or name != GRADE)
    ]
