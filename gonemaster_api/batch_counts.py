"""The progress of batches: status counts, for watched batches counted at a limited rate once for all watchers."""

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cachetools import LRUCache

from gonemaster_db.batches.batches import count_statuses, get_batch
from gonemaster_db.core.errors import BatchNotFound, StoreConflict, StoreUnavailable
from gonemaster_db.core.session import Store
from gonemaster_db.models import JobStatus

COUNT_EVERY_S = 1.0
SHARE = 10  # counting may take a tenth of the time, so a slow count is repeated less often
_MAX_WATCHED = 1000


@dataclass
class _Watched:
    lock: threading.Lock = field(default_factory=threading.Lock)
    due: float = 0.0  # on the monotonic clock
    counts: Mapping[str, int] | None = None


def progress_of(counts: Mapping[str, int]) -> dict[str, Any]:
    """Return the progress of a batch with these numbers of jobs and runs by status."""
    total = sum(counts.values())
    completed = total - sum(counts[status] for status in JobStatus)
    return {
        "status": "done" if completed == total else "running",
        "completed": completed,
        "completion": percent(completed, total),
        "status_counts": dict(counts),
    }


def percent(completed: int, total: int) -> float:
    """Return the completed part of a batch; an empty batch is complete."""
    return round(100 * completed / total, 1) if total else 100.0


class BatchWatch:
    """The latest counts of the batches watched on this process."""

    def __init__(self) -> None:
        self._watched: LRUCache[str, _Watched] = LRUCache(_MAX_WATCHED)
        self._lock = threading.Lock()

    def counts(self, store: Store, batch_id: str) -> Mapping[str, int] | None:
        """Return the number of jobs and runs by status, at most a few seconds old; None before the first count.

        Raises:
            BatchNotFound: the batch does not exist or was deleted.
        """
        watched = self._of(batch_id)
        with watched.lock:  # concurrent watchers wait for this count instead of repeating it
            if time.monotonic() >= watched.due:
                self._count(store, batch_id, watched)
            return watched.counts

    def _of(self, batch_id: str) -> _Watched:
        with self._lock:
            return self._watched.setdefault(batch_id, _Watched())

    def _count(self, store: Store, batch_id: str, watched: _Watched) -> None:
        start = time.monotonic()
        try:
            with store.read_only() as session:
                get_batch(session, batch_id)
                watched.counts = count_statuses(session, batch_id)
        except BatchNotFound:
            with self._lock:
                self._watched.pop(batch_id, None)
            raise
        except (StoreUnavailable, StoreConflict):
            pass  # serve the last counts until the database is available again
        ended = time.monotonic()
        watched.due = ended + max(COUNT_EVERY_S, SHARE * (ended - start))
