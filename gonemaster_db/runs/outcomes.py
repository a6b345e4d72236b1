"""Retention of outcomes: removes outcomes that no run refers to."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, delete, exists, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from gonemaster_db.models import ModuleOutcome, ModuleOutcomeKind, Outcome, OutcomeModule, Run

_NO_SYNC = {"synchronize_session": False}
_IN_USE = exists().where(Run.outcome_id == Outcome.id)
_IS_PART = exists().where(OutcomeModule.module_outcome_id == ModuleOutcome.id)


def purge_outcomes(session: Session, *, created_before: datetime, limit: int = 500) -> int:
    """Remove up to `limit` outcomes without runs, and their unused parts; return their number."""
    unused = _lock(session, Outcome.id, (Outcome.created_at < created_before, ~_IN_USE), limit)
    if not unused:
        return 0
    of_unused = select(OutcomeModule.module_outcome_id).where(OutcomeModule.outcome_id.in_(unused)).distinct()
    modules = session.scalars(of_unused).all()
    # A run may have got the outcome between the first query and the lock, so the condition is checked again.
    deletion = delete(Outcome).where(Outcome.id.in_(unused), ~_IN_USE).returning(Outcome.id)
    removed = session.scalars(deletion, execution_options=_NO_SYNC).all()
    session.execute(delete(OutcomeModule).where(OutcomeModule.outcome_id.in_(removed)), execution_options=_NO_SYNC)
    _purge_modules(session, modules)
    return len(removed)


def _purge_modules(session: Session, candidates: Collection[int]) -> None:
    """Remove those outcomes of modules that no longer belong to any outcome."""
    alone = _lock(session, ModuleOutcome.id, (ModuleOutcome.id.in_(candidates), ~_IS_PART), len(candidates))
    deletion = delete(ModuleOutcome).where(ModuleOutcome.id.in_(alone), ~_IS_PART).returning(ModuleOutcome.id)
    removed = session.scalars(deletion, execution_options=_NO_SYNC).all()
    of_removed = ModuleOutcomeKind.module_outcome_id.in_(removed)
    session.execute(delete(ModuleOutcomeKind).where(of_removed), execution_options=_NO_SYNC)


def _lock(
    session: Session, key: InstrumentedAttribute[int], conditions: Collection[ColumnElement[Any]], limit: int
) -> Collection[int]:
    """Lock rows without references; the lock waits for no other transaction and prevents new references."""
    query = select(key).where(*conditions).order_by(key).limit(limit)
    return session.scalars(query.with_for_update(skip_locked=True)).all()
