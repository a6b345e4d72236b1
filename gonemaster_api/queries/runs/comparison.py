"""Comparison of two runs: findings that were added, cleared or changed, with their texts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy.orm import Session

from gonemaster_api.queries.runs.runs import read_run
from gonemaster_api.state import State
from gonemaster_db.core.levels import LEVELS, worst
from gonemaster_db.models import Run, RunStatus
from gonemaster_db.runs.comparison import FindingChange, diff_runs
from gonemaster_db.runs.findings import FindingLine
from gonemaster_db.runs.runs import get_run
from gonemaster_engine.findings.causes.model import Cause
from gonemaster_engine.findings.messages import message
from gonemaster_tasks.control.verdicts import causes_by_run, only_in

_RANK = {level: rank for rank, level in enumerate(LEVELS)}
APPEARED, CLEARED, LEVEL, DETAILS = KINDS = "appeared", "cleared", "level", "details"


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
        """The text of its first entry in the second run, or, if there is none, in the first run."""
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
    causes_appeared: Sequence[tuple[str, str]] = ()  # level and title
    causes_cleared: Sequence[tuple[str, str]] = ()

    def __bool__(self) -> bool:
        return bool(self.appeared or self.cleared or self.level or self.details)

    def filtered(self, search: str = "", kind: str = "") -> "RunComparison":
        """Return the comparison with one kind of difference, and only findings whose text, tag or test case matches."""
        part = search.lower()
        lists: dict[str, Any] = {
            name: [
                finding
                for finding in getattr(self, name)
                if kind in ("", name) and part in f"{finding.text} {finding.tag} {finding.testcase}".lower()
            ]
            for name in KINDS
        }
        return replace(self, **lists)

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
        appeared, cleared = _cause_changes(session, get_run(session, before), get_run(session, after))
        shown = {
            name: _worst_first(_shown(change, locale) for change in getattr(found, name))
            for name in ("added", "cleared", "changed")
        }
    other_level = [finding for finding in shown["changed"] if finding.level_before != finding.level_after]
    same_level = [finding for finding in shown["changed"] if finding.level_before == finding.level_after]
    return RunComparison(
        *documents,
        shown["added"],
        shown["cleared"],
        other_level,
        same_level,
        causes_appeared=[(cause.level.name, cause.title(locale=locale)) for cause in appeared],
        causes_cleared=[(cause.level.name, cause.title(locale=locale)) for cause in cleared],
    )


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
        appeared, cleared = _cause_changes(session, old, new)
    causes = {
        "appeared": [cause.as_dict(locale=locale) for cause in appeared],
        "cleared": [cause.as_dict(locale=locale) for cause in cleared],
    }
    return {"added": found.added, "cleared": found.cleared, "changed": found.changed, "causes": causes}


def _cause_changes(session: Session, before: Run, after: Run) -> tuple[list[Cause], list[Cause]]:
    """Return the root causes that only the second run has, and those that only the first run has."""
    judged = [run.id for run in (before, after) if run.status is RunStatus.SUCCEEDED]
    causes = causes_by_run(session, judged)
    old, new = causes.get(before.id, []), causes.get(after.id, [])
    return only_in(new, old), only_in(old, new)


def _worst_first(findings: Any) -> list[ComparedFinding]:
    return sorted(findings, key=lambda finding: (-_RANK.get(finding.level, 0), finding.testcase, finding.tag))


def _shown(change: FindingChange, locale: str) -> ComparedFinding:
    before, after = ([_line(change, line, locale) for line in lines] for lines in (change.before, change.after))
    return ComparedFinding(change.module, change.testcase, change.tag, before, after)


def _line(change: FindingChange, line: FindingLine, locale: str) -> EntryLine:
    return EntryLine(line.level, message(change.tag, change.module, line.args, locale=locale))
