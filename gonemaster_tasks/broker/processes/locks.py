"""Short locks in Redis for work of one process at a time, renewed while the holder works."""

import logging
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from gonemaster_tasks.broker import keys
from gonemaster_tasks.broker.connection import reachable
from gonemaster_tasks.errors import BrokerUnavailable
from gonemaster_tasks.repeating import RepeatedTask

log = logging.getLogger(__name__)

LIFE = timedelta(seconds=15)  # The longest time for which a killed holder blocks other processes.
TIMEOUT = timedelta(seconds=30)
_CHECK_INTERVAL_S = 0.02
# Compare and change atomically: between a GET and a DEL the lock could expire and pass to another holder.
_IF_OURS = 'return redis.call("GET", KEYS[1]) == ARGV[1] and '


class Lock:
    """A held lock, renewed three times per lifetime."""

    def __init__(self, locks: "Locks", name: str, holder: str, life: timedelta) -> None:
        self._locks = locks
        self._name = name
        self._holder = holder
        self._life = life
        # The holder checks the lock before each critical step, so a failed renewal is only logged.
        self._task = RepeatedTask(f"lock {name}", self.check, pause_s=life.total_seconds() / 3)

    def check(self) -> None:
        """Verify that the lock is still held, before a step that requires it.

        Raises:
            BrokerUnavailable: the lock expired (this process stalled, or Redis lost it), or Redis does not answer.
        """
        if not self._locks.renew(self._name, self._holder, self._life):
            raise BrokerUnavailable(f"the lock {self._name} was lost")

    def start(self) -> None:
        """Start renewing the lock."""
        self._task.start()

    def release(self) -> None:
        """Release the lock; if Redis does not answer, the lock expires."""
        self._task.stop()
        try:
            self._locks.release(self._name, self._holder)
        except BrokerUnavailable:
            log.debug("lock not released, it will expire", extra={"lock": self._name})


class Locks:
    """Locks by name. All methods raise BrokerUnavailable."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._renew = client.register_script(_IF_OURS + 'redis.call("PEXPIRE", KEYS[1], ARGV[2])')
        self._release = client.register_script(_IF_OURS + 'redis.call("DEL", KEYS[1])')

    def acquire(self, name: str, holder: str, life: timedelta) -> bool:
        """Acquire a lock that expires after `life`; return False if another holder has it."""
        with reachable():
            return bool(self._client.set(keys.lock(name), holder, nx=True, px=_milliseconds(life)))

    def renew(self, name: str, holder: str, life: timedelta) -> bool:
        """Extend a lock to `life` from now; return False if this holder has lost it."""
        with reachable():
            return bool(self._renew(keys=[keys.lock(name)], args=[holder, _milliseconds(life)]))

    def holder(self, name: str) -> str:
        """Return the holder of a lock, empty if it is free."""
        with reachable():
            return self._client.get(keys.lock(name)) or ""

    def release(self, name: str, holder: str) -> None:
        """Release a lock if this holder still has it."""
        with reachable():
            self._release(keys=[keys.lock(name)], args=[holder])

    @contextmanager
    def attempt(self, name: str) -> Iterator[Lock | None]:
        """Hold a lock for the block; yield None if another holder has it. Raises BrokerUnavailable."""
        holder = secrets.token_hex(8)
        if not self.acquire(name, holder, LIFE):
            yield None
            return
        with self._held(name, holder) as lock:
            yield lock

    @contextmanager
    def exclusive(self, name: str, *, timeout: timedelta = TIMEOUT) -> Iterator[Lock]:
        """Hold a lock for the block, waiting at most `timeout` for it.

        Raises:
            BrokerUnavailable: another holder kept the lock, or Redis does not answer.
        """
        holder, deadline = secrets.token_hex(8), time.monotonic() + timeout.total_seconds()
        while not self.acquire(name, holder, LIFE):
            if time.monotonic() > deadline:
                raise BrokerUnavailable(f"another process holds the lock {name}")
            time.sleep(_CHECK_INTERVAL_S)
        with self._held(name, holder) as lock:
            yield lock

    @contextmanager
    def _held(self, name: str, holder: str) -> Iterator[Lock]:
        lock = Lock(self, name, holder, LIFE)
        lock.start()
        try:
            yield lock
        finally:
            lock.release()


def _milliseconds(life: timedelta) -> int:
    return int(life.total_seconds() * 1000)
