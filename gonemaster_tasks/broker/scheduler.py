"""RedBeat's scheduler, except that beat waits instead of exiting if Redis is unavailable or the lock is lost."""

import logging
from typing import Any

import redis
from celery.beat import SchedulingError
from kombu.exceptions import OperationalError
from redbeat import RedBeatScheduler
from redbeat.schedulers import get_redis

from gonemaster_tasks.broker.connection import reachable
from gonemaster_tasks.broker.queue.lists import WaitingLists
from gonemaster_tasks.errors import BrokerUnavailable
from gonemaster_tasks.queues import ROUTES
from gonemaster_tasks.repeating import FailureLog

log = logging.getLogger(__name__)

_MAX_PAUSE_S = 3.0  # Below a third of the lock's life, so that a short failure does not lose the lock.


def pause_after(failures: int) -> float:
    """Return the seconds to wait after a number of consecutive failures: 1, 2, 3, 3, ..."""
    return min(_MAX_PAUSE_S, 2.0 ** (min(failures, 10) - 1))


class Scheduler(RedBeatScheduler):
    """A scheduler that sends due tasks while it holds the lock, and otherwise tries to acquire it in each tick.

    Call `BeatSchedule.share_client` before creating it.
    """

    def __init__(self, app: Any, **options: Any) -> None:
        super().__init__(app, **options)
        # RedBeat waits for its lock when beat starts, and exits if it loses the lock. With an empty key it does
        # neither.
        self._lock_key: str = app.redbeat_conf.lock_key
        self.lock_key = None
        self._held: Any = None
        self._is_standby = False
        self._failures = FailureLog("beat")

    def setup_schedule(self) -> None:
        """Write nothing yet: only the holder of the lock writes entries."""

    def tick(self, **options: Any) -> float:
        """Send due tasks; return the seconds to wait. Every failure is retried."""
        try:
            pause_s = self._tick(**options)
        except Exception as error:  # noqa: BLE001 - beat must outlive everything that Redis answers
            self._failures.failed(error)
            return pause_after(self._failures.count)
        self._failures.succeeded()
        return pause_s

    def _tick(self, **options: Any) -> float:
        try:
            with reachable():
                return float(super().tick(**options) if self._holds_lock() else self.max_interval)
        except (SchedulingError, OperationalError) as error:  # Celery and kombu wrap the errors of redis-py.
            raise BrokerUnavailable(str(error)) from error

    def _holds_lock(self) -> bool:
        """Extend the lock, or try to acquire it."""
        if self._held is not None:
            try:
                return bool(self._held.extend(self.lock_timeout, replace_ttl=True))
            except redis.exceptions.LockError:  # Expired while Redis was unavailable, or lost with its content.
                log.warning("beat lost its lock, waiting to acquire it")
                self._held = None
        lock = get_redis(self.app).lock(self._lock_key, timeout=self.lock_timeout)
        if not lock.acquire(blocking=False):
            if not self._is_standby:  # Logged once, to explain why a standby beat is idle.
                log.info("another beat holds the lock, standing by")
            self._is_standby = True
            return False
        self._held, self._is_standby = lock, False
        super().setup_schedule()
        log.info("beat acquired the lock")
        return True

    def maybe_due(self, entry: Any, **options: Any) -> float:
        """Send an entry if it is due. Raises the errors that RedBeat would log with a traceback every second."""
        is_due, next_s = entry.is_due()
        if is_due:
            log.info("Sending due task", extra={"entry": entry.name, "task": entry.task})
            self.apply_async(entry, **options)
        return float(next_s)

    def apply_async(self, entry: Any, producer: Any = None, advance: bool = True, **options: Any) -> Any:
        """Send an entry; skip a maintenance task that is already waiting, for example while no worker runs."""
        if entry.task not in ROUTES or entry.args or entry.kwargs:
            return super().apply_async(entry, producer=producer, advance=advance, **options)
        if advance:
            self.reserve(entry)
        if not WaitingLists(get_redis(self.app)).call(entry.task):
            log.debug("task not sent, a call is already waiting", extra={"task": entry.task})
        return None

    def _ensure_connected(self) -> Any:
        # Celery would retry here forever, while the lock expires.
        return self.connection.ensure_connection(max_retries=1)

    def close(self) -> None:
        """Release the lock; the SIGTERM handler calls this, so it must not block the process."""
        held, self._held = self._held, None
        try:
            if held is not None:
                held.release()
        except redis.RedisError as error:
            log.warning("lock not released, it will expire", extra={"error": str(error)})
        super().close()
