"""Claims: several projectors write the facts of a snapshot to files, each for a separate range of keys.

A claim is a row with a lease. The transaction that registers a file removes the claim, so a projector whose lease has
ended registers nothing, and each run is in one file. Nothing has to be remembered between two files: which runs wait
follows from the packed keys of the files.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from gonemaster_db.analysis.columns.files import FACTS, NewFile, register_files
from gonemaster_db.analysis.columns.run_sets import unpack_keys
from gonemaster_db.analysis.projections import (
    Projected,
    UnseenBatch,
    choose_storage,
    count_projected,
    lock_source,
    record_projections,
    unprojected,
)
from gonemaster_db.analysis.snapshots import ensure_snapshot
from gonemaster_db.models import AnalysisFile, Batch, FactStorage, Job, ProjectionClaim, Run

LEASE = timedelta(minutes=2)
_WINDOW = 100_000  # keys that are compared with the files at a time
_NO_SYNC = {"synchronize_session": False}


class ClaimLost(Exception):
    """The lease of the claim has ended, or the snapshot is being rebuilt; the file must not be registered."""


class _FileMark(NamedTuple):
    """Files and claims of a snapshot, which show whether another process has changed them."""

    files: int = 0
    last_file: int = 0
    claims: int = 0
    last_claim: int = 0


@dataclass(frozen=True, slots=True)
class FoundRuns:
    """Runs that are in no file; `are_late` if other runs with greater keys are in files."""

    keys: Sequence[int]
    mark: _FileMark
    are_late: bool = False

    @property
    def is_claimed(self) -> bool:
        """Whether a projector is writing a file of the snapshot."""
        return self.mark.claims > 0


@dataclass(frozen=True, slots=True)
class FileClaim:
    """The right to write the facts of runs to one file."""

    number: int
    cohort_id: int
    snapshot_id: int
    holder: str


def has_jobs(session: Session, batch_key: int) -> bool:
    """Return whether a batch has unfinished jobs."""
    of_batch = select(Job.id).join(Batch, Batch.id == Job.batch_id).where(Batch.key == batch_key)
    return session.scalar(of_batch.limit(1)) is not None


def finished_at(session: Session, run_key: int) -> datetime | None:
    """Return when a run finished; None if it no longer exists."""
    return session.scalar(select(Run.finished_at).where(Run.key == run_key))


def find_runs(session: Session, waiting: UnseenBatch, *, limit: int) -> FoundRuns:
    """Return the next runs with keys above those of all files and claims."""
    mark, last = _FileMark(), -1
    if (snapshot_id := waiting.snapshot_id) is not None:
        mark, last = _mark(session, snapshot_id), _last_key(session, snapshot_id)
    query = unprojected(waiting).where(Run.key > last).order_by(Run.key).limit(limit)
    return FoundRuns(session.scalars(query).all(), mark)


def find_late_runs(session: Session, waiting: UnseenBatch, *, limit: int) -> FoundRuns:
    """Return runs that are in no file although runs with greater keys are: they were committed late.

    All keys of the batch are compared with the files, so this is for batches without unfinished jobs.
    """
    if (snapshot_id := waiting.snapshot_id) is None:
        return FoundRuns((), _FileMark())
    mark, last, late = _mark(session, snapshot_id), -1, list[int]()
    while len(late) < limit:
        query = unprojected(waiting).where(Run.key > last).order_by(Run.key).limit(_WINDOW)
        keys = session.scalars(query).all()
        if not keys:
            break
        last = keys[-1]
        done = _keys_in_files(session, snapshot_id, keys[0], last)
        late += [key for key in keys if key not in done]
    return FoundRuns(late[:limit], mark, are_late=True)


def _last_key(session: Session, snapshot_id: int) -> int:
    """Return the greatest key in files and claims; -1 without any."""
    counted = (AnalysisFile.snapshot_id == snapshot_id, AnalysisFile.run_keys.is_not(None))
    files = session.scalar(select(func.max(AnalysisFile.last_key)).where(*counted))
    claims = select(func.max(ProjectionClaim.last_key)).where(ProjectionClaim.snapshot_id == snapshot_id)
    return max(-1 if files is None else files, session.scalar(claims) or -1)


def _keys_in_files(session: Session, snapshot_id: int, first: int, last: int) -> set[int]:
    overlapping = (AnalysisFile.first_key <= last, AnalysisFile.last_key >= first)
    query = select(AnalysisFile.run_keys).where(AnalysisFile.snapshot_id == snapshot_id, *overlapping)
    packed: Iterable[bytes] = session.scalars(query.where(AnalysisFile.run_keys.is_not(None)))
    return {key for each in packed for key in unpack_keys(each) if first <= key <= last}


def _mark(session: Session, snapshot_id: int) -> _FileMark:
    of_snapshot = (AnalysisFile.snapshot_id == snapshot_id, AnalysisFile.kind == FACTS)
    files = session.execute(select(func.count(), func.max(AnalysisFile.id)).where(*of_snapshot)).one()
    held = ProjectionClaim.snapshot_id == snapshot_id
    claims = session.execute(select(func.count(), func.max(ProjectionClaim.id)).where(held)).one()
    return _FileMark(files[0], files[1] or 0, claims[0], claims[1] or 0)


def claim_runs(
    session: Session, waiting: UnseenBatch, found: FoundRuns, *, holder: str, most: int, now: datetime
) -> FileClaim | None:
    """Claim runs for one file; None if other projectors have registered or claimed files meanwhile, or `most` work.

    The snapshot is created for its first file.

    Raises: CohortChanged: The cohort or the batch has changed.
    """
    cohort, batch = lock_source(session, waiting)
    snapshot = ensure_snapshot(session, cohort, batch, floor=waiting.floor, now=now)
    choose_storage(snapshot, FactStorage.COLUMNS)
    mark = _mark(session, snapshot.id)
    if mark != found.mark or mark.claims >= most or (found.are_late and mark.claims):
        return None
    # As long as there are no facts, the snapshot could still be taken for one in rows.
    snapshot.facts_revision = max(1, snapshot.facts_revision)
    claim = ProjectionClaim(
        snapshot_id=snapshot.id,
        first_key=found.keys[0],
        last_key=found.keys[-1],
        holder=holder,
        lease_until=now + LEASE,
    )
    session.add(claim)
    session.flush()
    return FileClaim(claim.id, cohort.id, snapshot.id, holder)


def remove_expired_claims(session: Session, *, now: datetime) -> int:
    """Remove claims whose leases have ended; return their number."""
    expired = delete(ProjectionClaim).where(ProjectionClaim.lease_until <= now)
    return session.connection().execute(expired).rowcount


def renew_claim(session: Session, claim: FileClaim, *, now: datetime) -> None:
    """Extend the lease of a claim. Raises ClaimLost."""
    held = (ProjectionClaim.id == claim.number, ProjectionClaim.holder == claim.holder)
    renewed = update(ProjectionClaim).where(*held).values(lease_until=now + LEASE).returning(ProjectionClaim.id)
    if session.scalar(renewed, execution_options=_NO_SYNC) is None:
        raise ClaimLost(str(claim.number))


def release_claim(session: Session, claim: FileClaim) -> None:
    """Give up a claim, so that other projectors need not wait for the end of its lease."""
    held = (ProjectionClaim.id == claim.number, ProjectionClaim.holder == claim.holder)
    session.execute(delete(ProjectionClaim).where(*held), execution_options=_NO_SYNC)


@dataclass(frozen=True, slots=True)
class WrittenRuns:
    """The file of a claim, None if no run could be read; the runs that could not be read; the number of all runs."""

    file: NewFile | None
    failed: Sequence[Projected]
    runs: int


def register_facts(
    session: Session, waiting: UnseenBatch, claim: FileClaim, written: WrittenRuns, *, now: datetime
) -> None:
    """Register the file of a claim, and the runs that could not be read.

    Raises: CohortChanged: The cohort or the batch has changed. ClaimLost: The claim has ended.
    """
    cohort, batch = lock_source(session, waiting)
    snapshot = ensure_snapshot(session, cohort, batch, floor=waiting.floor, now=now)
    if snapshot.id != claim.snapshot_id:
        raise ClaimLost(str(claim.number))
    renew_claim(session, claim, now=now)
    release_claim(session, claim)
    if written.file is not None:
        register_files(session, snapshot.id, [written.file], now=now)
    record_projections(session, snapshot, written.failed)
    count_projected(snapshot, written.runs, now=now)
    session.flush()
