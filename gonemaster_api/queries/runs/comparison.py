"""Comparison of two runs: findings that were added, cleared or changed, with their texts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gonemaster_api.queries.runs.causes import cause_changes, causes_in
from gonemaster_api.queries.runs.runs import read_run
from gonemaster_api.state import State
from gonemaster_db.core.levels import LEVELS, worst
from gonemaster_db.runs.comparison import FindingChange, diff_runs
from gonemaster_db.runs.findings import FindingLine
from gonemaster_db.runs.runs import get_run
from gonemaster_engine.findings.messages import message

_RANK = {level: rank for rank, level in enumerate(LEVELS)}
APPEARED, CLEARED, LEVEL, DETAILS = "appeared", "cleared", "level", "details"


@dataclass(frozen=True)
class EntryLine:
    """One entry of a finding: its level, and its text in a language."""

    level: str
    text: str


@dataclass(frozen=True)
class ComparedFinding:
    """A message tag of one test case in two runs; one side is empty if the finding was added or cleared."""

    module: str
    testcase: str
    tag: str
    before: Sequence[EntryLine]
    after: Sequence[EntryLine]

    @property
    def level(self) -> str:
        """The worst level on both sides."""
        return worst(line.level for line in (*self.before, *self.after)) or ""

    @property
    def level_before(self) -> str:
        """The worst level in the first run; empty if the first run does not have the finding."""
        return worst(line.level for line in self.before) or ""

    @property
    def level_after(self) -> str:
        """The worst level in the second run; empty if the second run does not have the finding."""
        return worst(line.level for line in self.after) or ""

    @property
    def text(self) -> str:
        """The text of its first entry in the second run, or else in the first run."""
        return (self.after or self.before)[0].text


@dataclass(frozen=True)
class RunComparison:
    """Two runs as documents and their differences, each list worst first."""

    before: Mapping[str, Any]
    after: Mapping[str, Any]
    appeared: Sequence[ComparedFinding]
    cleared: Sequence[ComparedFinding]
    level: Sequence[ComparedFinding]
    details: Sequence[ComparedFinding]

    def __bool__(self) -> bool:
        return bool(self.appeared or self.cleared or self.level or self.details)

    def all_changes(self) -> list[tuple[str, ComparedFinding]]:
        """Return all differences except differences in details, with their kind, in the order of the lists."""
        return [
            *((APPEARED, finding) for finding in self.appeared),
            *((LEVEL, finding) for finding in self.level),
            *((CLEARED, finding) for finding in self.cleared),
        ]


def compare_runs(state: State, before: str, after: str, *, min_level: str, locale: str) -> RunComparison:
    """Compare the findings of two runs at or above a level.

    Raises:
        RunNotFound: no such run.
        DocumentDamaged: the stored entries of a run cannot be read.
    """
    documents = read_run(state, before), read_run(state, after)
    with state.store.read_only() as session:
        found = diff_runs(session, before, after, min_level=min_level, with_args=True)
        shown = {
            name: _worst_first(_shown(change, locale) for change in getattr(found, name))
            for name in ("added", "cleared", "changed")
        }
    other_level = [finding for finding in shown["changed"] if finding.level_before != finding.level_after]
    same_level = [finding for finding in shown["changed"] if finding.level_before == finding.level_after]
    return RunComparison(*documents, shown["added"], shown["cleared"], other_level, same_level)


def read_run_difference(
    state: State, before: str, after: str, *, min_level: str, with_args: bool, locale: str
) -> dict[str, Any]:
    """Return the differences of two runs as a document, with the root causes that only one of them has.

    Raises:
        RunNotFound: no such run.
        DocumentDamaged: the stored entries of a run cannot be read.
    """
    with state.store.read_only() as session:
        old, new = get_run(session, before), get_run(session, after)
        found = diff_runs(session, old.id, new.id, min_level=min_level, with_args=with_args)
        causes = cause_changes(causes_in(session, old), causes_in(session, new), locale=locale)
    return {"added": found.added, "cleared": found.cleared, "changed": found.changed, "causes": causes}


def _worst_first(findings: Any) -> list[ComparedFinding]:
    return sorted(findings, key=lambda finding: (-_RANK.get(finding.level, 0), finding.testcase, finding.tag))


def _shown(change: FindingChange, locale: str) -> ComparedFinding:
    before, after = ([_line(change, line, locale) for line in lines] for lines in (change.before, change.after))
    return ComparedFinding(change.module, change.testcase, change.tag, before, after)


def _line(change: FindingChange, line: FindingLine, locale: str) -> EntryLine:
    return EntryLine(line.level, message(change.tag, change.module, line.args, locale=locale))
