"""Reduction: removes from runs what their batch does not keep, once their facts are written.

Only documents change: a run keeps its row with its score, causes and counts, and with the outcome that it shares with
other runs. So filters, lists, comparisons of findings and watches return the same as before, and no index of runs
changes. A step is one transaction, and repeating it has no effect.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from gonemaster_db.analysis.reduction.written_facts import (
    FactsTarget,
    facts_revision_of,
    facts_targets,
    runs_with_facts,
)
from gonemaster_db.core.errors import DocumentDamaged
from gonemaster_db.models import Batch, CohortSnapshot, Job, Keep, Run, RunDocument
from gonemaster_db.runs.documents.codec import FINDINGS_ONLY
from gonemaster_db.runs.documents.outcomes import sequences_of
from gonemaster_db.runs.documents.registry import kinds_by_id
from gonemaster_db.runs.documents.run_document import decode_document, encode_findings, keeps_arguments

_NO_SYNC = {"synchronize_session": False}


@dataclass(frozen=True, slots=True)
class ReductionWork:
    """A batch whose runs are to be reduced; `revision` is that of its facts before the work begins."""

    batch_key: int
    keep: Keep
    revision: int
    targets: Sequence[FactsTarget]
    is_finished: bool


def find_reductions(session: Session, *, coverage: int) -> list[ReductionWork]:
    """Return the batches whose facts have changed since all their runs were reduced, oldest first."""
    revision = func.sum(CohortSnapshot.facts_revision)
    query = (
        select(Batch.key)
        .join(CohortSnapshot, CohortSnapshot.batch_key == Batch.key)
        .where(Batch.keep != Keep.FULL)
        .group_by(Batch.key, Batch.reduced_revision)
        .having(revision != Batch.reduced_revision)
    )
    keys = session.scalars(query.order_by(Batch.key)).all()
    batches = session.scalars(select(Batch).where(Batch.key.in_(keys)).order_by(Batch.key))
    return [_work(session, batch, coverage) for batch in batches]


def _work(session: Session, batch: Batch, coverage: int) -> ReductionWork:
    unfinished = select(Job.id).where(Job.batch_id == batch.id).limit(1)
    return ReductionWork(
        batch.key,
        batch.keep,
        facts_revision_of(session, batch.key),
        facts_targets(session, batch, coverage=coverage),
        is_finished=session.scalar(unfinished) is None,
    )


class ReductionSteps:
    """The reduction of the runs of a batch in one snapshot, in steps.

    While the batch is running, the steps continue after the run that the last step of any process reached. Once it has
    finished they start from its first run, because runs may appear below that position.
    """

    def __init__(self, work: ReductionWork, target: FactsTarget) -> None:
        self._work, self._target = work, target
        self._after: int | None = 0 if work.is_finished else None

    def __call__(self, session: Session, limit: int) -> int:
        """Reduce up to `limit` runs; return the number of examined runs, 0 if none is left or the batch has changed."""
        work = self._work
        # The snapshot is locked against a rebuild, which projects all runs again.
        query = select(CohortSnapshot).where(
            CohortSnapshot.id == self._target.snapshot_id, CohortSnapshot.batch_key == work.batch_key
        )
        snapshot = session.scalar(query.with_for_update(), execution_options={"populate_existing": True})
        if snapshot is None:
            return 0
        after = snapshot.reduced_key if self._after is None else self._after
        needed = RunDocument.codec != FINDINGS_ONLY if work.keep is Keep.FINDINGS else RunDocument.codec.is_not(None)
        keys = runs_with_facts(session, work.targets, self._target, needed, after=after, limit=limit)
        if not keys:
            return 0
        changed = update(Batch).where(Batch.key == work.batch_key, Batch.keep == work.keep)
        reduced, first = _reduce(session, keys, work.keep)
        counted = changed.values(reduced_runs=Batch.reduced_runs + first).returning(Batch.key)
        if session.scalar(counted, execution_options=_NO_SYNC) is None:
            raise ReductionOutdated(work.batch_key)
        self._after = keys[-1]
        if not work.is_finished:
            snapshot.reduced_key = keys[-1]
            session.flush()
        return max(reduced, 1)


class ReductionOutdated(Exception):
    """The batch was removed, or keeps something else now; nothing of the step is stored."""


def finish_reduction(session: Session, work: ReductionWork) -> None:
    """Record that all runs of a finished batch whose facts are written were reduced."""
    statement = update(Batch).where(Batch.key == work.batch_key, Batch.keep == work.keep)
    session.execute(statement.values(reduced_revision=work.revision), execution_options=_NO_SYNC)


def restart_reduction(session: Session, batch: Batch) -> None:
    """Examine all runs of a batch again, after a change of what it keeps."""
    batch.reduced_revision = -1
    start = update(CohortSnapshot).where(CohortSnapshot.batch_key == batch.key).values(reduced_key=0)
    session.execute(start, execution_options=_NO_SYNC)


def _reduce(session: Session, keys: Sequence[int], keep: Keep) -> tuple[int, int]:
    """Reduce runs; return the number of changed runs, and how many of them were full."""
    columns = (RunDocument.run_key, RunDocument.codec, RunDocument.document)
    locking = select(*columns).where(RunDocument.run_key.in_(keys)).order_by(RunDocument.run_key)
    rows = session.execute(locking.with_for_update(skip_locked=True)).all()
    first = sum(row.codec != FINDINGS_ONLY for row in rows)
    if keep is Keep.FACTS:
        chosen = [row.run_key for row in rows]
        session.execute(delete(RunDocument).where(RunDocument.run_key.in_(chosen)), execution_options=_NO_SYNC)
        return len(rows), first
    written = _findings_of(session, rows)
    if written:
        session.execute(update(RunDocument), written, execution_options=_NO_SYNC)
    return len(written), len(written)


def _findings_of(session: Session, rows: Sequence[Any]) -> list[dict[str, Any]]:
    """Return the new documents of runs; damaged documents stay as they are."""
    outcomes = select(Run.key, Run.outcome_id).where(Run.key.in_([row.run_key for row in rows]))
    of_run = {row.key: row.outcome_id for row in session.execute(outcomes)}
    sequences = sequences_of(session, of_run.values())
    kinds = kinds_by_id(session, {number for sequence in sequences.values() for number in sequence})
    found = []
    for row in rows:
        sequence = sequences.get(of_run.get(row.run_key) or 0, ())
        kept = [keeps_arguments(kinds[number].level) for number in sequence]
        try:
            codec, document = encode_findings(decode_document(row.codec, row.document), kept)
        except DocumentDamaged:
            continue
        found.append({"run_key": row.run_key, "codec": codec, "document": document})
    return found
