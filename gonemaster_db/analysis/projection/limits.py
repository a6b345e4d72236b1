"""The number of domains that a snapshot in the database may have."""

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from gonemaster_db.core.texts import Text
from gonemaster_db.models import Cohort, CohortSnapshot, FactDomainSummary, FactStorage

MAX_DATABASE_DOMAINS = 300_000


def refuse_large(session: Session, cohort: Cohort, snapshot: CohortSnapshot, *, most: int) -> bool:
    """Return whether a locked snapshot in the database has more domains than allowed; its error then says what to do.

    The memory of a capture grows with the domains, and so do the time of each list and the size of the database.
    """
    if snapshot.storage is not FactStorage.ROWS:
        return False
    domains = select(FactDomainSummary.domain_id).where(FactDomainSummary.snapshot_id == snapshot.id).limit(most + 1)
    if (session.scalar(select(func.count()).select_from(domains.subquery())) or 0) <= most:
        return False
    error = Text(
        "the snapshot has more than {most} domains (analytics.max_database_domains): install gonemaster[analytics], "
        "set analytics.location and rebuild the cohort, or raise the limit",
        most=most,
    )
    snapshot.last_materialization_error = cohort.last_materialization_error = error
    return True
