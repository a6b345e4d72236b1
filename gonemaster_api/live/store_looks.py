"""What the database says of watched jobs and batches: which have ended, and the counts."""

import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence

from gonemaster_api import batch_counts
from gonemaster_api.batch_counts import BatchWatch
from gonemaster_db.core.errors import BatchNotFound
from gonemaster_db.core.session import Store
from gonemaster_db.queue.jobs import find_ends
from gonemaster_tasks.repeating import FailureLog

LOOK_EVERY_S = 3.0  # Redis may lose events; the database always has the end
Counted = tuple[str, Mapping[str, int] | None]


class StoreLooks:
    """Looks in one thread, and keeps what it found for another one."""

    def __init__(self, store: Store, batches: BatchWatch) -> None:
        self._store = store
        self._batches = batches
        self._counted: deque[Counted] = deque()
        self._ended: Mapping[str, tuple[str, float]] = {}  # status of a job, and when it was found; replaced as a whole
        self._next_look = 0.0
        self._failures = FailureLog("ends of watched jobs")

    def look(self, jobs: Sequence[str], batches: Sequence[str]) -> float:
        """Look at what is watched, and return the seconds until the next look."""
        try:
            if time.monotonic() >= self._next_look:
                self._next_look = time.monotonic() + LOOK_EVERY_S
                self._find_ends(jobs)
            for batch_id in batches:
                self._count(batch_id)
        except Exception as error:  # noqa: BLE001 - most often the database is away; it is asked again
            self._failures.failed(error)
        else:
            self._failures.succeeded()
        return min(batch_counts.COUNT_EVERY_S, LOOK_EVERY_S) or 0.01

    def _find_ends(self, jobs: Sequence[str]) -> None:
        with self._store.read_only() as session:
            found = find_ends(session, jobs)
        now = time.monotonic()
        self._ended = {job_id: (status, self._ended.get(job_id, ("", now))[1]) for job_id, status in found.items()}

    def _count(self, batch_id: str) -> None:
        try:
            counts = self._batches.counts(self._store, batch_id)
        except BatchNotFound:
            self._counted.append((batch_id, None))
        else:
            if counts is not None:
                self._counted.append((batch_id, counts))

    def counted(self) -> Iterator[Counted]:
        """Yield each batch that was looked at with its counts, None if it is gone."""
        while self._counted:
            yield self._counted.popleft()

    def ended(self, *, before: float) -> list[tuple[str, str]]:
        """Return id and status of the jobs whose end was found before a time of the monotonic clock."""
        return [(job_id, status) for job_id, (status, found_at) in self._ended.items() if found_at <= before]
