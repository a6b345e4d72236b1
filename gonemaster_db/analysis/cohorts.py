"""Cohorts: read, create, change, and how their members differ from a list of names."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from gonemaster_db.analysis.rebuilding import begin_materialisation, forget_all
from gonemaster_db.core.errors import CohortExists, CohortNotFound, InvalidCatalog, StoreConflict
from gonemaster_db.core.texts import Text
from gonemaster_db.domains.tags import ensure_tags, iter_tag_domains
from gonemaster_db.models import Cohort, MaterializationStatus

CHANGEABLE = (
    "label", "description", "analysis_enabled", "public_enabled", "is_default", "sort_order", "tag_view_min_level",
    "reference_list",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Drift:
    """Names of a list that a cohort lacks, and members of the cohort that the list lacks; both sorted."""

    missing: Sequence[str]
    extra: Sequence[str]


def list_cohorts(session: Session) -> Sequence[Cohort]:
    """List all cohorts in their order: sort_order, then tag."""
    return session.scalars(select(Cohort).order_by(Cohort.sort_order, Cohort.source_tag)).all()


def get_cohort(session: Session, cohort_id: int, *, lock: bool = False) -> Cohort:
    """Read a cohort, with `lock` until the end of the transaction. Raises CohortNotFound."""
    query = select(Cohort).where(Cohort.id == cohort_id)
    found = session.scalar(query.with_for_update() if lock else query)
    if found is None:
        raise CohortNotFound(cohort_id)
    return found


def create_cohort(session: Session, source_tag: str, fields: Mapping[str, Any], *, now: datetime) -> Cohort:
    """Create the cohort of a tag, and the tag if there is none. `fields` are some of CHANGEABLE.

    Raises:
        CohortExists: the tag has a cohort.
        InvalidCatalog: it would be public without analysis, or the default without being public.
    """
    ensure_tags(session, [source_tag], now=now)
    if session.scalar(select(Cohort.id).where(Cohort.source_tag == source_tag)) is not None:
        raise CohortExists(source_tag)
    # With what the checks look at, which SQLAlchemy would fill in only when it writes.
    off = {"analysis_enabled": False, "public_enabled": False, "is_default": False, "generation": 0}
    cohort = Cohort(source_tag=source_tag, created_at=now, updated_at=now, **off)
    _apply(session, cohort, fields, now=now)
    session.add(cohort)
    try:
        session.flush()
    except IntegrityError as error:  # another operator created it, or chose the default, at the same time
        raise StoreConflict("another change of the cohorts came first") from error
    return cohort


def change_cohort(session: Session, cohort_id: int, fields: Mapping[str, Any], *, now: datetime) -> Cohort:
    """Change some of the CHANGEABLE fields.

    Switching the analysis off removes facts and snapshots; switching it on lets them be made from the runs. Either way
    whatever is being made of the cohort is dropped.

    Raises:
        CohortNotFound: no such cohort.
        InvalidCatalog: as for `create_cohort`.
    """
    cohort = get_cohort(session, cohort_id, lock=True)
    before = cohort.analysis_enabled
    _apply(session, cohort, fields, now=now)
    try:
        session.flush()
    except IntegrityError as error:
        raise StoreConflict("another change of the cohorts came first") from error
    if cohort.analysis_enabled != before:
        forget_all(session, cohort, now=now)
        begin_materialisation(session, cohort, now=now)
    return cohort


def drift_of(session: Session, cohort: Cohort, names: Collection[str]) -> Drift:
    """Compare the members of a cohort with names in A-labels without the final dot."""
    members = set(iter_tag_domains(session, cohort.source_tag))
    return Drift(sorted(set(names) - members), sorted(members - set(names)))


def _apply(session: Session, cohort: Cohort, fields: Mapping[str, Any], *, now: datetime) -> None:
    before = cohort.analysis_enabled
    for name in CHANGEABLE:
        if name in fields:
            setattr(cohort, name, fields[name])
    if cohort.public_enabled and not cohort.analysis_enabled:
        raise InvalidCatalog(
            Text("a cohort without analysis cannot be public: set analysis_enabled, or public_enabled false")
        )
    if cohort.is_default and not cohort.public_enabled:
        raise InvalidCatalog(Text("the default cohort must be public: set both, or is_default to false"))
    if cohort.is_default:
        with session.no_autoflush:
            others = update(Cohort).where(Cohort.is_default, Cohort.source_tag != cohort.source_tag)
            session.execute(others.values(is_default=False, updated_at=now))
    if cohort.analysis_enabled != before:
        cohort.generation += 1
        cohort.materialization_status = MaterializationStatus.PENDING
    cohort.updated_at = now
