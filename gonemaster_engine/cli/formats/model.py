"""What a format writes: the ended runs, in the order of their domains."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from gonemaster_engine.cli.output import View
from gonemaster_engine.entries import Entry, Level
from gonemaster_engine.findings.verdict import Verdict
from gonemaster_engine.net.timings import NameserverTiming
from gonemaster_engine.run.run import RunResult

if TYPE_CHECKING:
    from gonemaster_engine.findings.causes.model import Cause
    from gonemaster_engine.policies.verdict import PolicyVerdict
    from gonemaster_engine.scoring.score import Score


@dataclass(frozen=True, slots=True)
class EndedRun:
    """An ended run with what was computed from it."""

    result: RunResult
    verdict: Verdict | None
    score: Score | None = None
    causes: Sequence[Cause] | None = None
    timings: Sequence[NameserverTiming] | None = None
    line: int = 1  # of the domain in the list of domains
    by_policy: PolicyVerdict | None = None

    @property
    def worst(self) -> Level:
        """The level of the most severe entry."""
        return max((entry.level for entry in self.result.entries), default=Level.DEBUG3)


class Format:
    """Yields the lines of a document: its start, a part for each domain, its end. It keeps no entries."""

    writes: ClassVar[frozenset[str]] = frozenset()
    """The options whose results the format contains: `score`, `causes`, `nstimes`, `policy`."""

    def __init__(self, view: View, *, fail_level: Level, source: str = "") -> None:
        self.view = view
        self.fail_level = fail_level
        self.source = source  # the file with the domains, if any

    def start(self) -> Iterator[str]:
        """Yield the lines before the first domain."""
        yield from ()

    def run(self, ended: EndedRun) -> Iterator[str]:
        """Yield the lines about one domain."""
        raise NotImplementedError

    def end(self) -> Iterator[str]:
        """Yield the lines after the last domain."""
        yield from ()

    def shown(self, ended: EndedRun) -> Iterator[tuple[Entry, str]]:
        """Yield the entries to show with their messages."""
        for entry in ended.result.entries:
            if self.view.shows(entry):
                yield from self.view.lines(entry)
