"""Which runs have their facts written: the condition for removing the data that facts are extracted from."""

import heapq
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from gonemaster_db.analysis.columns.run_sets import unpack_keys
from gonemaster_db.analysis.membership import covers
from gonemaster_db.core.chunks import chunks
from gonemaster_db.models import (
    AnalysisFile,
    Batch,
    Cohort,
    CohortSnapshot,
    DomainTag,
    FactStorage,
    Job,
    Projection,
    PurgedSnapshot,
    Run,
    RunDocument,
)

SLICE = 2000


@dataclass(frozen=True, slots=True)
class FactsTarget:
    """A cohort that takes the facts of a batch; without a snapshot before its first run is projected."""

    tag: str
    snapshot_id: int | None
    storage: FactStorage = FactStorage.ROWS


def facts_targets(session: Session, batch: Batch, *, coverage: int) -> list[FactsTarget]:
    """Return the cohorts that take the facts of a batch now, or will take them; see `projections.find_waiting`.

    A batch without tags may still come to cover another cohort while it runs, so it has no targets before it has
    finished. `coverage` is the percentage of members for cohorts without their own.
    """
    tagged = set(session.scalars(select(Cohort.source_tag))).intersection(batch.tag_names)
    if not tagged and session.scalar(select(Job.id).where(Job.batch_id == batch.id).limit(1)) is not None:
        return []
    columns = (CohortSnapshot.cohort_id, CohortSnapshot.id, CohortSnapshot.storage)
    rows = session.execute(select(*columns).where(CohortSnapshot.batch_key == batch.key))
    known = {cohort_id: (snapshot_id, storage) for cohort_id, snapshot_id, storage in rows}
    purged = set(session.scalars(select(PurgedSnapshot.cohort_id).where(PurgedSnapshot.batch_key == batch.key)))
    found = []
    for cohort in session.scalars(select(Cohort).where(Cohort.analysis_enabled).order_by(Cohort.id)):
        if cohort.id in purged:
            continue
        if cohort.id in known:
            found.append(FactsTarget(cohort.source_tag, *known[cohort.id]))
        elif cohort.source_tag in tagged or (not tagged and _is_covered(session, cohort, batch.key, coverage)):
            found.append(FactsTarget(cohort.source_tag, None))
    return found


def _is_covered(session: Session, cohort: Cohort, batch_key: int, coverage: int) -> bool:
    percent = coverage if cohort.coverage is None else cohort.coverage
    return covers(session, batch_key, cohort.source_tag, percent=percent)


def runs_with_facts(
    session: Session,
    targets: Sequence[FactsTarget],
    target: FactsTarget,
    *conditions: ColumnElement[bool],
    after: int = 0,
    limit: int,
) -> Sequence[int]:
    """Return the keys of up to `limit` runs of a target whose facts are written for all targets, in ascending order.

    Only runs that have a document and keys above `after` are returned; `conditions` are about RunDocument. A run whose
    projection failed has no facts. A target takes only the runs of its members.
    """
    others = [other for other in targets if other != target]
    found: list[int] = []
    for keys in _projected_slices(session, target, after, conditions):
        for other in others:
            keys = _with_facts_of(session, other, keys)
        found += keys
        if len(found) >= limit:
            break
    return found[:limit]


def _projected_slices(
    session: Session, target: FactsTarget, after: int, conditions: Sequence[ColumnElement[bool]]
) -> Iterator[list[int]]:
    """Yield the keys of projected runs with a document in ascending slices, starting above `after`."""
    if target.storage is FactStorage.COLUMNS:
        for keys in _slices_of_files(session, target.snapshot_id, after):
            query = select(RunDocument.run_key).where(RunDocument.run_key.in_(keys), *conditions)
            yield list(session.scalars(query.order_by(RunDocument.run_key)))
        return
    query = (
        select(Projection.run_key)
        .join(RunDocument, RunDocument.run_key == Projection.run_key)
        .where(Projection.snapshot_id == target.snapshot_id, Projection.status == "projected", *conditions)
        .order_by(Projection.run_key)
        .limit(SLICE)
    )
    while keys := list(session.scalars(query.where(Projection.run_key > after))):
        yield keys
        after = keys[-1]


def _slices_of_files(session: Session, snapshot_id: int | None, after: int) -> Iterator[list[int]]:
    """Yield the keys of the runs in the files of a snapshot in ascending slices, starting above `after`."""
    for keys in chunks(_keys_of_files(session, snapshot_id, after), SLICE):
        yield list(keys)


def _keys_of_files(session: Session, snapshot_id: int | None, after: int) -> Iterator[int]:
    """Merge the keys of files, of which only those with overlapping ranges are in memory together.

    Ranges overlap because runs that are committed late have their own file.
    """
    counted = (AnalysisFile.snapshot_id == snapshot_id, AnalysisFile.run_keys.is_not(None))
    files = select(AnalysisFile.id, AnalysisFile.first_key).where(*counted, AnalysisFile.last_key > after)
    waiting = deque(session.execute(files.order_by(AnalysisFile.first_key, AnalysisFile.id)).all())
    heads: list[tuple[int, int, Iterator[int]]] = []
    while waiting or heads:
        while waiting and (not heads or waiting[0].first_key <= heads[0][0]):
            number = waiting.popleft().id
            packed = session.scalar(select(AnalysisFile.run_keys).where(AnalysisFile.id == number))
            _push(heads, number, iter([key for key in unpack_keys(packed) if key > after] if packed else ()))
        if heads:
            key, number, keys = heapq.heappop(heads)
            yield key
            _push(heads, number, keys)


def _push(heads: list[tuple[int, int, Iterator[int]]], number: int, keys: Iterator[int]) -> None:
    if (key := next(keys, None)) is not None:
        heapq.heappush(heads, (key, number, keys))


def _with_facts_of(session: Session, target: FactsTarget, keys: Sequence[int]) -> list[int]:
    """Return the runs whose facts a target has, and those that it does not take."""
    done = _projected_among(session, target, keys) if keys else set()
    missing = [key for key in keys if key not in done]
    if not missing:
        return list(keys)
    carries = (DomainTag.domain_id == Run.domain_id) & (DomainTag.tag == target.tag)
    waiting = set(session.scalars(select(Run.key).join(DomainTag, carries).where(Run.key.in_(missing))))
    return [key for key in keys if key not in waiting]


def _projected_among(session: Session, target: FactsTarget, keys: Sequence[int]) -> set[int]:
    if target.snapshot_id is None:
        return set()
    if target.storage is FactStorage.COLUMNS:
        counted = (AnalysisFile.snapshot_id == target.snapshot_id, AnalysisFile.run_keys.is_not(None))
        overlapping = (AnalysisFile.first_key <= keys[-1], AnalysisFile.last_key >= keys[0])
        packed = session.scalars(select(AnalysisFile.run_keys).where(*counted, *overlapping))
        return {key for each in packed for key in unpack_keys(each or b"")}.intersection(keys)
    done = (Projection.snapshot_id == target.snapshot_id, Projection.run_key.in_(keys))
    return set(session.scalars(select(Projection.run_key).where(*done, Projection.status == "projected")))


def facts_revision_of(session: Session, batch_key: int) -> int:
    """Return a number that changes with the facts of a batch: the sum of the revisions of its snapshots."""
    total = select(func.sum(CohortSnapshot.facts_revision)).where(CohortSnapshot.batch_key == batch_key)
    return int(session.scalar(total) or 0)
