"""Root causes of runs as an indexed column: which runs have a cause."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from gonemaster_db.core.upsert import insert
from gonemaster_db.models import CauseSet, Domain, Run, RunStatus


def ensure_cause_set(session: Session, causes: Collection[str] | None) -> int | None:
    """Find or create the set of causes; return its ID, or None if the causes are unknown."""
    if causes is None:
        return None
    joined = "".join(f"|{cause}" for cause in sorted(causes)) + ("|" if causes else "")
    known = select(CauseSet.id).where(CauseSet.causes == joined)
    if (found := session.scalar(known)) is not None:
        return found
    # Another transaction may create the same set at the same time; then this one waits, and reads that row.
    session.execute(insert(session, CauseSet).values(causes=joined).on_conflict_do_nothing())
    return session.scalars(known).one()


def runs_with(cause: str) -> ColumnElement[bool]:
    """Match the runs that have a cause."""
    sets = select(CauseSet.id).where(CauseSet.causes.contains(f"|{cause}|", autoescape=True))
    return Run.cause_set_id.in_(sets)


def domains_with(cause: str) -> ColumnElement[bool]:
    """Match the domains whose newest run has a cause."""
    return select(Run.key).where(Run.id == Domain.latest_run_id, runs_with(cause)).exists()


@dataclass(frozen=True, slots=True)
class RunCauses:
    """A successful run and its root causes."""

    run_id: str
    public_id: str | None
    finished_at: datetime
    grade: str | None
    causes: frozenset[str]


def list_causes_before(session: Session, run: Run, *, only_public: bool, limit: int) -> list[RunCauses]:
    """Return the successful runs of the same domain before a run whose causes are known, newest first."""
    query = (
        select(Run.id, Run.public_id, Run.finished_at, Run.grade, CauseSet.causes)
        .join(CauseSet, CauseSet.id == Run.cause_set_id)
        .where(Run.domain_id == run.domain_id, Run.finished_at < run.finished_at, Run.status == RunStatus.SUCCEEDED)
        .order_by(Run.finished_at.desc(), Run.key.desc())
        .limit(limit)
    )
    if only_public:
        query = query.where(Run.public_id.is_not(None))
    return [RunCauses(*row[:4], frozenset(filter(None, row.causes.split("|")))) for row in session.execute(query)]
