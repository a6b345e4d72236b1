"""The repeated task of a process that detects changes of the settings by other processes."""

import logging
import math

from gonemaster_db.core.session import Store
from gonemaster_db.service.settings import settings_revision
from gonemaster_tasks.broker.client import Broker
from gonemaster_tasks.config.live import LiveSettings
from gonemaster_tasks.errors import BrokerUnavailable
from gonemaster_tasks.repeating import BEAT_S, RepeatedTask

log = logging.getLogger(__name__)

_RETRY_AFTER_S = 2.0


def republish_settings(store: Store, broker: Broker) -> bool:
    """Make all processes read the settings if the last change was not published; return whether that was the case."""
    with store.read_only() as session:
        mark = settings_revision(session)
    if broker.marks.settings_mark().startswith(f"{mark}:"):
        return False
    broker.marks.publish_settings(mark)
    return True


class SettingsWatcher:
    """Polls a mark in Redis, which is cheap, and reads the database only if the mark has changed.

    If `polls` is False, another task of the process reads the mark together with other marks and calls `follow`.
    """

    def __init__(self, live: LiveSettings, store: Store, broker: Broker, *, polls: bool = True) -> None:
        self._live = live
        self._store = store
        self._broker = broker
        self._seen: str | None = None
        pause_s = BEAT_S if polls else math.inf
        self._task = RepeatedTask("settings", self._follow, pause_s=pause_s, retry_s=_RETRY_AFTER_S)

    def start(self) -> None:
        """Read the overrides once, then poll regularly."""
        self.poll()
        self._task.start()

    def stop(self) -> None:
        """Stop polling."""
        self._task.stop()

    def poll(self) -> bool:
        """Read the overrides if another process has changed them; return False on failure."""
        return self._task.attempt()

    def follow(self, mark: str) -> None:
        """Request a read of the overrides if this mark differs from the last one."""
        if mark not in ("", self._seen):
            self._task.wake()

    def _follow(self) -> None:
        try:
            mark = self._broker.marks.settings_mark()
        except BrokerUnavailable as error:
            log.debug("settings mark could not be read", extra={"error": str(error)})
            mark = ""
        # An empty mark means that Redis is unavailable or has lost it.
        if self._seen is None or mark not in ("", self._seen):
            self._live.load(self._store)
            self._seen = mark
