"""Which runs have their facts written: the condition for removing the data that facts are extracted from."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session, aliased

from gonemaster_db.analysis.membership import covers
from gonemaster_db.models import (
    Batch,
    Cohort,
    CohortSnapshot,
    DomainTag,
    Job,
    Projection,
    PurgedSnapshot,
    Run,
    RunDocument,
)


@dataclass(frozen=True, slots=True)
class FactsTarget:
    """A cohort that takes the facts of a batch; `snapshot_id` is None before the first run is projected."""

    tag: str
    snapshot_id: int | None


def facts_targets(session: Session, batch: Batch, *, coverage: int) -> list[FactsTarget]:
    """Return the cohorts that take the facts of a batch now, or will take them; see `projections.find_waiting`.

    A batch without tags may still come to cover another cohort while it runs, so that it has no targets before it has
    finished. `coverage` is the percentage of members for cohorts without their own.
    """
    tagged = set(session.scalars(select(Cohort.source_tag))).intersection(batch.tag_names)
    if not tagged and session.scalar(select(Job.id).where(Job.batch_id == batch.id).limit(1)) is not None:
        return []
    snapshots = select(CohortSnapshot.cohort_id, CohortSnapshot.id).where(CohortSnapshot.batch_key == batch.key)
    known = {row.cohort_id: row.id for row in session.execute(snapshots)}
    purged = set(session.scalars(select(PurgedSnapshot.cohort_id).where(PurgedSnapshot.batch_key == batch.key)))
    found = []
    for cohort in session.scalars(select(Cohort).where(Cohort.analysis_enabled).order_by(Cohort.id)):
        snapshot_id = known.get(cohort.id)
        if cohort.id in purged or (snapshot_id is None and tagged and cohort.source_tag not in tagged):
            continue
        percent = coverage if cohort.coverage is None else cohort.coverage
        if snapshot_id is None and not tagged and not covers(session, batch.key, cohort.source_tag, percent=percent):
            continue
        found.append(FactsTarget(cohort.source_tag, snapshot_id))
    return found


def runs_with_facts(
    session: Session,
    targets: Sequence[FactsTarget],
    snapshot_id: int,
    *conditions: ColumnElement[bool],
    after: int = 0,
    limit: int,
) -> Sequence[int]:
    """Return the keys of up to `limit` runs of a snapshot whose facts are written for all targets, in ascending order.

    Only runs that have a document and keys above `after` are returned. `conditions` are about RunDocument. A run whose
    projection failed has no facts. A target only takes the runs of its members.
    """
    query = (
        select(Projection.run_key)
        .join(RunDocument, RunDocument.run_key == Projection.run_key)
        .where(
            Projection.snapshot_id == snapshot_id,
            Projection.status == "projected",
            Projection.run_key > after,
            *conditions,
        )
    )
    others = [target for target in targets if target.snapshot_id != snapshot_id]
    if others:
        query = query.join(Run, Run.key == Projection.run_key).where(*map(_has_facts, others))
    return session.scalars(query.order_by(Projection.run_key).limit(limit)).all()


def _has_facts(target: FactsTarget) -> ColumnElement[bool]:
    is_member = select(DomainTag.tag).where(DomainTag.domain_id == Run.domain_id, DomainTag.tag == target.tag)
    if target.snapshot_id is None:
        return ~is_member.exists()
    other = aliased(Projection)
    of_run = and_(other.snapshot_id == target.snapshot_id, other.run_key == Run.key)
    projected = select(other.run_key).where(of_run, other.status == "projected").exists()
    return or_(projected, ~is_member.exists())


def facts_revision_of(session: Session, batch_key: int) -> int:
    """Return a number that changes with the facts of a batch: the sum of the revisions of its snapshots."""
    total = select(func.sum(CohortSnapshot.facts_revision)).where(CohortSnapshot.batch_key == batch_key)
    return int(session.scalar(total) or 0)
