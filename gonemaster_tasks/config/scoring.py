"""The configuration of scoring that counts now: the file of the settings, else what is stored, else the default."""

import logging
import threading
import time
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from gonemaster_db.errors import StoreConflict, StoreUnavailable
from gonemaster_db.repositories.settings import read_stamped
from gonemaster_db.session import Store
from gonemaster_engine.errors import ScoringConfigError
from gonemaster_engine.scoring.config import DEFAULT_CONFIG, ScoringConfig, load_config, parse_config
from gonemaster_tasks.config.settings import Settings

log = logging.getLogger(__name__)

SCORING_KEY = "scoring_config"
LOOK_EVERY_S = 1.0


def current_scoring(store: Store, settings: Settings) -> ScoringConfig:
    """Return the configuration that counts now; what another process stored counts after a second.

    While the database is away what was read last counts. Takes a connection of its own now and then: not to be called
    within a session, nor in an event loop.

    Raises:
        ScoringConfigError: the file of the settings is not a configuration.
    """
    if settings.scoring_config_path:
        return _from_file(settings.scoring_config_path)
    return _known_of(store).current(store)


def look_again(store: Store) -> None:
    """Let the next call of this process look at the store: something was stored."""
    _known_of(store).due = 0.0


@lru_cache(maxsize=16)
def _from_file(path: Path) -> ScoringConfig:
    return load_config(path)


def parse_stored(document: Any) -> ScoringConfig:
    """Return a stored configuration; one that this version cannot read is logged and the default counts."""
    try:
        return parse_config(document)
    except ScoringConfigError as error:
        log.warning("stored setting ignored", extra={"key": SCORING_KEY, "problem": str(error)})
        return DEFAULT_CONFIG


class _Stored:
    """What this process knows of the stored configuration of one store."""

    def __init__(self) -> None:
        self.due = 0.0  # when to look again, on the monotonic clock
        self._config = DEFAULT_CONFIG
        self._stamp: datetime | None = None
        self._lock = threading.Lock()

    def current(self, store: Store) -> ScoringConfig:
        if time.monotonic() >= self.due:
            with self._lock:
                if time.monotonic() >= self.due:
                    self._look(store)
        return self._config

    def _look(self, store: Store) -> None:
        self.due = time.monotonic() + LOOK_EVERY_S
        try:
            with store.reading() as session:
                found = read_stamped(session, SCORING_KEY)
        except (StoreUnavailable, StoreConflict) as error:
            log.warning("configuration of scoring not read", extra={"error": str(error)})
            return
        if found is None:
            self._config, self._stamp = DEFAULT_CONFIG, None
        elif found.updated_at != self._stamp:
            self._config, self._stamp = parse_stored(found.value), found.updated_at


_known: WeakKeyDictionary[Store, _Stored] = WeakKeyDictionary()
_known_lock = threading.Lock()


def _known_of(store: Store) -> _Stored:
    with _known_lock:
        return _known.setdefault(store, _Stored())
