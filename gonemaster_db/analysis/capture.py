"""Capture: builds the view of a snapshot from its facts and replaces the previous view atomically.

The view is written under its own ID in many short transactions. The last transaction checks that the facts have not
changed since the build began. A build that is killed, overtaken or based on outdated facts leaves nothing visible.
"""

import enum
import json
import logging
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from gonemaster_db.analysis.discarding import count_facts, discard_snapshots
from gonemaster_db.analysis.membership import count_members
from gonemaster_db.analysis.projection.limits import MAX_DATABASE_DOMAINS, refuse_large
from gonemaster_db.analysis.provenance import Provenance, read_provenance, vocabulary_id
from gonemaster_db.analysis.views.domains import DOMAIN_COLUMNS, DomainPass, read_slice
from gonemaster_db.analysis.views.members import MEMBER_COLUMNS, MemberRow
from gonemaster_db.analysis.views.objects import ObjectParts, ViewTable
from gonemaster_db.analysis.views.snapshot_objects import FactsChanged, Objects, read_objects
from gonemaster_db.analysis.views.views import (
    ViewLost,
    abandon_view,
    begin_view,
    finish_view,
    renew_view,
    retire_views,
)
from gonemaster_db.core.base import Base
from gonemaster_db.core.bulk import insert_rows
from gonemaster_db.core.chunks import chunks
from gonemaster_db.core.errors import StoreError
from gonemaster_db.core.session import Store
from gonemaster_db.models import (
    Batch,
    Cohort,
    CohortSnapshot,
    DefaultPolicy,
    Projection,
    SnapshotAsn,
    SnapshotDomain,
    SnapshotMembers,
    SnapshotNameserver,
    SnapshotOverview,
    SnapshotStatus,
    SnapshotTag,
    WatchEvent,
)
from gonemaster_db.service.watches import record_event

log = logging.getLogger(__name__)

COVERAGE = 80  # percent
TOP = 10
SLICE = 1000
_ROWS_AT_A_TIME = 5000
_LEASE = timedelta(minutes=5)
_SHOWN_TAG = ("tag", "module", "testcase", "level", "domain_count", "occurrence_count")
_SHOWN_NAMESERVER = ("name", "domain_count", "endpoint_count", "operator", "operator_asn")
_SHOWN_ASN = ("asn", "label", "domain_count", "nameserver_count", "address_count")


class Capture(enum.Enum):
    """The outcome of an attempt to capture a snapshot."""

    CAPTURED = "captured"
    MIXED_PROFILES = "mixed_profiles"
    EMPTY = "empty"  # the snapshot has no facts; it is removed unless it has runs that could not be read
    GONE = "gone"  # the snapshot was removed
    HELD = "held"  # another process is building its view
    TOO_LARGE = "too_large"  # the database may have no snapshot of this size; its error says what to do
    CHANGED = "changed"  # the facts or the cohort changed in the meantime
    STOPPED = "stopped"


def materialise(
    store: Store,
    snapshot_id: int,
    *,
    now: Callable[[], datetime],
    scoring_config_hash: str = "default",
    score_rule: int | None = None,
    coverage: int = COVERAGE,
    max_domains: int = MAX_DATABASE_DOMAINS,
    step: Callable[[], bool] = lambda: True,
) -> Capture:
    """Build the view of a snapshot from its facts and publish it; the caller checks that its batch has finished.

    `coverage` is the percentage of members that it needs to become the default, for cohorts without their own.
    A snapshot in the database with more than `max_domains` is refused.

    `step` is called between two transactions and may sleep; if it returns False the attempt ends.
    """
    building = _Building(store, snapshot_id, secrets.token_hex(8), now, step, max_domains)
    try:
        outcome = store.run_in_transaction(building.begin)
        if outcome is None:
            building.build()
            outcome = store.run_in_transaction(
                lambda session: building.show(session, scoring_config_hash, score_rule, coverage)
            )
    except (FactsChanged, ViewLost):
        outcome = Capture.CHANGED
    except _CaptureStopped:
        outcome = Capture.STOPPED
    finally:
        building.leave()
    return outcome


class _CaptureStopped(Exception):
    """The caller has stopped the attempt."""


@dataclass(slots=True)
class _Building:
    """One attempt to build a view."""

    store: Store
    snapshot_id: int
    builder: str
    now: Callable[[], datetime]
    step: Callable[[], bool]
    max_domains: int
    view_id: int | None = None
    revision: int = -1
    generation: int = -1
    provenance: Provenance = field(default_factory=Provenance)
    fact_rows: int = 0
    shown: bool = False

    def begin(self, session: Session) -> Capture | None:
        """Claim the snapshot; return an outcome if there is nothing to build."""
        found = _lock(session, self.snapshot_id)
        if found is None:
            return Capture.GONE
        cohort, snapshot = found
        if refuse_large(session, cohort, snapshot, most=self.max_domains):
            return Capture.TOO_LARGE
        self.revision, self.generation = snapshot.facts_revision, cohort.generation
        self.provenance = read_provenance(session, self.snapshot_id)
        if not self.provenance.domain_count:
            if _has_projections(session, self.snapshot_id):
                snapshot.captured_revision, snapshot.materialization_status = snapshot.facts_revision, ""
            else:  # Its runs were purged, or its domains lost the tag, before they were projected.
                discard_snapshots(session, [self.snapshot_id], now=self.now())
            return Capture.EMPTY
        if self.provenance.has_mixed_profiles:
            return _refuse(snapshot, self.provenance, self.now())
        self.view_id = begin_view(session, self.snapshot_id, builder=self.builder, now=self.now(), lease=_LEASE)
        return Capture.HELD if self.view_id is None else None

    def build(self) -> None:
        """Write all rows of the view. Raises FactsChanged, ViewLost, _CaptureStopped."""
        with self.store.read_only() as session:
            objects = read_objects(session, self.snapshot_id)
            self.fact_rows = count_facts(session, self.snapshot_id)
        seen = DomainPass(objects)
        for first in range(0, len(objects.domain_ids), SLICE):
            self._write_domains(seen, objects, first)
        for part in ObjectParts(objects, seen).parts():
            self._write_part(part)
        distributions = {name: dict(counts) for name, counts in seen.distributions.items()}
        self._write(lambda session: self._write_overview(session, objects, distributions))

    def show(self, session: Session, scoring_config_hash: str, score_rule: int | None, coverage: int) -> Capture:
        """Publish the view in place of the previous one, unless the facts have changed since `begin`."""
        found = _lock(session, self.snapshot_id)
        if found is None:
            return Capture.GONE
        cohort, snapshot = found
        if (snapshot.facts_revision, cohort.generation) != (self.revision, self.generation):
            return Capture.CHANGED
        finish_view(session, self._view(), builder=self.builder, fact_rows=self.fact_rows)
        if snapshot.view_id is not None:
            retire_views(session, [snapshot.view_id], now=self.now())
        snapshot.view_id = self.view_id
        _note(snapshot, self.provenance, self.now())
        snapshot.coverage = _coverage(session, cohort, snapshot)
        snapshot.default_allowed = snapshot.coverage >= (coverage if cohort.coverage is None else cohort.coverage)
        snapshot.vocabulary_id = vocabulary_id(session, self.provenance.effective_profile_id) or snapshot.vocabulary_id
        snapshot.scoring_config_hash = scoring_config_hash
        snapshot.score_rule = score_rule
        snapshot.captured_at = cohort.last_materialized_at = snapshot.last_materialized_at = self.now()
        snapshot.materialization_status = ""
        snapshot.last_materialization_error = _failures(session, snapshot.id)
        cohort.last_materialization_error = ""
        if snapshot.status is not SnapshotStatus.RETIRED:
            is_first = snapshot.status is not SnapshotStatus.CAPTURED  # Later captures only add late runs.
            snapshot.status = SnapshotStatus.CAPTURED
            _pin_if_requested(session, cohort, snapshot)
            if is_first:
                _notify_watches(session, cohort, snapshot, self.now())
        session.flush()
        self.shown = True
        return Capture.CAPTURED

    def leave(self) -> None:
        """Release an unpublished view, so that it can be removed."""
        if self.view_id is None or self.shown:
            return
        view_id = self.view_id

        def give_up(session: Session) -> None:
            abandon_view(session, view_id, builder=self.builder, now=self.now())

        try:
            self.store.run_in_transaction(give_up)
        except StoreError:  # The lease expires in any case, and another error may be propagating.
            log.warning("an abandoned view will be removed after its lease", extra={"view_id": view_id})

    def _view(self) -> int:
        assert self.view_id is not None  # noqa: S101  # begin() has set it
        return self.view_id

    def _write_domains(self, seen: DomainPass, objects: Objects, first: int) -> None:
        ids = list(objects.domain_ids[first : first + SLICE])
        with self.store.read_only() as session:
            facts = read_slice(session, self.snapshot_id, ids)
        rows, members = seen.take(self._view(), first, ids, facts)

        def write(session: Session) -> None:
            insert_rows(session, SnapshotDomain, DOMAIN_COLUMNS, rows)
            insert_rows(session, SnapshotMembers, MEMBER_COLUMNS, members)

        self._write(write)

    def _write_part(self, part: ViewTable) -> None:
        columns = ("view_id", "position", *part.columns)
        for chunk in chunks(part.rows(self._view()), _ROWS_AT_A_TIME):
            rows, members = [row for row, _ in chunk], [member for _, many in chunk for member in many]
            self._write(_inserting(part.table, columns, rows, members))

    def _write_overview(self, session: Session, objects: Objects, distributions: dict[str, Any]) -> None:
        view_id = self._view()
        session.add(
            SnapshotOverview(
                view_id=view_id,
                domain_count=len(objects.domain_ids),
                nameserver_count=len(objects.nameservers),
                endpoint_count=len(objects.endpoints),
                asn_count=len(objects.asns),
                prefix_count=len(objects.prefixes),
                top_tags=_top(session, view_id, SnapshotTag, _SHOWN_TAG),
                top_nameservers=_top(session, view_id, SnapshotNameserver, _SHOWN_NAMESERVER),
                top_asns=_top(session, view_id, SnapshotAsn, _SHOWN_ASN),
                fact_distributions=json.dumps(distributions),
            )
        )
        session.flush()

    def _write(self, write: Callable[[Session], None]) -> None:
        def fenced(session: Session) -> None:
            renew_view(session, self._view(), builder=self.builder, now=self.now(), lease=_LEASE)
            write(session)

        self.store.run_in_transaction(fenced)
        if not self.step():
            raise _CaptureStopped


def _notify_watches(session: Session, cohort: Cohort, snapshot: CohortSnapshot, now: datetime) -> None:
    batch = session.get_one(Batch, snapshot.batch_key)
    details = {
        "tag": cohort.source_tag,
        "cohort_id": cohort.id,
        "slug": snapshot.slug,
        "label": snapshot.label,
        "batch_id": batch.id,
        "captured_at": now.isoformat().replace("+00:00", "Z"),
        "domain_count": snapshot.domain_count,
        "engine_version": snapshot.engine_version,
    }
    name, tag = str(snapshot.id), cohort.source_tag
    record_event(
        session, WatchEvent.SNAPSHOT_CAPTURED, name=name, tag=tag, batch_key=batch.key, details=details, now=now
    )


def _inserting(
    table: type[Base], columns: Sequence[str], rows: Sequence[Sequence[Any]], members: Sequence[MemberRow]
) -> Callable[[Session], None]:
    def write(session: Session) -> None:
        insert_rows(session, table, columns, rows)
        insert_rows(session, SnapshotMembers, MEMBER_COLUMNS, members)

    return write


def _lock(session: Session, snapshot_id: int) -> tuple[Cohort, CohortSnapshot] | None:
    """Lock a snapshot after its cohort, which is the lock order of all code; None if it no longer exists."""
    of_snapshot = select(CohortSnapshot.cohort_id).where(CohortSnapshot.id == snapshot_id)
    cohort = session.scalar(select(Cohort).where(Cohort.id == of_snapshot.scalar_subquery()).with_for_update())
    snapshot = session.scalar(select(CohortSnapshot).where(CohortSnapshot.id == snapshot_id).with_for_update())
    return None if cohort is None or snapshot is None else (cohort, snapshot)


def _refuse(snapshot: CohortSnapshot, provenance: Provenance, now: datetime) -> Capture:
    """Record that the runs cannot be compared, because they used different profiles."""
    if snapshot.status is not SnapshotStatus.RETIRED:
        snapshot.status = SnapshotStatus.FAILED_MIXED_PROFILES
    snapshot.is_public = False
    snapshot.materialization_status = ""
    _note(snapshot, provenance, now)
    return Capture.MIXED_PROFILES


def _pin_if_requested(session: Session, cohort: Cohort, snapshot: CohortSnapshot) -> None:
    """Pin the snapshot if its batch was submitted with `promote_snapshot`, which applies only once.

    A snapshot that covers too few members is not pinned before it is repaired.

    If the batch creates snapshots of several cohorts, the snapshot of the cohort of the batch's tag is pinned, as
    schedules need it. If that tag has no cohort, the first captured snapshot is pinned.
    """
    promoted = select(Batch).where(Batch.key == snapshot.batch_key, Batch.promote_snapshot)
    batch = session.scalar(promoted.with_for_update())
    if batch is not None and snapshot.default_allowed and not _has_own_cohort(session, batch, cohort):
        batch.promote_snapshot = False
        cohort.default_snapshot_policy, cohort.default_snapshot_id = DefaultPolicy.PINNED, snapshot.id


def _has_own_cohort(session: Session, batch: Batch, cohort: Cohort) -> bool:
    if batch.tag == cohort.source_tag:
        return False
    other = select(Cohort.id).where(Cohort.source_tag == batch.tag, Cohort.analysis_enabled)
    return session.scalar(other) is not None


def _coverage(session: Session, cohort: Cohort, snapshot: CohortSnapshot) -> int:
    """Return the percentage of the members of a cohort that have a result in a snapshot, rounded down."""
    members = count_members(session, cohort.source_tag)
    return min(100, 100 * snapshot.domain_count // members) if members else 100


def _has_projections(session: Session, snapshot_id: int) -> bool:
    return session.scalar(select(Projection.run_key).where(Projection.snapshot_id == snapshot_id).limit(1)) is not None


def _failures(session: Session, snapshot_id: int) -> str:
    """Describe the number of runs that could not be read; empty if all were read."""
    failed = (Projection.snapshot_id == snapshot_id, Projection.status == "failed")
    number = session.scalar(select(func.count()).select_from(Projection).where(*failed))
    return f"{number} {'run' if number == 1 else 'runs'} could not be projected" if number else ""


def _note(snapshot: CohortSnapshot, provenance: Provenance, now: datetime) -> None:
    snapshot.first_run_at, snapshot.last_run_at = provenance.first_run_at, provenance.last_run_at
    snapshot.run_count = snapshot.domain_count = provenance.domain_count
    snapshot.engine_version = provenance.engine_version
    snapshot.mixed_engine_version = provenance.has_mixed_versions
    snapshot.profile_id, snapshot.profile_name = provenance.profile_id, provenance.profile_name
    snapshot.captured_revision = snapshot.facts_revision
    snapshot.updated_at = now


def _top(session: Session, view_id: int, table: Any, names: Sequence[str]) -> str:
    """Return the rows with the most domains as a JSON array of objects."""
    columns = [getattr(table, name) for name in names]
    query = select(*columns).where(table.view_id == view_id).order_by(table.domain_count.desc(), table.position)
    return json.dumps([dict(zip(names, row, strict=True)) for row in session.execute(query.limit(TOP))])
