"""The public data: public cohorts, and their captured, public snapshots that have a view.

All other data is hidden: cohorts that are not public or not analysed, and snapshots that are pending, retired, failed
or not public.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any

from sqlalchemy import Select, and_, func, select
from sqlalchemy.orm import Session

from gonemaster_db.core.errors import CohortNotFound, NoDefaultCohort, SnapshotNotFound
from gonemaster_db.models import Cohort, CohortSnapshot, DefaultPolicy, SnapshotStatus

MAX_SNAPSHOTS = 500  # newest snapshots of a cohort in lists and trends


@dataclass(frozen=True, slots=True)
class PublicSnapshot:
    """A public snapshot; `view_id` is its current view."""

    id: int
    view_id: int
    slug: str
    label: str
    description: str
    captured_at: datetime
    first_run_at: datetime | None
    last_run_at: datetime | None
    run_count: int
    domain_count: int
    profile_name: str
    engine_version: str
    mixed_engine_version: bool
    scoring_config_hash: str
    score_rule: int | None
    tag_view_min_level: str
    vocabulary_id: int | None
    updated_at: datetime
    is_default: bool = False


_FIELDS = tuple(name for name in PublicSnapshot.__dataclass_fields__ if name != "is_default")
_COLUMNS = [getattr(CohortSnapshot, name) for name in _FIELDS]
_NEWEST_FIRST = (CohortSnapshot.first_run_at.desc().nulls_last(), CohortSnapshot.id.desc())


def list_public_cohorts(session: Session) -> Sequence[Cohort]:
    """Return all public cohorts in display order."""
    return session.scalars(_public().order_by(Cohort.sort_order, Cohort.source_tag)).all()


def find_public_cohort(session: Session, tag: str | None) -> Cohort:
    """Return the public cohort of a tag, or the default cohort.

    Raises: CohortNotFound: The tag has no public cohort. NoDefaultCohort: As in `default_of`.
    """
    if tag is None:
        return default_of(list_public_cohorts(session))
    cohort = session.scalars(_public().where(Cohort.source_tag == tag)).one_or_none()
    if cohort is None:
        raise CohortNotFound(tag)
    return cohort


def default_of(cohorts: Sequence[Cohort]) -> Cohort:
    """Return the cohort that is marked as the default, or the only cohort.

    Raises: NoDefaultCohort: There is no default and not exactly one cohort.
    """
    marked = [cohort for cohort in cohorts if cohort.is_default] or (list(cohorts) if len(cohorts) == 1 else [])
    if not marked:
        raise NoDefaultCohort(len(cohorts))
    return marked[0]


def has_hidden_default(session: Session) -> bool:
    """Return whether the default cohort is not public, which contradicts the rules of the catalogue."""
    hidden = select(Cohort.id).where(Cohort.is_default, ~and_(Cohort.public_enabled, Cohort.analysis_enabled))
    return session.scalar(hidden.limit(1)) is not None


def list_public_snapshots(session: Session, cohort: Cohort) -> list[PublicSnapshot]:
    """Return the newest MAX_SNAPSHOTS public snapshots of a cohort, newest first by the time of their runs."""
    rows = session.execute(_offered(cohort).order_by(*_NEWEST_FIRST).limit(MAX_SNAPSHOTS)).all()
    default = _default_id(session, cohort)
    return [_public_snapshot(row, default) for row in rows]


def count_public_snapshots(session: Session, cohort: Cohort) -> int:
    """Count the public snapshots of a cohort."""
    return session.scalar(select(func.count()).select_from(_offered(cohort).subquery())) or 0


def find_public_snapshot(session: Session, cohort: Cohort, slug: str | None) -> PublicSnapshot:
    """Return the public snapshot with a slug, or the default.

    The default is the pinned snapshot if it is public, otherwise the newest one that covers enough members.

    Raises: SnapshotNotFound: There is no such public snapshot.
    """
    default = _default_id(session, cohort)
    condition = CohortSnapshot.id == default if slug is None else CohortSnapshot.slug == slug
    row = session.execute(_offered(cohort).where(condition)).one_or_none()
    if row is None:
        raise SnapshotNotFound(slug or "default")
    return _public_snapshot(row, default)


def find_default_snapshot(session: Session, cohort: Cohort) -> PublicSnapshot | None:
    """Return the default snapshot, or None if the cohort has no public snapshot."""
    try:
        return find_public_snapshot(session, cohort, None)
    except SnapshotNotFound:
        return None


def find_adjacent_pairs(session: Session, snapshot_id: int) -> list[tuple[PublicSnapshot, PublicSnapshot]]:
    """Return the pairs of a snapshot with its predecessor and its successor in a public cohort, earlier one first.

    Hidden snapshots are skipped.
    """
    cohort_id = select(CohortSnapshot.cohort_id).where(CohortSnapshot.id == snapshot_id).scalar_subquery()
    cohort = session.scalars(_public().where(Cohort.id == cohort_id)).one_or_none()
    if cohort is None:
        return []
    order = func.row_number().over(order_by=_NEWEST_FIRST)
    ranks = _offered(cohort).with_only_columns(CohortSnapshot.id, order.label("rank")).subquery()
    rank = select(ranks.c.rank).where(ranks.c.id == snapshot_id).scalar_subquery()
    near = select(ranks.c.id).where(ranks.c.rank.between(rank - 1, rank + 1))
    rows = session.execute(_offered(cohort).where(CohortSnapshot.id.in_(near)).order_by(*_NEWEST_FIRST)).all()
    found = [_public_snapshot(row, None) for row in reversed(rows)]
    return [pair for pair in pairwise(found) if snapshot_id in (pair[0].id, pair[1].id)]


def _public_snapshot(row: Any, default: int | None) -> PublicSnapshot:
    return PublicSnapshot(**row._mapping, is_default=row.id == default)  # noqa: SLF001  # a public attribute of rows


def _public() -> "Select[Cohort]":
    return select(Cohort).where(Cohort.public_enabled, Cohort.analysis_enabled)


def _offered(cohort: Cohort) -> "Select[Any]":
    return select(*_COLUMNS).where(
        CohortSnapshot.cohort_id == cohort.id,
        CohortSnapshot.status == SnapshotStatus.CAPTURED,
        CohortSnapshot.is_public,
        CohortSnapshot.view_id.is_not(None),
        CohortSnapshot.captured_at.is_not(None),
    )


def _default_id(session: Session, cohort: Cohort) -> int | None:
    offered = _offered(cohort).with_only_columns(CohortSnapshot.id)
    if cohort.default_snapshot_policy == DefaultPolicy.PINNED and cohort.default_snapshot_id is not None:
        pinned = session.scalar(offered.where(CohortSnapshot.id == cohort.default_snapshot_id))
        if pinned is not None:
            return pinned
    newest = offered.where(CohortSnapshot.default_allowed).order_by(*_NEWEST_FIRST)
    return session.scalar(newest.limit(1))
