"""The log of a run, which creates and stores its entries."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from gonemaster_engine.entries import Entry, Level
from gonemaster_engine.findings.tags import SYSTEM, Finding
from gonemaster_engine.profile.profile import Profile

_MAX_DEFERRED = 1_000


class Log:
    """Creates the entries of a run, and stores those that no test case reports."""

    def __init__(self, profile: Profile, *, traces_queries: bool = False) -> None:
        self._levels = profile.levels
        self._started = time.monotonic()
        self.entries: list[Entry] = []
        self.on_entry: Callable[[Entry], None] | None = None
        self.traces_queries = traces_queries
        self._reported: set[tuple[str, str]] = set()
        self._deferred: list[tuple[str, dict[str, Any]]] = []

    def elapsed(self) -> float:
        """Return the seconds since the run started."""
        return time.monotonic() - self._started

    def level(self, module: str, tag: str) -> Level:
        """Return the level that the profile assigns to a tag; DEBUG if it assigns none."""
        return self._levels.get(module, {}).get(tag, Level.DEBUG)

    def system(self, tag: str, **args: Any) -> None:
        """Add an entry about the run itself."""
        self.add(Entry(self.elapsed(), SYSTEM, "", tag, self.level(SYSTEM, tag), args))

    def system_once(self, tag: str, subject: str, **args: Any) -> bool:
        """Add an entry about the run itself, once per tag and subject; return whether it was the first."""
        if (tag, subject) in self._reported:
            return False
        self._reported.add((tag, subject))
        self.system(tag, **args)
        return True

    def defer(self, tag: str, **args: Any) -> None:
        """Defer an entry about the run itself whose time is irrelevant.

        `add_deferred` adds it. Entries beyond a limit are dropped.

        A zone can name any number of addresses that are never queried, at no cost.
        """
        if len(self._deferred) < _MAX_DEFERRED:
            self._deferred.append((tag, args))

    def add_deferred(self) -> None:
        """Add the deferred entries, in an order that does not depend on the order of answers."""
        noted, self._deferred = self._deferred, []
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
