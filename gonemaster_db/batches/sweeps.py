"""Sweeps: batches that an operation fills from an upload or a file, in chunks."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from gonemaster_db.batches.batches import create_batch
from gonemaster_db.core.errors import AmbiguousProfile
from gonemaster_db.core.records import NewBatch, NewJob
from gonemaster_db.domains.profiles import get_profile
from gonemaster_db.domains.tags import default_profile_ids, profile_ids_of_tags
from gonemaster_db.models import Batch, Keep, Operation, Priority, Sweep
from gonemaster_db.queue.jobs import CreatedJobs, create_longest_first

_NO_SYNC = {"synchronize_session": False}


def create_sweep(
    session: Session,
    operation: Operation,
    *,
    source: Mapping[str, Any],
    batch: Mapping[str, Any],
    options: Mapping[str, Any],
    skip_invalid: bool,
) -> None:
    """Store what an operation needs to fill a batch, whose ID is the target of the operation."""
    sweep = Sweep(
        operation_id=operation.id,
        batch_id=operation.target,
        source=dict(source),
        batch=dict(batch),
        options=dict(options),
        skip_invalid=skip_invalid,
        line=0,
    )
    session.add(sweep)
    session.flush()


def find_sweep(session: Session, operation_id: str) -> Sweep | None:
    """Return the sweep that an operation fills; None once all its jobs are written."""
    return session.get(Sweep, operation_id, populate_existing=True)


def store_report(session: Session, sweep: Sweep, report: Mapping[str, Any], *, skipped: bytes, now: datetime) -> None:
    """Store what was found in the lines, and create the batch, whose jobs follow."""
    sweep.report, sweep.skipped = dict(report), skipped
    create_batch(session, _new_batch(sweep, report["job_count"]), now=now, batch_id=sweep.batch_id)
    session.flush()


def _new_batch(sweep: Sweep, names: int) -> NewBatch:
    fields = sweep.batch
    texts = {name: fields.get(name, "") for name in ("tag", "name", "description")}
    marks = {name: fields.get(name, False) for name in ("snapshot_intent", "promote_snapshot")}
    keep = Keep(fields["keep"]) if fields.get("keep") else None
    default_keep = Keep(fields.get("default_keep", Keep.FULL))
    tags = tuple(fields.get("tags", ()))
    return NewBatch(names, **texts, **marks, tags=tags, pending=names, keep=keep, default_keep=default_keep)


def lock_pending(session: Session, batch_id: str) -> int:
    """Lock a batch; return the number of names whose jobs are to be written, 0 for a canceled or deleted batch."""
    found = session.execute(select(Batch.pending).where(Batch.id == batch_id).with_for_update()).scalar_one_or_none()
    return found or 0


def write_jobs(session: Session, sweep: Sweep, names: Sequence[str], *, line: int, now: datetime) -> CreatedJobs | None:
    """Write the jobs of the next names, up to a line; return None if there are no names.

    Raises:
        AmbiguousProfile: the tags of a domain have different profiles.
    """
    written = None
    if names:
        new = _new_jobs(session, sweep, names)
        (written,) = create_longest_first(session, new, batch_id=sweep.batch_id, now=now)
        session.execute(
            update(Batch).where(Batch.id == sweep.batch_id).values(pending=Batch.pending - len(names)),
            execution_options=_NO_SYNC,
        )
    sweep.line = line
    session.flush()
    return written


def _new_jobs(session: Session, sweep: Sweep, names: Sequence[str]) -> list[NewJob]:
    options = sweep.options
    chosen = profiles_of(session, options, names)
    used = {profile_id: get_profile(session, profile_id).name for profile_id in {*chosen.values()} if profile_id}
    expires_at = datetime.fromisoformat(options["expires_at"]) if options.get("expires_at") else None
    return [
        NewJob(
            name,
            priority=Priority.BATCH,
            profile_id=chosen.get(name, chosen[""]),
            profile_name=used.get(chosen.get(name, chosen[""]) or 0, ""),
            config=options["config"],
            expires_at=expires_at,
        )
        for name in names
    ]


def profiles_of(session: Session, options: Mapping[str, Any], names: Iterable[str]) -> dict[str, int | None]:
    """Return the profile of each name; names that are not in the result have the profile under the empty name.

    Raises:
        AmbiguousProfile: the tags of a domain, including the tags of the sweep, have different profiles.
    """
    if options.get("profile_id") is not None or options["config"].get("overrides"):
        return {"": options.get("profile_id")}
    common = profile_ids_of_tags(session, options["config"].get("tags", ()))
    by_name = {name: sorted({*ids, *common}) for name, ids in default_profile_ids(session, names).items()}
    for name, ids in {"": sorted(common), **by_name}.items():
        if len(ids) > 1:
            raise AmbiguousProfile(ids, name)
    return {name: ids[0] for name, ids in by_name.items()} | {"": next(iter(common), None)}


def stop_filling(session: Session, batch_id: str) -> None:
    """Write no further jobs of a batch; it then consists of the jobs that exist."""
    stopped = update(Batch).where(Batch.id == batch_id, Batch.pending > 0)
    values = {"domain_count": Batch.domain_count - Batch.pending, "pending": 0}
    session.execute(stopped.values(values), execution_options=_NO_SYNC)


def end_sweep(session: Session, operation_id: str) -> None:
    """Remove a sweep whose operation has finished or failed."""
    session.execute(delete(Sweep).where(Sweep.operation_id == operation_id), execution_options=_NO_SYNC)
