"""What one process does at a time: a short lock in Redis, renewed while its holder works."""

import logging
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from gonemaster_tasks.broker.client import Broker
from gonemaster_tasks.errors import BrokerUnavailable

log = logging.getLogger(__name__)

LIFE = timedelta(seconds=15)  # so long at most a killed holder keeps others waiting
PATIENCE = timedelta(seconds=30)
_LOOK_EVERY_S = 0.02


class Lock:
    """A lock that is held; a thread renews it three times in its life."""

    def __init__(self, broker: Broker, name: str, holder: str, life: timedelta) -> None:
        self._broker = broker
        self._name = name
        self._holder = holder
        self._life = life
        self._released = threading.Event()
        self._thread = threading.Thread(target=self._renew, name=f"lock {name}", daemon=True)

    def check(self) -> None:
        """Make sure that the lock is held still, before a step that must not happen without it.

        Raises:
            BrokerUnavailable: it ended (this process stood still, or Redis lost it), or Redis does not answer.
        """
        if not self._broker.renew_lock(self._name, self._holder, self._life):
            raise BrokerUnavailable(f"the lock {self._name} was lost")

    def start(self) -> None:
        """Begin to renew."""
        self._thread.start()

    def release(self) -> None:
        """Give the lock back; without an answer of Redis it ends by itself."""
        self._released.set()
        self._thread.join()
        try:
            self._broker.unlock(self._name, self._holder)
        except BrokerUnavailable:
            log.debug("lock not given back, it ends by itself", extra={"lock": self._name})

    def _renew(self) -> None:
        while not self._released.wait(self._life.total_seconds() / 3):
            try:
                self.check()
            except BrokerUnavailable as error:  # who holds it asks before each step that matters
                log.warning("lock not renewed", extra={"lock": self._name, "error": str(error)})


@contextmanager
def exclusive(broker: Broker, name: str, *, patience: timedelta = PATIENCE) -> Iterator[Lock]:
    """Hold a lock for the block, waiting for it at most `patience`.

    Raises:
        BrokerUnavailable: another one held it all the time, or Redis does not answer.
    """
    holder, deadline = secrets.token_hex(8), time.monotonic() + patience.total_seconds()
    while not broker.try_lock(name, holder, LIFE):
        if time.monotonic() > deadline:
            raise BrokerUnavailable(f"another process holds the lock {name}")
        time.sleep(_LOOK_EVERY_S)
    lock = Lock(broker, name, holder, LIFE)
    lock.start()
    try:
        yield lock
    finally:
        lock.release()
