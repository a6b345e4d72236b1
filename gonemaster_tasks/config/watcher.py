"""The thread of a process that notices when another process has changed the settings."""

import logging
import threading

from gonemaster_db.repositories.settings import settings_revision
from gonemaster_db.session import Store
from gonemaster_tasks.broker.client import Broker
from gonemaster_tasks.config.live import LiveSettings
from gonemaster_tasks.errors import BrokerUnavailable

log = logging.getLogger(__name__)

POLL_INTERVAL_S = 0.4
_RETRY_AFTER_S = 2.0


def republish_settings(store: Store, broker: Broker) -> bool:
    """Make all processes read the settings if the last change was not published; return whether that was so."""
    with store.read_only() as session:
        mark = settings_revision(session)
    if broker.marks.settings_mark().startswith(f"{mark}:"):
        return False
    broker.marks.publish_settings(mark)
    return True


class SettingsWatcher:
    """Polls a mark in Redis, which is cheap, and reads the database only when the mark has changed."""

    def __init__(self, live: LiveSettings, store: Store, broker: Broker) -> None:
        self._live = live
        self._store = store
        self._broker = broker
        self._seen: str | None = None
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._work, name="settings", daemon=True)

    def start(self) -> None:
        """Read the overrides once, then poll in a thread."""
        self.poll()
        self._thread.start()

    def stop(self) -> None:
        """Stop the thread and wait for it."""
        self._stopped.set()
        self._thread.join(timeout=10)

    def _work(self) -> None:
        pause_s = POLL_INTERVAL_S
        while not self._stopped.wait(pause_s):
            pause_s = POLL_INTERVAL_S if self._try_poll() else _RETRY_AFTER_S

    def _try_poll(self) -> bool:
        try:
            return self.poll()
        except Exception:  # the thread must survive
            log.exception("settings watcher failed, it tries again")
            return False

    def poll(self) -> bool:
        """Read the overrides if another process has changed them; return False if that failed."""
        try:
            mark = self._broker.marks.settings_mark()
        except BrokerUnavailable as error:
            log.debug("mark of the settings could not be read", extra={"error": str(error)})
            mark = ""
        if self._seen is not None and mark in ("", self._seen):  # empty: Redis is unavailable or has lost it
            return True
        if not self._live.try_load(self._store):
            return False
        self._seen = mark
        return True
