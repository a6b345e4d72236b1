"""RedBeat's scheduler, but for its ends: a Redis that is away, or a lost lock, makes beat wait and not exit."""

import logging
from typing import Any

import redis
from celery.beat import SchedulingError
from kombu.exceptions import OperationalError
from redbeat import RedBeatScheduler
from redbeat.schedulers import get_redis

from gonemaster_tasks.broker.connection import reachable
from gonemaster_tasks.broker.lists import WaitingLists
from gonemaster_tasks.errors import BrokerUnavailable
from gonemaster_tasks.queues import ROUTES
from gonemaster_tasks.repeating import FailureLog

log = logging.getLogger(__name__)

_LONGEST_PAUSE_S = 8.0  # below a third of the life of the lock, so that a short failure does not cost it


def pause_after(failures: int) -> float:
    """Return the seconds to wait after so many consecutive failures: 1, 2, 4, 8, 8, ..."""
    return min(_LONGEST_PAUSE_S, 2.0 ** (min(failures, 10) - 1))


class Scheduler(RedBeatScheduler):
    """Sends what is due while it holds the lock; without it, tries to get it in each tick.

    The client must be lent to the application before (`BeatSchedule.lend_client`).
    """

    def __init__(self, app: Any, **options: Any) -> None:
        super().__init__(app, **options)
        # RedBeat waits for its lock when beat starts, and ends with it. It leaves both out where the key is empty.
        self._lock_key: str = app.redbeat_conf.lock_key
        self.lock_key = None
        self._held: Any = None
        self._stands_by = False
        self._failures = FailureLog("beat")

    def setup_schedule(self) -> None:
        """Write nothing yet: entries belong to the holder of the lock."""

    def tick(self, **options: Any) -> float:
        """Send what is due; returns the seconds to wait. Whatever fails is tried again."""
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
        except (SchedulingError, OperationalError) as error:  # of Celery and kombu, which wrap what redis-py raised
            raise BrokerUnavailable(str(error)) from error

    def _holds_lock(self) -> bool:
        """Extend the lock, or try to get it."""
        if self._held is not None:
            try:
                return bool(self._held.extend(self.lock_timeout, replace_ttl=True))
            except redis.exceptions.LockError:  # expired while Redis was away, or lost with its content
                log.warning("beat lost its lock, waiting for it")
                self._held = None
        lock = get_redis(self.app).lock(self._lock_key, timeout=self.lock_timeout)
        if not lock.acquire(blocking=False):
            if not self._stands_by:  # once, or who looks at it finds a beat that seems to do nothing
                log.info("another beat has the lock, standing by")
            self._stands_by = True
            return False
        self._held, self._stands_by = lock, False
        super().setup_schedule()
        log.info("beat has the lock")
        return True

    def maybe_due(self, entry: Any, **options: Any) -> float:
        """Send an entry if it is due. Raises what RedBeat would log with a traceback each second."""
        is_due, next_s = entry.is_due()
        if is_due:
            log.info("Sending due task", extra={"entry": entry.name, "task": entry.task})
            self.apply_async(entry, **options)
        return float(next_s)

    def apply_async(self, entry: Any, producer: Any = None, advance: bool = True, **options: Any) -> Any:
        """Send an entry; a duty of the service is left out where one waits already, as while there is no worker."""
        if entry.task not in ROUTES or entry.args or entry.kwargs:
            return super().apply_async(entry, producer=producer, advance=advance, **options)
        if advance:
            self.reserve(entry)
        if not WaitingLists(get_redis(self.app)).call(entry.task):
            log.debug("task not sent, one waits already", extra={"task": entry.task})
        return None

    def _ensure_connected(self) -> Any:
        # Celery would try for ever in here, while the lock expires.
        return self.connection.ensure_connection(max_retries=1)

    def close(self) -> None:
        """Give the lock back; called by the handler of SIGTERM, so nothing may keep the process."""
        held, self._held = self._held, None
        try:
            if held is not None:
                held.release()
        except redis.RedisError as error:
            log.warning("lock not released, it expires by itself", extra={"error": str(error)})
        super().close()
