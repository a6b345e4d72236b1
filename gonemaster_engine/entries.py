"""Entries: the lines of a run, and their levels."""

from __future__ import annotations

import enum
from typing import Any, NamedTuple

from gonemaster_engine.texts import Text


class Level(enum.IntEnum):
    """How serious an entry is; comparable, from least to most."""

    DEBUG3 = -2
    DEBUG2 = -1
    DEBUG = 0
    INFO = 1
    NOTICE = 2
    WARNING = 3
    ERROR = 4
    CRITICAL = 5

    @classmethod
    def parse(cls, text: str) -> Level:
        """Return the level of that name, in any case.

        Raises:
            ValueError: there is none; the message lists those that exist.
        """
        try:
            return cls[text.strip().upper()]
        except KeyError:
            allowed = ", ".join(level.name for level in cls)
            raise ValueError(
                Text("{text} is not a level; allowed levels are {allowed}", text=repr(text), allowed=allowed)
            ) from None


class Entry(NamedTuple):
    """One line of a run: what was found, where, how serious it is.

    A tuple, as a run makes hundreds: a frozen dataclass takes four times as long.
    """

    timestamp: float  # seconds since the start of the run
    module: str  # "BASIC", ...; "SYSTEM" for what concerns the run itself
    testcase: str  # "basic01", ...; empty outside of a test case
    tag: str
    level: Level
    args: dict[str, Any]

    def as_dict(self) -> dict[str, Any]:
        """Return the entry as it appears in JSON outputs."""
        return {
            "timestamp": round(self.timestamp, 6),
            "module": self.module,
            "testcase": self.testcase,
            "tag": self.tag,
            "level": self.level.name,
            "args": self.args,
        }
