"""Capture: builds the view of a snapshot from its facts and replaces the previous view atomically.

The view is written under its own ID in many short transactions. The last transaction checks that the facts have not
changed since the build began. A build that is killed, overtaken or based on outdated facts leaves nothing visible.
"""

import enum
import logging
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from time import monotonic
from typing import Protocol

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from gonemaster_db.analysis.column_views.capture import FILE_ERRORS, FileStorage, file_source
from gonemaster_db.analysis.discarding import discard_snapshots
from gonemaster_db.analysis.membership import count_members
from gonemaster_db.analysis.projection.limits import MAX_DATABASE_DOMAINS, refuse_large
from gonemaster_db.analysis.provenance import Provenance, vocabulary_id
from gonemaster_db.analysis.row_views.source import RowSource
from gonemaster_db.analysis.views.snapshot_objects import FactsChanged
from gonemaster_db.analysis.views.views import (
    ViewLost,
    abandon_view,
    begin_view,
    finish_view,
    renew_view,
    retire_views,
)
from gonemaster_db.core.errors import StoreError
from gonemaster_db.core.session import Store
from gonemaster_db.models import (
    Batch,
    Cohort,
    CohortSnapshot,
    DefaultPolicy,
    FactStorage,
    Projection,
    SnapshotStatus,
    WatchEvent,
)
from gonemaster_db.service.watches import record_event

log = logging.getLogger(__name__)

COVERAGE = 80  # percent
_LEASE = timedelta(minutes=5)
_RENEWAL_S = 30  # while a long statement runs


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
    FAILED = "failed"  # a file cannot be read or written; the error of the snapshot names it and the remedy


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
    files: FileStorage | None = None,
) -> Capture:
    """Build the view of a snapshot from its facts and publish it; the caller checks that its batch has finished.

    `coverage` is the percentage of members that it needs to become the default, for cohorts without their own.
    A snapshot in the database with more than `max_domains` is refused.

    `step` is called between two transactions and may sleep; if it returns False the attempt ends. `files` is where
    snapshots in files have theirs.
    """
    building = _Building(store, snapshot_id, secrets.token_hex(8), now, step, max_domains)
    try:
        with _source(store, snapshot_id, files, building) as source:
            outcome = store.run_in_transaction(lambda session: building.begin(session, source))
            if outcome is None:
                building.fact_rows = source.build(building.view, building.write)
                outcome = store.run_in_transaction(
                    lambda session: building.show(session, scoring_config_hash, score_rule, coverage)
                )
    except (FactsChanged, ViewLost):
        outcome = Capture.CHANGED
    except _CaptureStopped:
        outcome = Capture.STOPPED
    except FILE_ERRORS as error:
        outcome = building.fail(str(error))
    finally:
        building.leave()
    return outcome


class _CaptureStopped(Exception):
    """The caller has stopped the attempt."""


class _FactSource(Protocol):
    """The facts of a snapshot, from which a view is built; `revision` is that of the facts if they are read before."""

    revision: int | None

    def provenance(self, session: Session) -> Provenance: ...

    def build(self, view_id: int, write: Callable[[Callable[[Session], None]], None]) -> int: ...


@contextmanager
def _source(store: Store, snapshot_id: int, files: FileStorage | None, building: "_Building") -> Iterator[_FactSource]:
    with store.read_only() as session:
        storage = session.scalar(select(CohortSnapshot.storage).where(CohortSnapshot.id == snapshot_id))
    if storage is not FactStorage.COLUMNS:
        yield RowSource(store, snapshot_id)
        return
    with file_source(store, snapshot_id, files, between=building.renew, now=building.now) as source:
        yield source


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
    renewed_at: float = field(default_factory=monotonic)

    def begin(self, session: Session, source: _FactSource) -> Capture | None:
        """Claim the snapshot; return an outcome if there is nothing to build."""
        found = _lock(session, self.snapshot_id)
        if found is None:
            return Capture.GONE
        cohort, snapshot = found
        if refuse_large(session, cohort, snapshot, most=self.max_domains):
            return Capture.TOO_LARGE
        self.revision, self.generation = snapshot.facts_revision, cohort.generation
        if source.revision not in (None, self.revision):
            return Capture.CHANGED
        self.provenance = source.provenance(session)
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

    def write(self, work: Callable[[Session], None]) -> None:
        """Write a part of the view under the lease. Raises ViewLost, _CaptureStopped."""

        def fenced(session: Session) -> None:
            renew_view(session, self.view, builder=self.builder, now=self.now(), lease=_LEASE)
            work(session)

        self.store.run_in_transaction(fenced)
        self.renewed_at = monotonic()
        if not self.step():
            raise _CaptureStopped

    def renew(self) -> None:
        """Renew the lease from time to time during a long statement. Raises ViewLost, _CaptureStopped."""
        if self.view_id is not None and monotonic() - self.renewed_at > _RENEWAL_S:
            self.write(lambda _session: None)
        elif not self.step():
            raise _CaptureStopped

    def show(self, session: Session, scoring_config_hash: str, score_rule: int | None, coverage: int) -> Capture:
        """Publish the view in place of the previous one, unless the facts have changed since `begin`."""
        found = _lock(session, self.snapshot_id)
        if found is None:
            return Capture.GONE
        cohort, snapshot = found
        if (snapshot.facts_revision, cohort.generation) != (self.revision, self.generation):
            return Capture.CHANGED
        finish_view(session, self.view, builder=self.builder, fact_rows=self.fact_rows)
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

    def fail(self, error: str) -> Capture:
        """Record why the files cannot be read or written; the next attempt may succeed."""
        log.error("snapshot not captured", extra={"snapshot_id": self.snapshot_id, "error": error})

        def record(session: Session) -> None:
            found = _lock(session, self.snapshot_id)
            if found is not None:
                for row in found:
                    row.last_materialization_error = error

        self.store.run_in_transaction(record)
        return Capture.FAILED

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

    @property
    def view(self) -> int:
        """The ID of the view that is being built."""
        assert self.view_id is not None  # noqa: S101  # begin() has set it
        return self.view_id


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
