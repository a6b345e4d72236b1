"""Outcomes by the kinds of their entries: how filters across runs are answered without reading what runs found."""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, false, func, or_, select, text
from sqlalchemy.orm import Session

from gonemaster_db.models import ModuleOutcomeKind, OutcomeModule, Run

_MAX_FEW = 1000
_MAX_ROWS = 4000  # of pairs of outcome and kind that are read to find out


@dataclass(frozen=True, slots=True)
class MatchingOutcomes:
    """Outcomes with entries of some kinds, and the number of those entries.

    `some` has all of them if `complete`; otherwise the oldest, which as a rule most runs share.
    """

    kinds: frozenset[int]
    some: Mapping[int, int]
    complete: bool = True


def find_outcomes(session: Session, kinds: Collection[int]) -> MatchingOutcomes:
    """Find the outcomes with at least one entry of these kinds."""
    if not kinds:
        return MatchingOutcomes(frozenset(), {})
    pairs = _joined(select(OutcomeModule.outcome_id, ModuleOutcomeKind.count), kinds)
    rows = session.execute(pairs.limit(_MAX_ROWS + 1)).all()
    found: Counter[int] = Counter()
    for outcome_id, number in rows:
        found[outcome_id] += number
    if len(rows) <= _MAX_ROWS and len(found) <= _MAX_FEW:
        return MatchingOutcomes(frozenset(kinds), found)
    return MatchingOutcomes(frozenset(kinds), count_in(session, kinds, sorted(found)[:_MAX_FEW]), complete=False)


def count_in(session: Session, kinds: Collection[int], outcome_ids: Collection[int]) -> dict[int, int]:
    """Count the entries of these kinds in some outcomes; those without are absent."""
    query = entries_by_outcome(kinds).where(OutcomeModule.outcome_id.in_(outcome_ids))
    return {outcome_id: int(number) for outcome_id, number in session.execute(query)}


def has_outcome(matching: MatchingOutcomes) -> ColumnElement[bool]:
    """Match the runs that have one of these outcomes."""
    if not matching.complete:
        # With an OR, which it cannot see through, PostgreSQL hashes the outcomes once; else it may join for each run.
        return or_(Run.outcome_id.in_(_joined(select(OutcomeModule.outcome_id), matching.kinds)), text("1 = 0"))
    return Run.outcome_id.in_(sorted(matching.some)) if matching.some else false()


def entries_by_outcome(kinds: Collection[int]) -> "Select[int, int]":
    """Select the outcomes with entries of these kinds and the number of those, `outcome_id` and `entries`."""
    number = func.sum(ModuleOutcomeKind.count).label("entries")
    query: Select[int, int] = _joined(select(OutcomeModule.outcome_id, number), kinds)
    return query.group_by(OutcomeModule.outcome_id)


def _joined(query: Any, kinds: Collection[int]) -> Any:
    of_module = ModuleOutcomeKind.module_outcome_id == OutcomeModule.module_outcome_id
    return query.join(ModuleOutcomeKind, of_module).where(ModuleOutcomeKind.kind_id.in_(sorted(kinds)))
