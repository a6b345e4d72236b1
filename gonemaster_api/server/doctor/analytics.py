"""The doctor's check of the files of the analysis."""

import shutil
from pathlib import Path

from gonemaster_api.server.doctor.findings import DoctorResult, fault, ok, warning
from gonemaster_db.analysis.columns.location import Location, LocationUnusable, location
from gonemaster_db.analysis.columns.schema import ColumnsMissing
from gonemaster_tasks.config.settings import Settings

_LEAST_FREE = 1_000_000_000  # bytes
_NAME = "analytics"


def check_analytics(settings: Settings) -> list[DoctorResult]:
    """Write, read and delete a file at `analytics.location`."""
    if not settings.analytics_location:
        most = f"{settings.analytics_max_database_domains:,}"
        return [ok(_NAME, f"facts and views are in the database, for snapshots of at most {most} domains")]
    try:
        place = location(settings.analytics_location)
        place.check()
    except (ColumnsMissing, LocationUnusable) as error:
        return [fault(_NAME, str(error), "facts are written once it works; finished runs wait until then")]
    return [_space(place) or ok(_NAME, f"{place.shown} is writable")]


def _space(place: Location) -> DoctorResult | None:
    if not place.is_local:
        return None
    free = shutil.disk_usage(Path(place.root)).free
    if free >= _LEAST_FREE:
        return None
    text = f"{place.shown} has only {free // 1_000_000} MB free"
    return warning(_NAME, text, "free space, or move the files and change analytics.location")
