"""The effective scoring configuration: the file of the settings, else the stored one, else the default."""

import logging
import threading
import time
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from gonemaster_db.core.errors import StoreError
from gonemaster_db.core.session import Store
from gonemaster_db.service.settings import read_stamped
from gonemaster_engine.errors import ScoringConfigError
from gonemaster_engine.scoring.config import DEFAULT_CONFIG, ScoringConfig, load_config, parse_config
from gonemaster_tasks.config.settings import Settings

log = logging.getLogger(__name__)

SCORING_KEY = "scoring_config"
POLL_INTERVAL_S = 1.0


def current_scoring(store: Store, settings: Settings) -> ScoringConfig:
    """Return the effective configuration; changes by other processes take effect within a second.

    If the database does not answer, the last known configuration stays in effect. Must not be called within a session
    or an event loop: about once a second it opens a separate connection.

    Raises:
        ScoringConfigError: the file named in the settings is not a valid configuration.
    """
    if settings.scoring_config_path:
        return _from_file(settings.scoring_config_path)
    return _cache_of(store).current(store)


def known_scoring(store: Store, settings: Settings) -> ScoringConfig | None:
    """Return the effective configuration if it is known without I/O, otherwise None; may be called in an event loop."""
    return None if settings.scoring_config_path else _cache_of(store).known()


def expire_cached_scoring(store: Store) -> None:
    """Make the next call of `current_scoring` in this process read the store, because the stored value changed."""
    _cache_of(store).due = 0.0


@lru_cache(maxsize=16)
def _from_file(path: Path) -> ScoringConfig:
    return load_config(path)


def parse_stored(document: Any) -> ScoringConfig:
    """Parse a stored configuration; log an invalid one and return the default."""
    try:
        return parse_config(document)
    except ScoringConfigError as error:
        log.warning("invalid stored scoring configuration, ignored", extra={"key": SCORING_KEY, "problem": str(error)})
        return DEFAULT_CONFIG


class _Cache:
    """The last configuration that this process read from one store."""

    def __init__(self) -> None:
        self.due = 0.0  # The time of the next read, on the monotonic clock.
        self._config = DEFAULT_CONFIG
        self._has_read = False
        self._stamp: datetime | None = None
        self._lock = threading.Lock()

    def known(self) -> ScoringConfig | None:
        return self._config if self._has_read and time.monotonic() < self.due else None

    def current(self, store: Store) -> ScoringConfig:
        if time.monotonic() >= self.due:
            with self._lock:
                if time.monotonic() >= self.due:
                    self._refresh(store)
                    self._has_read = True
        return self._config

    def _refresh(self, store: Store) -> None:
        self.due = time.monotonic() + POLL_INTERVAL_S
        try:
            with store.read_only() as session:
                found = read_stamped(session, SCORING_KEY)
        except StoreError as error:
            log.warning("scoring configuration could not be read", extra={"error": str(error)})
            return
        except Exception:  # A database error must not lose a finished run.
            log.exception("scoring configuration could not be read")
            return
        if found is None:
            self._config, self._stamp = DEFAULT_CONFIG, None
        elif found.updated_at != self._stamp:
            self._config, self._stamp = parse_stored(found.value), found.updated_at


_caches: WeakKeyDictionary[Store, _Cache] = WeakKeyDictionary()
_caches_lock = threading.Lock()


def _cache_of(store: Store) -> _Cache:
    with _caches_lock:
        return _caches.setdefault(store, _Cache())
