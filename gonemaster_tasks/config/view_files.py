"""The files of the analysis in the form that `gonemaster_db` requires."""

from gonemaster_db.analysis.column_views.capture import FileStorage
from gonemaster_db.analysis.column_views.engine import DuckDbLimits
from gonemaster_db.analysis.column_views.reading import FileViews
from gonemaster_db.core.session import Store
from gonemaster_tasks.config.settings import Settings


def file_storage(settings: Settings) -> FileStorage | None:
    """Return where snapshots have their files; None without `analytics.location`. Nothing is opened."""
    if not settings.analytics_location:
        return None
    limits = DuckDbLimits(settings.analytics_memory_limit, settings.analytics_spill_folder)
    return FileStorage(settings.analytics_location, limits)


def read_view_files(store: Store, settings: Settings) -> None:
    """Let a store read views in files, if there is a place for them; DuckDB is opened for the first view."""
    storage = file_storage(settings)
    if storage is not None:
        store.read_views_with(FileViews(storage))
