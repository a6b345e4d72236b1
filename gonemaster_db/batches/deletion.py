"""Deletion of runs and their documents by age, tag or batch."""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, delete, func, select
from sqlalchemy.orm import Session

from gonemaster_db.analysis.discarding import (
    count_facts_of_batch,
    discard_snapshots_of_batch,
    snapshots_of_batch,
)
from gonemaster_db.batches.batch_statistics import mark_stale
from gonemaster_db.batches.batches import get_batch
from gonemaster_db.core.clock import utcnow
from gonemaster_db.core.errors import JobsNotTerminal, StoreConflict
from gonemaster_db.domains.domains import add_to_run_counts, lock_domains, refresh_domains, reset_domains
from gonemaster_db.models import AttemptLog, Batch, CohortSnapshot, Domain, DomainTag, Job, JobStatus, Run, RunDocument
from gonemaster_db.runs.counters import count_runs_in, remove_batch_counters
from gonemaster_db.runs.purged_runs import add_purged_counts, count_groups, remove_purged_counts
from gonemaster_db.service.metrics.following import count_before_deletion
from gonemaster_db.service.metrics.following import follow_deletion as metrics_follow_deletion
from gonemaster_db.service.watched_runs import follow_deletion

_NO_SYNC = {"synchronize_session": False}
_PURGED = (Run.key, Run.id, Run.domain_id)


@dataclass(frozen=True, slots=True)
class BatchImpact:
    """The objects that the deletion of a batch would remove.

    `fact_rows` are rows of the analysis; `snapshots` are mappings with cohort_id, cohort_label, snapshot_slug,
    snapshot_label and is_default.
    """

    batch: Batch
    queued_jobs: int
    running_jobs: int
    completed_runs: int
    entries: int
    fact_rows: int = 0
    snapshots: Sequence[Mapping[str, Any]] = field(default_factory=tuple)


def preview_batch_deletion(session: Session, batch_id: str) -> BatchImpact:
    """Count what `delete_batch` would remove. Raises BatchNotFound."""
    batch = get_batch(session, batch_id)
    running = _count(session, select(Job.id).where(Job.batch_id == batch_id, Job.status == JobStatus.RUNNING))
    unfinished = _count(session, select(Job.id).where(Job.batch_id == batch_id))
    sums = select(func.count(), func.coalesce(func.sum(Run.entry_count), 0)).where(Run.batch_key == batch.key)
    runs, entries = session.execute(sums).one()
    return BatchImpact(
        batch,
        queued_jobs=unfinished - running,
        running_jobs=running,
        completed_runs=runs,
        entries=int(entries),
        fact_rows=count_facts_of_batch(session, batch.key),
        snapshots=snapshots_of_batch(session, batch.key),
    )


def delete_batch(session: Session, batch_id: str) -> BatchImpact:
    """Remove a batch, its snapshots, its runs and their entries.

    Its domains then refer to their newest remaining run. Rows of facts and views can no longer be read; a maintenance
    task removes them later.

    Raises: BatchNotFound: The batch does not exist. JobsNotTerminal: The batch has unfinished jobs; nothing is removed.
    """
    impact = preview_batch_deletion(session, batch_id)
    unfinished = impact.queued_jobs + impact.running_jobs
    if unfinished:
        raise JobsNotTerminal(unfinished)
    key = impact.batch.key
    _discard_snapshots(session, key)
    of_batch = Run.batch_key == key
    domain_ids = session.scalars(select(Run.domain_id).where(of_batch).distinct()).all()
    _delete_runs(session, of_batch, domain_ids, leaving=and_(Run.batch_key.is_not(None), of_batch))
    remove_batch_counters(session, key)
    remove_purged_counts(session, key)
    session.execute(delete(Batch).where(Batch.key == key), execution_options=_NO_SYNC)
    return impact


def _discard_snapshots(session: Session, batch_key: int) -> None:
    """Discard the snapshots of a batch and lock the batch, so that no projector builds another one.

    Raises: StoreConflict: A projector has just built a snapshot.
    """
    now = utcnow()
    discard_snapshots_of_batch(session, batch_key, now=now)
    session.execute(select(Batch.key).where(Batch.key == batch_key).with_for_update())
    if session.scalar(select(CohortSnapshot.id).where(CohortSnapshot.batch_key == batch_key).limit(1)) is not None:
        raise StoreConflict("the batch has just become a snapshot")


def purge_finished_before(session: Session, cutoff: datetime, *, limit: int = 250) -> int:
    """Remove up to `limit` runs that finished before the cut-off, oldest first; return their number.

    Call it until it returns 0, each time in a new transaction, so that no other transaction waits long; see
    `purging`.
    """
    old = select(*_PURGED).where(Run.finished_at < cutoff).order_by(Run.finished_at)
    return len(_purge(session, old, limit))


def count_finished_before(session: Session, cutoff: datetime) -> int:
    """Count the runs that finished before the cut-off."""
    return session.scalar(select(func.count()).select_from(Run).where(Run.finished_at < cutoff)) or 0


def purge_tag(session: Session, name: str, *, limit: int = 250) -> int:
    """Remove up to `limit` runs of the domains of a tag; return their number. Call it like `purge_finished_before`."""
    return TagPurge(name)(session, limit)


def purge_domain(session: Session, domain_id: int, *, limit: int = 250) -> int:
    """Remove up to `limit` runs of a domain, oldest first; return their number.

    Call it like `purge_finished_before`.
    """
    chosen = select(*_PURGED).where(Run.domain_id == domain_id).order_by(Run.finished_at)
    return len(_purge(session, chosen, limit))


class TagPurge:
    """A purge of the runs of a tag's domains, in steps.

    It continues after the domain of the previous step, because searching from the start would read all domains before
    it again. At the end it starts over once, to find runs that it skipped, such as locked ones.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._after = 0

    def __call__(self, session: Session, limit: int) -> int:
        """Remove up to `limit` runs; return their number, 0 if no run is left."""
        removed = self._step(session, limit)
        if not removed and self._after:
            self._after = 0
            removed = self._step(session, limit)
        return removed

    def _step(self, session: Session, limit: int) -> int:
        chosen = select(*_PURGED).join(DomainTag, DomainTag.domain_id == Run.domain_id)
        chosen = chosen.where(DomainTag.tag == self._name, DomainTag.domain_id >= self._after)
        rows = _purge(session, chosen.order_by(DomainTag.domain_id), limit)
        if rows:
            self._after = max(row.domain_id for row in rows)
        return len(rows)


def _purge(session: Session, chosen: Any, limit: int) -> Sequence[Row[Any]]:
    """Remove the selected runs of one step; return their rows.

    SKIP LOCKED skips runs that another process is removing. The database counts the runs of each batch while they are
    locked, so the counts are exact; batches continue to include them.
    """
    rows: Sequence[Row[Any]] = session.execute(chosen.limit(limit).with_for_update(skip_locked=True, of=Run)).all()
    if rows:
        old = Run.key.in_([row.key for row in rows])  # Integer keys, because several statements repeat the list.
        counted = count_groups(session, old)
        _delete_runs(session, old, {row.domain_id for row in rows}, leaving=old, locked=rows)
        mark_stale(session, {each.group.batch_key for each in counted})
        add_purged_counts(session, counted)
        count_runs_in(session, {each.group: -each.runs for each in counted})
    return rows


def _delete_runs(
    session: Session,
    chosen: ColumnElement[bool],
    domain_ids: Collection[int],
    *,
    leaving: ColumnElement[bool],
    locked: Sequence[Row[Any]] | None = None,
) -> None:
    """Remove the selected runs: first the references in domains, then documents, then runs.

    One statement removes all documents; the cascade of the foreign key would run a trigger for each run. `leaving`
    matches the same runs and is never NULL: a negated NULL condition would drop runs without a batch. `locked` are the
    rows of the runs if this transaction has locked them.
    """
    domains = lock_domains(session, domain_ids)
    count_before_deletion(session, chosen, now=utcnow())
    if locked is None:
        newest = select(Run.domain_id).join(Domain, Run.id == Domain.latest_run_id)
        outdated = set(session.scalars(newest.where(chosen)))
        numbers = _number_of_runs(session, chosen)
    else:
        outdated = {row.domain_id for row in locked if domains[row.domain_id].latest_run_id == row.id}
        numbers = Counter(row.domain_id for row in locked)
    emptied = {domain_id for domain_id, number in numbers.items() if domains[domain_id].run_count == number}
    _subtract_runs(session, numbers, emptied | outdated)
    reset_domains(session, emptied)
    refresh_domains(session, outdated - emptied, leaving=leaving)
    keys: Any = select(Run.key).where(chosen) if locked is None else [row.key for row in locked]
    ids: Any = select(Run.id).where(chosen) if locked is None else [row.id for row in locked]
    session.execute(delete(AttemptLog).where(AttemptLog.job_id.in_(ids)), execution_options=_NO_SYNC)
    session.execute(delete(RunDocument).where(RunDocument.run_key.in_(keys)), execution_options=_NO_SYNC)
    session.execute(delete(Run).where(chosen), execution_options=_NO_SYNC)
    follow_deletion(session)
    metrics_follow_deletion(session)


def _number_of_runs(session: Session, chosen: ColumnElement[bool]) -> Mapping[int, int]:
    """Count the selected runs by domain; the domains are locked, so that no other transaction removes a run of them."""
    rows = session.execute(select(Run.domain_id, func.count().label("runs")).where(chosen).group_by(Run.domain_id))
    return {row.domain_id: row.runs for row in rows}


def _subtract_runs(session: Session, numbers: Mapping[int, int], others: Collection[int]) -> None:
    """Subtract from the run counts of domains, except for `others`.

    A purge by age mostly removes runs that are not the newest of their domain: those domains only need a lower count.
    """
    same: dict[int, list[int]] = defaultdict(list)
    for domain_id in numbers.keys() - others:
        same[numbers[domain_id]].append(domain_id)
    for number, domain_ids in same.items():
        add_to_run_counts(session, domain_ids, -number)


def _count(session: Session, ids: "Select[str]") -> int:
    return session.scalar(select(func.count()).select_from(ids.subquery())) or 0
