"""The settings of a process as they are now, and the thread that sees when another process changed them."""

import logging
import threading

from gonemaster_db.errors import StoreError
from gonemaster_db.repositories.settings import read_settings, settings_mark
from gonemaster_db.session import Store
from gonemaster_tasks.broker.client import Broker
from gonemaster_tasks.config.settings import Settings
from gonemaster_tasks.config.stored import with_stored
from gonemaster_tasks.errors import BrokerUnavailable

log = logging.getLogger(__name__)

LOOK_EVERY_S = 0.4
_AFTER_FAILURE_S = 2.0


class LiveSettings:
    """What a process was started with in `own`, and over it what was saved over the API in `current`."""

    def __init__(self, own: Settings) -> None:
        self.own = own
        self.current = own
        self._loading = threading.Lock()

    def load(self, store: Store) -> None:
        """Read what is stored. Raises StoreError."""
        with self._loading:  # what is read later must not be replaced by what was read before
            with store.reading() as session:
                stored = read_settings(session)
            self.current = with_stored(self.own, stored)

    def try_load(self, store: Store) -> bool:
        """Read what is stored; while that cannot be done, the settings stay as they are."""
        try:
            self.load(store)
        except StoreError as error:
            log.warning("stored settings not read", extra={"error": str(error)})
            return False
        return True


def tell_stored_settings(store: Store, broker: Broker) -> bool:
    """Tell all processes to read the settings if the last change was not told; whether that was so."""
    with store.reading() as session:
        mark = settings_mark(session)
    if broker.settings_mark().startswith(f"{mark}:"):
        return False
    broker.tell_settings(mark)
    return True


class Follower:
    """One thread of a process; a change is seen by a mark in Redis, its values are read from the database."""

    def __init__(self, live: LiveSettings, store: Store, broker: Broker) -> None:
        self._live = live
        self._store = store
        self._broker = broker
        self._seen: str | None = None
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._work, name="settings", daemon=True)

    def start(self) -> None:
        """Read what is stored, then begin to look for changes."""
        self.look()
        self._thread.start()

    def stop(self) -> None:
        """End."""
        self._ended.set()
        self._thread.join(timeout=10)

    def _work(self) -> None:
        pause_s = LOOK_EVERY_S
        while not self._ended.wait(pause_s):
            pause_s = LOOK_EVERY_S if self._try_look() else _AFTER_FAILURE_S

    def _try_look(self) -> bool:
        try:
            return self.look()
        except Exception:  # the thread must live on
            log.exception("settings not looked at")
            return False

    def look(self) -> bool:
        """Read the settings again if another process told that they changed; False if that failed."""
        try:
            told = self._broker.settings_mark()
        except BrokerUnavailable as error:
            log.debug("settings not looked at", extra={"error": str(error)})
            told = ""
        if self._seen is not None and told in ("", self._seen):  # empty: Redis is away, or has lost it
            return True
        if not self._live.try_load(self._store):
            return False
        self._seen = told
        return True
