"""Outcomes by the kinds of their entries, so that filters across runs do not read documents."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Boolean, ColumnElement, Select, false, or_, select, text
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import Session
from sqlalchemy.sql.functions import FunctionElement

from gonemaster_db.models import ModuleOutcomeKind, OutcomeModule, Run
from gonemaster_db.runs.documents.caches import caches_of, has_created
from gonemaster_db.runs.documents.outcomes import count_entries

MAX_FEW = 1000
MAX_ROWS = 4000  # pairs of outcome and module that are read for the decision


@dataclass(frozen=True, slots=True)
class MatchingOutcomes:
    """Outcomes with entries of some kinds, and the number of those entries.

    `some` has all of the outcomes if `complete` is set, otherwise the oldest ones, which most runs usually share.
    """

    kinds: frozenset[int]
    some: Mapping[int, int]
    complete: bool = True


def find_outcomes(session: Session, kinds: Collection[int]) -> MatchingOutcomes:
    """Find the outcomes with at least one entry of these kinds."""
    kind_ids = frozenset(kinds)
    if not kind_ids:
        return MatchingOutcomes(kind_ids, {})
    common = caches_of(session).common
    if known := common.find({kind_ids}):  # Outcomes are immutable and their number only grows.
        return MatchingOutcomes(kind_ids, known[kind_ids], complete=False)
    rows = session.scalars(_outcomes_of(kind_ids).limit(MAX_ROWS + 1)).all()
    found = sorted(set(rows))
    some = count_entries(session, kind_ids, found[:MAX_FEW])
    if len(rows) <= MAX_ROWS and len(found) <= MAX_FEW:
        return MatchingOutcomes(kind_ids, some)
    if not has_created(session):
        common.add({kind_ids: some})
    return MatchingOutcomes(kind_ids, some, complete=False)


def has_outcome(
    matching: MatchingOutcomes, outcome_id: ColumnElement[Any] = Run.outcome_id.expression
) -> ColumnElement[bool]:
    """Match the runs that have one of these outcomes; `outcome_id` is another column with outcome IDs."""
    if not matching.complete:
        # The OR keeps PostgreSQL from a join for each run; it hashes the outcomes once.
        return or_(outcome_id.in_(_outcomes_of(matching.kinds)), text("1 = 0"))
    return outcome_id.in_(sorted(matching.some)) if matching.some else false()


def _outcomes_of(kinds: Collection[int]) -> "Select[int]":
    """Select the outcomes with entries of these kinds, possibly with duplicates."""
    modules = select(ModuleOutcomeKind.module_outcome_id).where(ModuleOutcomeKind.kind_id.in_(sorted(kinds)))
    return select(OutcomeModule.outcome_id).where(
        _InSubquery(OutcomeModule.module_outcome_id, modules.scalar_subquery())
    )


class _InSubquery(FunctionElement[bool]):
    """A condition that a column has one of the values of a subquery, looked up in an index of the column.

    PostgreSQL would turn IN into a join, and read the whole other table if it expects many rows.
    """

    inherit_cache = True
    type = Boolean()


@compiles(_InSubquery)
def _in(element: _InSubquery, compiler: Any, **options: Any) -> str:
    column, values = (compiler.process(clause, **options) for clause in element.clauses)
    return f"{column} IN {values}"


@compiles(_InSubquery, "postgresql")
def _any(element: _InSubquery, compiler: Any, **options: Any) -> str:
    column, values = (compiler.process(clause, **options) for clause in element.clauses)
    return f"{column} = ANY (ARRAY{values})"
