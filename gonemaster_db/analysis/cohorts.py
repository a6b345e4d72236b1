"""Cohorts: reading, creation and changes, and the differences between their members and a list of domains."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from gonemaster_db.analysis.rebuilding import begin_materialisation, discard_all_snapshots
from gonemaster_db.core.errors import CohortExists, CohortNotFound, InvalidCatalog, StoreConflict
from gonemaster_db.core.texts import Text
from gonemaster_db.domains.tags import ensure_tags, iter_tag_domains
from gonemaster_db.models import Cohort, MaterializationStatus

CHANGEABLE = (
    "label", "description", "analysis_enabled", "public_enabled", "is_default", "sort_order", "tag_view_min_level",
    "reference_list", "coverage", "keep",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Drift:
    """Domains of a list that a cohort lacks, and members of the cohort that the list lacks; both sorted."""

    missing: Sequence[str]
    extra: Sequence[str]


def list_cohorts(session: Session) -> Sequence[Cohort]:
    """Return all cohorts sorted by sort_order, then tag."""
    return session.scalars(select(Cohort).order_by(Cohort.sort_order, Cohort.source_tag)).all()


def list_failing_cohorts(session: Session) -> Sequence[tuple[str, str]]:
    """Return tag and error of each analysed cohort whose facts or snapshots could not be written."""
    failing = (Cohort.analysis_enabled, Cohort.last_materialization_error != "")
    query = select(Cohort.source_tag, Cohort.last_materialization_error).where(*failing)
    return [(tag, error) for tag, error in session.execute(query.order_by(Cohort.source_tag).limit(100))]


def get_cohort(session: Session, cohort_id: int, *, lock: bool = False) -> Cohort:
    """Read a cohort, locked until the end of the transaction if `lock` is set. Raises CohortNotFound."""
    query = select(Cohort).where(Cohort.id == cohort_id)
    found = session.scalar(query.with_for_update() if lock else query)
    if found is None:
        raise CohortNotFound(cohort_id)
    return found


def create_cohort(session: Session, source_tag: str, fields: Mapping[str, Any], *, now: datetime) -> Cohort:
    """Create the cohort of a tag, and the tag if it does not exist. `fields` are some of CHANGEABLE.

    Raises: CohortExists: The tag already has a cohort. InvalidCatalog: The cohort would be public without analysis, or
    the default without being public.
    """
    ensure_tags(session, [source_tag], now=now)
    if session.scalar(select(Cohort.id).where(Cohort.source_tag == source_tag)) is not None:
        raise CohortExists(source_tag)
    # The checks read these columns, which SQLAlchemy would fill in only when it writes the row.
    off = {"analysis_enabled": False, "public_enabled": False, "is_default": False, "generation": 0}
    cohort = Cohort(source_tag=source_tag, created_at=now, updated_at=now, **off)
    _apply(session, cohort, fields, now=now)
    session.add(cohort)
    try:
        session.flush()
    except IntegrityError as error:  # Another operator created the cohort or chose the default at the same time.
        raise StoreConflict("the cohorts were changed concurrently") from error
    return cohort


def change_cohort(session: Session, cohort_id: int, fields: Mapping[str, Any], *, now: datetime) -> Cohort:
    """Change some of the CHANGEABLE fields.

    Disabling the analysis removes facts and snapshots; enabling it rebuilds them from the runs. In both cases
    unfinished work on the cohort is discarded.

    Raises: CohortNotFound: The cohort does not exist. InvalidCatalog: As for `create_cohort`.
    """
    cohort = get_cohort(session, cohort_id, lock=True)
    before = cohort.analysis_enabled
    _apply(session, cohort, fields, now=now)
    try:
        session.flush()
    except IntegrityError as error:
        raise StoreConflict("the cohorts were changed concurrently") from error
    if cohort.analysis_enabled != before:
        discard_all_snapshots(session, cohort, now=now)
        begin_materialisation(session, cohort, now=now)
    return cohort


def drift_of(session: Session, cohort: Cohort, names: Collection[str]) -> Drift:
    """Compare the members of a cohort with a list of domains in A-labels without the final dot."""
    members = set(iter_tag_domains(session, cohort.source_tag))
    return Drift(sorted(set(names) - members), sorted(members - set(names)))


def _apply(session: Session, cohort: Cohort, fields: Mapping[str, Any], *, now: datetime) -> None:
    before = cohort.analysis_enabled
    for name in CHANGEABLE:
        if name in fields:
            setattr(cohort, name, fields[name])
    if cohort.public_enabled and not cohort.analysis_enabled:
        raise InvalidCatalog(
            Text("a cohort without analysis cannot be public: set analysis_enabled to true or public_enabled to false")
        )
    if cohort.is_default and not cohort.public_enabled:
        raise InvalidCatalog(
            Text("the default cohort must be public: set public_enabled to true or is_default to false")
        )
    if cohort.is_default:
        with session.no_autoflush:
            others = update(Cohort).where(Cohort.is_default, Cohort.source_tag != cohort.source_tag)
            session.execute(others.values(is_default=False, updated_at=now))
    if cohort.analysis_enabled != before:
        cohort.generation += 1
        cohort.materialization_status = MaterializationStatus.PENDING
    cohort.updated_at = now
