"""Entries of a run, and their levels."""

from __future__ import annotations

import enum
from typing import Any, NamedTuple

from gonemaster_engine.texts import Text


class Level(enum.IntEnum):
    """The severity of an entry; levels are ordered from least to most severe."""

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
        """Return the level of the given name, ignoring case.

        Raises:
          ValueError: the name is unknown; the message lists the allowed levels.
        """
        try:
            return cls[text.strip().upper()]
        except KeyError:
            allowed = ", ".join(level.name for level in cls)
            raise ValueError(
                Text("{text} is not a level; allowed levels are {allowed}", text=repr(text), allowed=allowed)
            ) from None


class Entry(NamedTuple):
    """One line of a run: what was found, where, and how severe it is.

    It is a tuple, because a run creates hundreds and a frozen dataclass takes several times as long.
    """

    timestamp: float  # seconds since the start of the run
    module: str  # "BASIC", ...; "SYSTEM" for entries about the run itself
    testcase: str  # "basic01", ...; empty outside of a test case
    tag: str
    level: Level
    args: dict[str, Any]

    def as_dict(self) -> dict[str, Any]:
        """Return the entry as a document for JSON output."""
        return {
            "timestamp": round(self.timestamp, 6),
            "module": self.module,
            "testcase": self.testcase,
            "tag": self.tag,
            "level": self.level.name,
            "args": self.args,
        }
