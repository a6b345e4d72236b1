"""Deletion of runs with their entries and chains: by age, by tag, by batch."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import accumulate
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, delete, func, select
from sqlalchemy.orm import Session

from gonemaster_db.errors import JobsNotTerminal
from gonemaster_db.models import Batch, DnssecChain, DomainTag, Entry, Job, JobStatus, Run
from gonemaster_db.repositories.batches import get_batch
from gonemaster_db.repositories.domains import lock_domains, refresh_domains

_QUIET = {"synchronize_session": False}
_MAX_ENTRIES = 20_000  # per step of a purge, unless a single run has more


@dataclass(frozen=True, slots=True)
class BatchImpact:
    """What the deletion of a batch removes; `fact_rows` and `snapshots` belong to the analysis."""

    batch: Batch
    queued_jobs: int
    running_jobs: int
    completed_runs: int
    entries: int
    fact_rows: int = 0
    snapshots: Sequence[Mapping[str, Any]] = field(default_factory=tuple)


def preview_batch_deletion(session: Session, batch_id: str) -> BatchImpact:
    """Count what delete_batch would remove. Raises BatchNotFound."""
    batch = get_batch(session, batch_id)
    running = _count(session, select(Job.id).where(Job.batch_id == batch_id, Job.status == JobStatus.RUNNING))
    unfinished = _count(session, select(Job.id).where(Job.batch_id == batch_id))
    runs = select(Run.id).where(Run.batch_id == batch_id)
    entries = session.scalar(select(func.coalesce(func.sum(Run.entry_count), 0)).where(Run.batch_id == batch_id))
    return BatchImpact(
        batch,
        queued_jobs=unfinished - running,
        running_jobs=running,
        completed_runs=_count(session, runs),
        entries=int(entries or 0),
    )


def delete_batch(session: Session, batch_id: str) -> BatchImpact:
    """Remove a batch, its runs and their entries; the domains then refer to their newest remaining run.

    Raises:
        BatchNotFound: no such batch.
        JobsNotTerminal: it has unfinished jobs; nothing is removed.
    """
    impact = preview_batch_deletion(session, batch_id)
    unfinished = impact.queued_jobs + impact.running_jobs
    if unfinished:
        raise JobsNotTerminal(unfinished)
    of_batch = Run.batch_id == batch_id
    domain_ids = session.scalars(select(Run.domain_id).where(of_batch).distinct()).all()
    _delete_runs(session, of_batch, domain_ids, leaving=and_(Run.batch_id.is_not(None), of_batch))
    session.execute(delete(Batch).where(Batch.id == batch_id), execution_options=_QUIET)
    return impact


def purge_finished_before(session: Session, cutoff: datetime, *, limit: int = 250) -> int:
    """Remove up to `limit` runs that finished before the cut-off, oldest first; returns how many.

    Called until it returns 0, each time in its own transaction, so that no other transaction waits long; see `purging`.
    """
    old = select(Run.id, Run.domain_id, Run.entry_count).where(Run.finished_at < cutoff).order_by(Run.finished_at)
    return _purge(session, old, limit)


def count_finished_before(session: Session, cutoff: datetime) -> int:
    """Count the runs that finished before the cut-off."""
    return session.scalar(select(func.count()).select_from(Run).where(Run.finished_at < cutoff)) or 0


def purge_tag(session: Session, name: str, *, limit: int = 250) -> int:
    """Remove up to `limit` runs of the domains of a tag; returns how many. Called like purge_finished_before."""
    members = select(DomainTag.domain_id).where(DomainTag.tag == name)
    chosen = select(Run.id, Run.domain_id, Run.entry_count).where(Run.domain_id.in_(members))
    return _purge(session, chosen, limit)


def _purge(session: Session, chosen: "Select[str, int, int]", limit: int) -> int:
    """Remove one step of the selected runs.

    SKIP LOCKED leaves runs that another process is removing to that process; entry_count bounds the step, as entries
    are what takes the time.
    """
    found = session.execute(chosen.limit(limit).with_for_update(skip_locked=True, of=Run)).all()
    entries = accumulate(row.entry_count for row in found)
    rows = [row for row, sum_ in zip(found, entries, strict=True) if sum_ <= _MAX_ENTRIES or row is found[0]]
    if rows:
        old = Run.id.in_([row.id for row in rows])
        _delete_runs(session, old, {row.domain_id for row in rows}, leaving=old)
    return len(rows)


def _delete_runs(
    session: Session, chosen: ColumnElement[bool], domain_ids: Collection[int], *, leaving: ColumnElement[bool]
) -> None:
    """Remove the chosen runs: first the references of domains, then entries and chains, then the runs.

    Entries and chains are removed by one statement each; the cascade of the foreign key would run a trigger for each
    run. `leaving` matches the same runs and is never NULL: in a negated condition NULL would drop runs of no batch.
    """
    lock_domains(session, domain_ids)
    refresh_domains(session, domain_ids, leaving=leaving)
    ids = select(Run.id).where(chosen)
    for model in (Entry, DnssecChain):
        session.execute(delete(model).where(model.run_id.in_(ids)), execution_options=_QUIET)
    session.execute(delete(Run).where(chosen), execution_options=_QUIET)


def _count(session: Session, ids: "Select[str]") -> int:
    return session.scalar(select(func.count()).select_from(ids.subquery())) or 0
