"""The jobs that the slots of this process are working on, and the event loop they share."""

import asyncio
import enum
import threading
import time
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any, TypeVar

T = TypeVar("T")


class Stop(enum.Enum):
    """Why a running job is stopped."""

    CANCELED = "canceled"  # on request
    LOST = "lost"  # the claim is another worker's now
    DRAINED = "drained"  # this worker stops


@dataclass
class RunningJob:
    """A claimed job in a slot. `stop` may be called from any thread, at any time, more than once."""

    job_id: str
    attempt: int
    tier: str
    progressed_at: float = field(default_factory=time.monotonic)
    stopped: Stop | None = None
    _task: "asyncio.Task[Any] | None" = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def attach(self) -> None:
        """Bind to the current asyncio task; it is cancelled at once if a stop came first."""
        with self._lock:
            self._task = asyncio.current_task()
            if self.stopped and self._task:
                self._task.cancel()

    def stop(self, reason: Stop) -> None:
        """Cancel the work; the first reason counts, except that a lost claim stands over all."""
        with self._lock:
            if self.stopped is None or reason is Stop.LOST:
                self.stopped = reason
            if self._task and not self._task.done():
                self._task.get_loop().call_soon_threadsafe(self._task.cancel)


class RunningJobs:
    """All jobs of the process, safe for slots and timers."""

    def __init__(self) -> None:
        self._jobs: dict[str, RunningJob] = {}
        self._lock = threading.Lock()

    def add(self, job: RunningJob) -> None:
        """Note a claimed job."""
        with self._lock:
            self._jobs[job.job_id] = job

    def discard(self, job: RunningJob) -> None:
        """Forget a job that has ended."""
        with self._lock:
            if self._jobs.get(job.job_id) is job:
                del self._jobs[job.job_id]

    def ids(self) -> tuple[str, ...]:
        """List the jobs."""
        with self._lock:
            return tuple(self._jobs)

    def idle_seconds(self) -> dict[str, float]:
        """Say for each job how long ago it last made progress."""
        with self._lock:
            jobs = list(self._jobs.values())
        now = time.monotonic()
        return {job.job_id: now - job.progressed_at for job in jobs}

    def stop(self, job_id: str, reason: Stop) -> bool:
        """Stop a job; False if it does not run here."""
        with self._lock:
            job = self._jobs.get(job_id)
        if job is None:
            return False
        job.stop(reason)
        return True

    def stop_all(self, reason: Stop) -> int:
        """Stop every job; return their number."""
        ids = self.ids()
        for job_id in ids:
            self.stop(job_id, reason)
        return len(ids)


class EngineLoop:
    """One event loop in one daemon thread, shared by all slots of the process."""

    def __init__(self) -> None:
        self._loop = _new_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="engine", daemon=True)

    def start(self) -> None:
        """Let the loop turn."""
        self._thread.start()

    def call(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine in the loop and wait for its result in this thread."""
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()  # else the coroutine would go on alone
            raise

    def run(self, job: RunningJob, work: Coroutine[Any, Any, T]) -> T | None:
        """Run the work of a job; None if it was stopped, `job.stopped` then says why."""
        return self.call(_stoppable(job, work))

    def stop(self) -> None:
        """End the loop; nothing may be running in it any more."""
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
