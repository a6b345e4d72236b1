"""The outcomes of newest runs in `domains`: unknown where a process of a release without that column stored the run.

While both releases work, readers look each newest run up (runs/entries.py), and maintenance fills the column.
"""

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from gonemaster_db.domains.domains import lock_domains
from gonemaster_db.domains.models.domains import OUTCOME_UNKNOWN
from gonemaster_db.models import Domain, Run

STEP = 1000  # domains
_ANY_UNKNOWN = select(Domain.id).where(OUTCOME_UNKNOWN).limit(1)
_SOME_UNKNOWN = select(Domain.id).where(OUTCOME_UNKNOWN).limit(STEP)


def outcomes_known(session: Session) -> bool:
    """Say whether all domains know the outcomes of their newest runs."""
    return session.scalar(_ANY_UNKNOWN) is None


def note_outcomes(session: Session) -> int:
    """Look the outcomes of the newest runs of some domains up; returns how many, STEP if there may be more."""
    domain_ids = session.scalars(_SOME_UNKNOWN).all()
    lock_domains(session, domain_ids)  # else a run that ends meanwhile would not be seen
    outcome = select(Run.outcome_id).where(Run.id == Domain.latest_run_id).scalar_subquery()
    values = {"latest_outcome_id": outcome, "latest_outcome_run_id": Domain.latest_run_id}
    noted = update(Domain).where(Domain.id.in_(domain_ids)).values(values)
    session.execute(noted, execution_options={"synchronize_session": False})
    return len(domain_ids)
