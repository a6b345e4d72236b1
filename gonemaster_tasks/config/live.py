"""The current settings of a process: its startup settings with the overrides from the database."""

import logging
import threading
from dataclasses import replace

from gonemaster_db.core.errors import StoreError
from gonemaster_db.core.session import Store
from gonemaster_db.service.access import has_tokens
from gonemaster_db.service.settings import read_settings
from gonemaster_tasks.config.overrides import with_overrides
from gonemaster_tasks.config.settings import Settings

log = logging.getLogger(__name__)


class LiveSettings:
    """The settings of a running process: `base` are the startup settings, `current` includes the overrides."""

    def __init__(self, base: Settings) -> None:
        self.base = base
        self.current = base
        self._loading = threading.Lock()

    def load(self, store: Store) -> None:
        """Read the overrides. Raises StoreError."""
        with self._loading:  # A thread that has read older overrides must not write last.
            self.base = replace(self.base, stored_tokens=has_tokens(store))
            with store.read_only() as session:
                overrides = read_settings(session)
            self.current = with_overrides(self.base, overrides)

    def try_load(self, store: Store) -> bool:
        """Read the overrides and return whether that succeeded; on failure the settings stay unchanged."""
        try:
            self.load(store)
        except StoreError as error:
            log.warning("overrides of settings could not be read", extra={"error": str(error)})
            return False
        return True
