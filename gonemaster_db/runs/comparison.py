"""Comparison of the findings of two runs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from gonemaster_db.runs.findings import FindingKey, FindingLine, read_findings, worst_level_line


@dataclass(frozen=True, slots=True)
class FindingChange:
    """A message tag of one test case before and after; one side is empty if it was added or cleared.

    A side has the lines of the finding, or only its worst level, depending on the comparison.
    """

    module: str
    testcase: str
    tag: str
    before: Sequence[FindingLine]
    after: Sequence[FindingLine]


@dataclass(frozen=True, slots=True)
class RunDifference:
    """Findings that were added, cleared or changed."""

    added: Sequence[FindingChange] = ()
    cleared: Sequence[FindingChange] = ()
    changed: Sequence[FindingChange] = ()

    @property
    def byte_count(self) -> int:
        """Size of the arguments in the lines as JSON, in bytes."""
        changes = [*self.added, *self.cleared, *self.changed]
        return sum(len(line.raw or b"") for change in changes for line in [*change.before, *change.after])

    def __bool__(self) -> bool:
        return bool(self.added or self.cleared or self.changed)


def diff_runs(
    session: Session, before: str, after: str, *, min_level: str = "INFO", with_args: bool = False
) -> RunDifference:
    """Compare the entries of two runs at or above a level, ignoring order and timestamps."""
    found = read_findings(session, [before, after], min_level)
    return compare(found.get(before, {}), found.get(after, {}), with_args=with_args)


def compare(
    old: Mapping[FindingKey, list[FindingLine]], new: Mapping[FindingKey, list[FindingLine]], *, with_args: bool = False
) -> RunDifference:
    """Compare two sets of findings: their worst levels, or all lines with their arguments.

    Arguments can differ without a relevant change: the remaining days of a signature, a serial number, an order. Of a
    finding whose arguments one side no longer stores, the worst levels are compared.
    """
    changes = []
    for key in sorted({*old, *new}):
        before, after = old.get(key, []), new.get(key, [])
        if not with_args or any(line.raw is None for line in (*before, *after)):
            before, after = worst_level_line(before), worst_level_line(after)
        changes.append(FindingChange(*key, before=before, after=after))
    return RunDifference(
        added=[change for change in changes if not change.before],
        cleared=[change for change in changes if not change.after],
        changed=[change for change in changes if change.before and change.after and _differ(change)],
    )


def _differ(change: FindingChange) -> bool:
    """Return whether a finding differs, comparing bytes first: most lines are equal, and parsing costs far more."""
    stored = (sorted((line.level, line.raw) for line in lines) for lines in (change.before, change.after))
    if next(stored) == next(stored):
        return False
    before, after = (sorted(line.comparable for line in lines) for lines in (change.before, change.after))
    return before != after
