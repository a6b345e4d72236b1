"""The log of a run: its entries, and the making of all of them."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from gonemaster_engine.entries import Entry, Level
from gonemaster_engine.findings.tags import SYSTEM, Finding
from gonemaster_engine.profile.profile import Profile

_MOST_ASIDE = 1_000


class Log:
    """Entries of a run that no test case gives, and the making of all entries."""

    def __init__(self, profile: Profile, *, traces_queries: bool = False) -> None:
        self._levels = profile.levels
        self._started = time.monotonic()
        self.entries: list[Entry] = []
        self.on_entry: Callable[[Entry], None] | None = None
        self.traces_queries = traces_queries
        self._told: set[tuple[str, str]] = set()
        self._aside: list[tuple[str, dict[str, Any]]] = []

    def elapsed(self) -> float:
        """Return the seconds since the run started."""
        return time.monotonic() - self._started

    def level(self, module: str, tag: str) -> Level:
        """Return the level that the profile gives a tag; DEBUG where it gives none."""
        return self._levels.get(module, {}).get(tag, Level.DEBUG)

    def system(self, tag: str, **args: Any) -> None:
        """Add an entry of the run itself."""
        self.add(Entry(self.elapsed(), SYSTEM, "", tag, self.level(SYSTEM, tag), args))

    def system_once(self, tag: str, subject: str, **args: Any) -> bool:
        """Add an entry of the run itself, one per tag and subject; say whether it was the first."""
        if (tag, subject) in self._told:
            return False
        self._told.add((tag, subject))
        self.system(tag, **args)
        return True

    def aside(self, tag: str, **args: Any) -> None:
        """Note an entry of the run itself whose time says nothing; `tell_aside` adds it. Those beyond a limit are lost.

        A zone can name any number of addresses that are not queried, and none of them costs it a packet.
        """
        if len(self._aside) < _MOST_ASIDE:
            self._aside.append((tag, args))

    def tell_aside(self) -> None:
        """Add what was noted, in an order that does not follow that of answers."""
        noted, self._aside = self._aside, []
        for tag, args in sorted(noted, key=str):
            self.system(tag, **args)

    def make(self, finding: Finding, *, module: str, testcase: str) -> Entry:
        """Return the entry of a finding."""
        name = finding.tag.name
        return Entry(time.monotonic() - self._started, module, testcase, name, self.level(module, name), finding.args)

    def add(self, entry: Entry) -> None:
        """Add an entry and pass it on."""
        self.entries.append(entry)
        if self.on_entry:
            self.on_entry(entry)
