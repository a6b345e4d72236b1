"""All settings of tasks, API and server, joined from the areas into one immutable value."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from gonemaster_tasks.config.areas.access import AccessOptions
from gonemaster_tasks.config.areas.analysis import AnalysisOptions
from gonemaster_tasks.config.areas.database import DatabaseOptions
from gonemaster_tasks.config.areas.display import DisplayOptions
from gonemaster_tasks.config.areas.engine import EngineOptions
from gonemaster_tasks.config.areas.notifications import NotificationOptions
from gonemaster_tasks.config.areas.queue import QueueOptions
from gonemaster_tasks.config.areas.server import ServerOptions
from gonemaster_tasks.config.options import PREFIX, Option, options_of

AREAS: Mapping[str, type] = {
    "Server": ServerOptions,
    "Queue and workers": QueueOptions,
    "Engine": EngineOptions,
    "Database": DatabaseOptions,
    "Public API and access": AccessOptions,
    "Analysis and external data": AnalysisOptions,
    "Notifications": NotificationOptions,
    "Display": DisplayOptions,
}
SOURCES = ("default", "config_file", "environment", "cli_flag")  # and "database", see `overrides`
SOURCES_VARIABLE = PREFIX + "SOURCES"  # Passes the sources of the values from a parent process to its children.
# The configuration file that the parent has read, for values that are read again.
FILE_VARIABLE = PREFIX + "CONFIG_READ"

OPTIONS_BY_AREA: Mapping[str, tuple[Option, ...]] = {title: options_of(area) for title, area in AREAS.items()}
OPTIONS = tuple(option for options in OPTIONS_BY_AREA.values() for option in options)
BY_KEY = {option.key: option for option in OPTIONS}


@dataclass(frozen=True, kw_only=True)
class Settings(
    ServerOptions,
    QueueOptions,
    EngineOptions,
    DatabaseOptions,
    AccessOptions,
    AnalysisOptions,
    NotificationOptions,
    DisplayOptions,
):
    """The effective configuration, created once by `load_settings` and passed down."""

    sources: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)
    # The file from which tokens are read again.
    config_file: Path | None = field(default=None, compare=False, repr=False)
    stored_tokens: bool = field(default=False, compare=False, repr=False)  # whether the database has admin tokens

    @property
    def store_dsn(self) -> str:
        """The DSN of the database with the default filled in."""
        return self.db_dsn or str(self.data_dir / "gonemaster.db")

    @property
    def open_mode(self) -> bool:
        """Whether anyone who reaches the API has all permissions, because there are no admin tokens."""
        return not (self.admin_tokens or self.stored_tokens)

    def source(self, key: str) -> str:
        """Return the source of the value of a key: one of SOURCES, or "database"."""
        return self.sources.get(key, "default")


class CurrentSettings(Protocol):
    """Settings that may change while a process runs (`LiveSettings`) or are constant (`FixedSettings`)."""

    @property
    def base(self) -> Settings:
        """The settings with which the process was started."""

    @property
    def current(self) -> Settings:
        """The settings in effect now."""


@dataclass(frozen=True)
class FixedSettings:
    """The settings of a short-lived process, which ignores changes."""

    base: Settings

    @property
    def current(self) -> Settings:
        """Return the settings with which the process was started."""
        return self.base
