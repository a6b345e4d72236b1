"""Maintenance of the files of the analysis: compaction, files of removed snapshots, orphans.

A failure of the location is logged and repeated later; files that cannot be deleted now become orphans.
"""

import logging
import secrets
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from functools import partial

from gonemaster_db.analysis.columns.files import forget_files, names_of_snapshot, names_of_view, orphans
from gonemaster_db.analysis.columns.location import Location, LocationUnusable, StoredFile, location
from gonemaster_db.analysis.columns.schema import ColumnsMissing, SchemaRefused
from gonemaster_db.analysis.projection.compaction import SMALL, compact, find_groups
from gonemaster_db.core.chunks import chunks
from gonemaster_db.core.session import Store
from gonemaster_tasks.broker.client import Broker

log = logging.getLogger(__name__)

ORPHAN_AGE = timedelta(days=1)
_AT_A_TIME = 500
_ORPHANS_LOCK, _COMPACTION_LOCK = "analysis-orphans", "analysis-compaction"
_COMPACTION_LIFE = timedelta(minutes=30)
_FOLDERS = ("facts", "views")
Clock = Callable[[], datetime]
Stopped = Callable[[], bool]


def maintain_files(store: Store, broker: Broker, place: str, *, now: Clock, stopped: Stopped = lambda: False) -> None:
    """Compact files, and once a day delete orphans, unless another worker does so. `place` is `analytics.location`."""
    if not place:
        return
    holder = secrets.token_hex(8)
    try:
        if broker.locks.acquire(_COMPACTION_LOCK, holder, _COMPACTION_LIFE):
            try:
                compact_files(store, location(place), now=now, stopped=stopped)
            finally:
                broker.locks.release(_COMPACTION_LOCK, holder)
        # The lock is not released: it ends after a day.
        if broker.locks.acquire(_ORPHANS_LOCK, holder, ORPHAN_AGE):
            delete_orphans(store, location(place), now=now(), stopped=stopped)
    except (LocationUnusable, ColumnsMissing, SchemaRefused) as error:
        log.error("files of the analysis not maintained", extra={"error": str(error)})


def compact_files(
    store: Store, place: Location, *, now: Clock, stopped: Stopped = lambda: False, small: int = SMALL
) -> int:
    """Replace small and superseded files; return the number of files that were replaced."""
    with store.read_only() as session:
        groups = find_groups(session, small=small)
    replaced = 0
    for group in groups:
        if stopped():
            break
        if compact(store, place, group, now=now()):
            replaced += len(group.names)
    if replaced:
        log.info("files of the analysis compacted", extra={"files": replaced})
    return replaced


def delete_orphans(store: Store, place: Location, *, now: datetime, stopped: Stopped = lambda: False) -> int:
    """Delete files that have not been registered for a day; return their number."""
    deleted = 0
    for some in chunks(_old_files(place, now), _AT_A_TIME):
        if stopped():
            break
        with store.read_only() as session:
            names = orphans(session, some)
        place.delete(names)
        deleted += len(names)
    if deleted:
        log.info("orphans of the analysis deleted", extra={"files": deleted})
    return deleted


def _old_files(place: Location, now: datetime) -> Iterable[str]:
    def is_old(file: StoredFile) -> bool:
        return file.modified_at is not None and now - file.modified_at > ORPHAN_AGE

    return (file.name for folder in _FOLDERS for file in place.walk(folder) if is_old(file))


def delete_files_of_snapshot(store: Store, place: str, snapshot_id: int, *, stopped: Stopped = lambda: False) -> None:
    """Delete the files with facts of a discarded snapshot, and forget them. Without `place` the files remain."""
    _delete_in_steps(store, place, lambda session: names_of_snapshot(session, snapshot_id, limit=_AT_A_TIME), stopped)


def delete_files_of_view(store: Store, place: str, view_id: int, *, stopped: Stopped = lambda: False) -> None:
    """Delete the files of a view that is not shown, and forget them. Without `place` the files remain."""
    _delete_in_steps(store, place, lambda session: names_of_view(session, view_id, limit=_AT_A_TIME), stopped)


def _delete_in_steps(store: Store, place: str, find: Callable[..., Iterable[str]], stopped: Stopped) -> None:
    while not stopped():
        with store.read_only() as session:
            names = list(find(session))
        if not names:
            return
        _delete(place, names)
        store.run_in_transaction(partial(forget_files, names=names))


def _delete(place: str, names: list[str]) -> None:
    if not place:
        log.warning("files not deleted, analytics.location is not set", extra={"files": len(names)})
        return
    try:
        location(place).delete(names)
    except (LocationUnusable, ColumnsMissing) as error:
        log.error("files not deleted, they will be deleted as orphans", extra={"error": str(error)})
