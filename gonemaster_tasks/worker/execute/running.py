"""The jobs in the slots of this process, and the event loop they share."""

import asyncio
import enum
import threading
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, TypeVar

T = TypeVar("T")


class Stop(enum.Enum):
    """The reason to stop a running job."""

    CANCELED = "canceled"  # on request
    LOST = "lost"  # Another worker has the claim.
    DRAINED = "drained"  # This worker stops.
    OFFLINE = "offline"  # The network of this worker failed.
    UNSTARTED = "unstarted"  # Its separate process did not start.


@dataclass
class RunningJob:
    """A job in a slot; `attempt` is 0 until the job is claimed. `stop` is thread-safe and may be called repeatedly."""

    job_id: str
    tier: str
    attempt: int = 0
    progressed_at: float = field(default_factory=time.monotonic)
    stopped: Stop | None = None
    failure: str = ""  # How the separate process of the job ended.
    has_result: bool = False  # The test has ended, and its result could not be stored yet.
    is_given_back: bool = False  # The message was requeued while the claim has no reply.
    _cancel: Callable[[], object] | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def attach(self) -> None:
        """Bind to the current asyncio task."""
        task = asyncio.current_task()
        if task is not None:
            loop = task.get_loop()
            self.bind(lambda: None if task.done() else loop.call_soon_threadsafe(task.cancel))

    def bind(self, cancel: Callable[[], object]) -> None:
        """Register the function that cancels the work; it is called immediately if the job was already stopped."""
        with self._lock:
            self._cancel = cancel
            if self.stopped:
                cancel()

    def stop(self, reason: Stop) -> None:
        """Cancel the work; the first reason counts, except that a lost claim overrides all others."""
        with self._lock:
            if self.stopped is None or reason is Stop.LOST:
                self.stopped = reason
            if self._cancel:
                self._cancel()


class RunningJobs:
    """All jobs of the process. Thread-safe."""

    def __init__(self) -> None:
        self._jobs: dict[str, RunningJob] = {}
        self._lock = threading.Lock()

    def add(self, job: RunningJob) -> None:
        """Add a job before its claim: a cancellation right after the claim must find it."""
        with self._lock:
            self._jobs[job.job_id] = job

    def discard(self, job: RunningJob) -> None:
        """Remove a job that has ended."""
        with self._lock:
            if self._jobs.get(job.job_id) is job:
                del self._jobs[job.job_id]

    def ids(self) -> tuple[str, ...]:
        """Return the ids of the claimed jobs."""
        with self._lock:
            return tuple(job_id for job_id, job in self._jobs.items() if job.attempt)

    def count(self) -> int:
        """Return the number of claimed jobs."""
        return len(self.ids())

    def with_results(self) -> tuple[str, ...]:
        """Return the ids of the jobs whose results could not be stored yet."""
        with self._lock:
            return tuple(job_id for job_id, job in self._jobs.items() if job.has_result)

    def unclaimed(self) -> list[RunningJob]:
        """Return the jobs that wait for the reply to their claim."""
        with self._lock:
            return [job for job in self._jobs.values() if not job.attempt]

    def idle_seconds(self) -> dict[str, float]:
        """Return for each job the seconds since its last progress."""
        with self._lock:
            jobs = [job for job in self._jobs.values() if job.attempt]
        now = time.monotonic()
        return {job.job_id: now - job.progressed_at for job in jobs}

    def stop(self, job_id: str, reason: Stop) -> bool:
        """Stop a job; return False if it does not run here."""
        with self._lock:
            job = self._jobs.get(job_id)
        if job is None:
            return False
        job.stop(reason)
        return True

    def stop_all(self, reason: Stop) -> int:
        """Stop every job; return their number."""
        with self._lock:
            jobs = list(self._jobs.values())
        for job in jobs:
            job.stop(reason)
        return len(jobs)


class EngineLoop:
    """One event loop in one daemon thread, shared by all slots of the process."""

    def __init__(self) -> None:
        self._loop = _new_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="engine", daemon=True)

    def start(self) -> None:
        """Start the loop."""
        self._thread.start()

    def call_soon(self, function: Callable[[], object]) -> None:
        """Schedule a function in the loop, from any thread."""
        self._loop.call_soon_threadsafe(function)

    def call_later(self, delay_s: float, function: Callable[[], object]) -> None:
        """Schedule a function in the loop after a delay; call this in the loop."""
        self._loop.call_later(delay_s, function)

    def call(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine in the loop and wait for its result in this thread."""
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()  # Otherwise the coroutine would continue.
            raise

    def run(self, job: RunningJob, work: Coroutine[Any, Any, T]) -> T | None:
        """Run the work of a job; return None if it was stopped (see `job.stopped`)."""
        return self.call(_stoppable(job, work))

    def stop(self) -> None:
        """Stop the loop; no work may be running."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=5)
        if not self._thread.is_alive():
            self._loop.close()


async def _stoppable(job: RunningJob, work: Coroutine[Any, Any, T]) -> T | None:
    job.attach()
    try:
        return await work
    except asyncio.CancelledError:
        if job.stopped is None:
            raise
        return None


def _new_loop() -> asyncio.AbstractEventLoop:
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop()
    loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
    return loop
