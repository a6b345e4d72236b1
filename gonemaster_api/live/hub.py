"""The hub: two threads that read live events for all viewers of a process, from Redis and from the database."""

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable

from gonemaster_api.batch_counts import BatchWatch
from gonemaster_api.live.jobs import PAGE, Delivery, JobViewers
from gonemaster_api.live.store_looks import StoreLooks
from gonemaster_api.live.texts import (
    KEEP_ALIVE,
    NOTHING,
    Piece,
    come_back,
    counts_id,
    counts_text,
    done_text,
    is_finished,
)
from gonemaster_api.live.viewers import End, Viewer
from gonemaster_db.core.session import Store
from gonemaster_tasks.broker.events import Events
from gonemaster_tasks.repeating import FailureLog

KEEP_ALIVE_S = 15.0
READ_EVERY_S = 0.2  # workers send events as often
_AFTER_FAILURE_S = 1.0
_LAST_EVENTS_S = 1.0  # that may still come from Redis when the database has the end
_MARK_EVERY_S = 3.0  # workers send events of a watched job for ten seconds


class EventHub:
    """Serves all viewers of a process. Its threads begin with the first viewer, and end with the last one.

    One thread reads Redis, for all watched jobs in one exchange, and sends; it waits for no client. The other one looks
    at the database, which may take long, and leaves what it found to the first.
    """

    def __init__(self, store: Store, events: Events, batches: BatchWatch, *, stopping: End) -> None:
        self._events = events
        self._looks = StoreLooks(store, batches)
        self._stopping = stopping
        self._lock = threading.Lock()  # of what follows, down to `_running`
        self._viewers: set[Viewer] = set()
        self._jobs = JobViewers()
        self._of_batch: dict[str, set[Viewer]] = defaultdict(set)
        self._running: dict[str, threading.Thread] = {}
        self._pause = threading.Condition(self._lock)
        self._marked: dict[str, float] = {}  # watched job to the time of its mark
        self._read_failures = FailureLog("live events")
        self._turn_failures = FailureLog("viewers")
        self._next_read = self._next_check = 0.0

    @property
    def viewers(self) -> int:
        """The number of viewers."""
        return len(self._viewers)

    def follow_job(self, viewer: Viewer, job_id: str, *, after: str) -> None:
        """Serve a viewer what is behind an event of a job, "0" for all that is kept."""
        viewer.topic, viewer.position = job_id, after
        with self._lock:
            self._viewers.add(viewer)
            self._jobs.add(viewer)
            self._start_threads()

    def follow_batch(self, viewer: Viewer, batch_id: str, *, seen: str) -> None:
        """Serve a viewer the counts of a batch whenever they differ from those that it has seen (their id)."""
        viewer.topic, viewer.position = batch_id, seen
        with self._lock:
            self._viewers.add(viewer)
            self._of_batch[batch_id].add(viewer)
            self._start_threads()

    def leave(self, viewer: Viewer) -> None:
        """Serve a viewer no more; safe to repeat."""
        with self._lock:
            self._discard(viewer)

    def close(self) -> None:
        """Serve nobody any more, and wait for the threads."""
        with self._lock:
            everyone, threads = tuple(self._viewers), tuple(self._running.values())
        self._end(everyone, NOTHING)
        for thread in threads:
            thread.join()

    def _discard(self, viewer: Viewer) -> None:
        self._viewers.discard(viewer)
        if not self._viewers:
            self._pause.notify_all()
        self._jobs.discard(viewer)
        of_batch = self._of_batch.get(viewer.topic)
        if of_batch is not None:
            of_batch.discard(viewer)
            if not of_batch:
                del self._of_batch[viewer.topic]

    # Threads.

    def _start_threads(self) -> None:
        for name, turn in (("viewers", self._turn), ("ends", self._look_at_store)):
            if name not in self._running:
                thread = threading.Thread(target=self._repeat, args=(name, turn), name=f"live-{name}", daemon=True)
                self._running[name] = thread
                thread.start()

    def _repeat(self, name: str, turn: Callable[[], float]) -> None:
        while True:
            pause_s = turn()
            with self._lock:
                if self._viewers:
                    self._pause.wait(pause_s)
                if not self._viewers:
                    del self._running[name]
                    return

    # The thread that sends.

    def _turn(self) -> float:
        began = time.monotonic()
        try:
            self._serve(began)
        except Exception as error:  # noqa: BLE001 - whatever it is, the other viewers are served on
            self._turn_failures.failed(error)
        else:
            self._turn_failures.succeeded()
        # A turn that takes long is followed by a pause as long, so that this thread never has more than half a core.
        return max(READ_EVERY_S, time.monotonic() - began)

    def _serve(self, now: float) -> None:
        if self._stopping.is_set():
            with self._lock:
                everyone = tuple(self._viewers)
            self._end(everyone, NOTHING)
            return
        if now >= self._next_read:
            self._read(now)
        self._tell_counts(now)
        self._tell_ends(now)
        if now >= self._next_check:
            self._next_check = now + min(1.0, KEEP_ALIVE_S)
            self._check(now)

    def _read(self, now: float) -> None:
        with self._lock:
            cursors, jobs = self._jobs.cursors(), self._jobs.jobs
        if not jobs:
            return
        due = [job_id for job_id in jobs if now >= self._marked.get(job_id, 0.0) + _MARK_EVERY_S]
        try:
            read = self._events.read_many(cursors, count=PAGE, mark=due)
        except Exception as error:  # noqa: BLE001 - most often Redis is away; viewers stay and are kept alive
            self._read_failures.failed(error)
            self._next_read = now + _AFTER_FAILURE_S
            return
        self._read_failures.succeeded()
        self._marked = {job_id: self._marked.get(job_id, 0.0) for job_id in jobs} | dict.fromkeys(due, now)
        with self._lock:
            deliveries = list(self._jobs.advance(zip(cursors, read, strict=True)))
        for delivery in deliveries:
            self._deliver(delivery, now)

    def _deliver(self, delivery: Delivery, now: float) -> None:
        if delivery.last:
            self._end(delivery.viewers, delivery.piece)
        else:
            self._send(delivery.viewers, delivery.piece, now)

    def _send(self, viewers: Iterable[Viewer], piece: Piece, now: float) -> None:
        left_out = [viewer for viewer in viewers if not viewer.send(piece, now=now)]
        self._end(left_out, NOTHING)

    def _end(self, viewers: Iterable[Viewer], piece: Piece) -> None:
        for viewer in viewers:
            self.leave(viewer)
            if self._stopping.is_set():  # which ends all of them, in whatever part of a turn it is seen first
                viewer.outlet.end(come_back() if piece is NOTHING else piece)
            else:
                viewer.outlet.end(NOTHING if viewer.end.is_set() else piece)

    def _tell_counts(self, now: float) -> None:
        for batch_id, counts in self._looks.counted():
            with self._lock:
                viewers = tuple(self._of_batch.get(batch_id, ()))
            if counts is None:
                self._end(viewers, Piece(done_text("deleted")))
            elif is_finished(counts):
                self._end(viewers, Piece(counts_text(counts)))
            else:
                identity = counts_id(counts)
                behind = [viewer for viewer in viewers if viewer.position != identity and viewer.outlet.ready]
                for viewer in behind:
                    viewer.position = identity
                self._send(behind, Piece(counts_text(counts)), now)

    def _tell_ends(self, now: float) -> None:
        for job_id, status in self._looks.ended(before=now - _LAST_EVENTS_S):
            with self._lock:
                viewers = self._jobs.of(job_id)
            self._end(viewers, Piece(done_text(status)))

    def _check(self, now: float) -> None:
        """Keep quiet streams alive, and end those of viewers that may see no more."""
        with self._lock:
            everyone = tuple(self._viewers)
        self._end([viewer for viewer in everyone if viewer.end.is_set()], NOTHING)
        quiet = [viewer for viewer in everyone if now - viewer.sent_at >= KEEP_ALIVE_S and viewer.outlet.ready]
        self._send([viewer for viewer in quiet if not viewer.end.is_set()], KEEP_ALIVE, now)

    # The thread that looks at the database.

    def _look_at_store(self) -> float:
        with self._lock:
            jobs, batches = self._jobs.jobs, list(self._of_batch)
        return self._looks.look(jobs, batches)
