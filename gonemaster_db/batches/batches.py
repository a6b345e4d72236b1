"""Creation, listing and counts of batches."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, exists, false, func, or_, select, tuple_, update
from sqlalchemy.orm import Session

from gonemaster_db.analysis.reduction.steps import restart_reduction
from gonemaster_db.batches.models.batches import joined_tags
from gonemaster_db.core.clock import utcnow
from gonemaster_db.core.errors import BatchNotFound, StoreConflict
from gonemaster_db.core.ids import batch_key, new_batch_id
from gonemaster_db.core.records import NewBatch, Page
from gonemaster_db.core.upsert import insert
from gonemaster_db.models import Batch, BatchOrigin, Cohort, Job, JobStatus, Keep, Run, RunStatus
from gonemaster_db.queue.queue_ranks import BatchSpan, batch_spans, with_pending
from gonemaster_db.runs.counters import RunGroup, count_runs_of_batches, read_counts
from gonemaster_db.runs.purged_runs import PurgedRuns, read_purged

BATCH_SORTS: Mapping[str, Sequence[ColumnElement[Any]]] = {
    "created_at_desc": (Batch.created_at.desc(), Batch.id.desc()),
    "created_at_asc": (Batch.created_at.asc(), Batch.id.asc()),
    "name_asc": (func.lower(Batch.name).asc(), Batch.id.desc()),
    "name_desc": (func.lower(Batch.name).desc(), Batch.id.desc()),
    "domain_count_desc": (Batch.domain_count.desc(), Batch.id.desc()),
    "domain_count_asc": (Batch.domain_count.asc(), Batch.id.desc()),
}
_ATTEMPTS = 10  # Keys collide in 1 of 3844 pairs created within the same microsecond.


@dataclass(frozen=True, slots=True)
class ListedBatch:
    """A batch with its progress; `span` describes its unfinished jobs and is None for a finished batch.

    `completed` includes the runs that were purged since; `purged` is their number.
    """

    batch: Batch
    span: BatchSpan | None
    completed: int
    purged: int
    started_at: datetime | None
    finished_at: datetime | None

    @property
    def total(self) -> int:
        """Number of jobs and runs."""
        left = self.span.queued + self.span.held + self.span.running if self.span else 0
        return self.completed + left

    @property
    def is_done(self) -> bool:
        """Whether the batch has no unfinished jobs."""
        return self.span is None


@dataclass(frozen=True, slots=True)
class BatchSummary:
    """Counts over all jobs and runs of a batch, independent of filters and purges.

    `purged_runs` is the number of purged runs; `kept` counts only the jobs and runs that still exist.
    """

    status_counts: Mapping[str, int]
    grades: Mapping[str, int]
    worst_levels: Mapping[str, int]
    started_at: datetime | None
    finished_at: datetime | None
    purged_runs: int
    kept: "RemainingCounts"


@dataclass(frozen=True, slots=True)
class RemainingCounts:
    """Counts over the jobs and runs of a batch that still exist and that its lists show."""

    status_counts: Mapping[str, int]
    worst_levels: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class _OutcomeGroup:
    """Jobs or runs of a batch with the same status, grade and worst level."""

    status: JobStatus | RunStatus
    grade: str | None
    worst_level: str | None
    number: int
    first_start: datetime | None


def create_batch(session: Session, new: NewBatch, *, now: datetime | None = None, batch_id: str | None = None) -> Batch:
    """Create a batch, with a new ID unless one is given. The caller adds its jobs in the same transaction."""
    row = {
        "created_at": now or utcnow(),
        "domain_count": new.domain_count,
        "tag": new.tag,
        "name": new.name,
        "tags": joined_tags(new.tags),
        "description": new.description,
        "snapshot_intent": new.snapshot_intent,
        "promote_snapshot": new.promote_snapshot,
        "origin": BatchOrigin(new.origin),
        "pending": new.pending,
        "keep": new.keep or _keep_of_cohorts(session, [new.tag, *new.tags]) or new.default_keep,
    }
    for _ in range(_ATTEMPTS):
        created_id = batch_id or new_batch_id()
        inserted = insert(session, Batch).values(row | {"id": created_id, "key": batch_key(created_id)})
        if session.scalar(inserted.on_conflict_do_nothing().returning(Batch.key)) is not None:
            return get_batch(session, created_id)
    raise StoreConflict("no free batch key")


def _keep_of_cohorts(session: Session, tags: Collection[str]) -> Keep | None:
    """Return what the cohorts of tags keep of runs, the most if they differ; None if none of them says anything."""
    chosen = select(Cohort.keep).where(Cohort.source_tag.in_(tags), Cohort.keep.is_not(None))
    found = set(session.scalars(chosen))
    return next((keep for keep in Keep if keep in found), None)


def find_batch_key(session: Session, batch_id: str) -> int | None:
    """Return the key of a batch, or None if it does not exist."""
    return session.scalar(select(Batch.key).where(Batch.id == batch_id))


def ids_of_batches(session: Session, batch_keys: Collection[int]) -> dict[int, str]:
    """Return the IDs of batches by key, without deleted batches."""
    rows = session.execute(select(Batch.key, Batch.id).where(Batch.key.in_(batch_keys)))
    return {row.key: row.id for row in rows}


def match_batch(session: Session, batch_id: str) -> ColumnElement[bool]:
    """Match the runs of a batch; no run if the batch does not exist."""
    key = find_batch_key(session, batch_id)
    return false() if key is None else Run.batch_key == key


def get_batch(session: Session, batch_id: str, *, lock: bool = False) -> Batch:
    """Read a batch, locked until the end of the transaction if `lock` is set. Raises BatchNotFound."""
    query = select(Batch).where(Batch.id == batch_id)
    found = session.scalar(query.with_for_update() if lock else query)
    if found is None:
        raise BatchNotFound(batch_id)
    return found


def change_batch(session: Session, batch_id: str, changes: Mapping[str, Any]) -> Batch:
    """Change name, description, tags, snapshot_intent (whether its results become snapshots) or keep.

    The first tag is that of the batch in lists. Runs that were reduced before stay so.

    Raises: BatchNotFound.
    """
    batch = get_batch(session, batch_id, lock=True)
    for name in ("name", "description", "snapshot_intent"):
        if name in changes:
            setattr(batch, name, changes[name])
    if "tags" in changes:
        batch.tags, batch.tag = joined_tags(changes["tags"]), next(iter(changes["tags"]), "")
    if "keep" in changes and batch.keep is not Keep(changes["keep"]):
        batch.keep = Keep(changes["keep"])
        restart_reduction(session, batch)
    session.flush()
    return batch


def set_snapshot_intent_of_tag(session: Session, tag: str) -> None:
    """Mark all batches of a tag to become snapshots."""
    mark = update(Batch).where(Batch.tag == tag, ~Batch.snapshot_intent).values(snapshot_intent=True)
    session.execute(mark, execution_options={"synchronize_session": False})


def find_batch_names(session: Session, batch_id: str) -> tuple[str, ...]:
    """Return name, description and tag of a batch, of which some may be empty; nothing if it does not exist."""
    row = session.execute(select(Batch.name, Batch.description, Batch.tag).where(Batch.id == batch_id)).first()
    return () if row is None else tuple(text or "" for text in row)


def list_batches(
    session: Session,
    *,
    label: str = "",
    search: str = "",
    verdict: str | None = None,
    tag: str | None = None,
    sort: str = "created_at_desc",
    limit: int = 20,
    offset: int = 0,
) -> Page[ListedBatch]:
    """Return a page of batches in an order of BATCH_SORTS.

    `label` is a substring of the tag, `tag` the whole tag; `search` is a substring of name, description or tags, or the
    beginning of the ID; `verdict` finds batches with a remaining run that has it.
    """
    conditions = _labelled(label) + _found(search) + _judged(verdict)
    if tag is not None:
        conditions.append(Batch.tag == tag)
    total = session.scalar(select(func.count()).select_from(Batch).where(*conditions)) or 0
    query = select(Batch).where(*conditions).order_by(*BATCH_SORTS[sort])
    batches = session.scalars(query.limit(limit).offset(offset)).all()
    return Page(_with_progress(session, batches), total, limit, offset)


def batches_before(
    session: Session,
    last: Batch | None,
    *,
    label: str = "",
    search: str = "",
    verdict: str | None = None,
    limit: int,
) -> Sequence[Batch]:
    """Return the batches that follow `last` in the list, newest first; None starts at the newest."""
    conditions = _labelled(label) + _found(search) + _judged(verdict)
    if last is not None:
        conditions.append(tuple_(Batch.created_at, Batch.id) < (last.created_at, last.id))
    query = select(Batch).where(*conditions).order_by(Batch.created_at.desc(), Batch.id.desc())
    return session.scalars(query.limit(limit)).all()


def count_statuses(session: Session, batch_id: str) -> Mapping[str, int]:
    """Count the jobs and runs of a batch by status, purged runs included; every status is present.

    Names whose jobs are not written yet count as queued.
    """
    key = find_batch_key(session, batch_id)
    return _statuses(
        [*_job_groups(session, batch_id), *_run_groups(session, key), *_grouped_counts(_purged(session, key).groups)]
    )


def summarise_batch(session: Session, batch_id: str) -> BatchSummary:
    """Count statuses, grades and worst levels of a batch, and determine its start and end."""
    key = find_batch_key(session, batch_id)
    jobs, remaining, purged = _job_groups(session, batch_id), _run_groups(session, key), _purged(session, key)
    runs = [*remaining, *_grouped_counts(purged.groups)]
    of_runs = session.scalar(_first_start(Run.batch_key == key))
    return BatchSummary(
        status_counts=_statuses([*jobs, *runs]),
        grades=_sums((group.grade, group.number) for group in runs),
        worst_levels=_levels(runs),
        started_at=_first(of_runs, purged.started_at, *(group.first_start for group in jobs)),
        finished_at=None if jobs else _last(session.scalar(_last_finish(Run.batch_key == key)), purged.finished_at),
        purged_runs=purged.number,
        kept=RemainingCounts(_statuses([*jobs, *remaining]), _levels(remaining)),
    )


def count_unfinished(session: Session, batch_id: str) -> int:
    """Count the unfinished jobs of a batch, including those that are not written yet."""
    jobs = session.scalar(select(func.count()).select_from(Job).where(Job.batch_id == batch_id)) or 0
    return jobs + _pending(session, batch_id)


def _pending(session: Session, batch_id: str) -> int:
    return session.scalar(select(Batch.pending).where(Batch.id == batch_id)) or 0


def _judged(verdict: str | None) -> list[ColumnElement[bool]]:
    # A stated "is not null" lets the database use the partial index of verdicts.
    has_it = exists().where(Run.batch_key == Batch.key, Run.verdict.is_not(None), Run.verdict == verdict)
    return [] if verdict is None else [has_it]


def _labelled(label: str) -> list[ColumnElement[bool]]:
    return [Batch.tag.icontains(label, autoescape=True)] if label else []


def _found(search: str) -> list[ColumnElement[bool]]:
    if not search:
        return []
    texts = (Batch.name, Batch.description, Batch.tag, Batch.tags)
    found = [text.icontains(search, autoescape=True) for text in texts]
    return [or_(*found, Batch.id.startswith(search, autoescape=True))]


def _with_progress(session: Session, batches: Sequence[Batch]) -> list[ListedBatch]:
    spans = batch_spans(session, [batch.id for batch in batches])
    for batch in batches:
        if batch.pending:
            spans = {**spans, batch.id: with_pending(spans.get(batch.id), batch.id, batch.pending)}
    keys = [batch.key for batch in batches]
    runs, purged = count_runs_of_batches(session, keys), read_purged(session, keys)
    match_batch = Run.batch_key == Batch.key
    times = select(Batch.key, _first_start(match_batch).scalar_subquery(), _last_finish(match_batch).scalar_subquery())
    moments = {row[0]: (row[1], row[2]) for row in session.execute(times.where(Batch.key.in_(list(runs))))}
    return [
        _listed(
            batch,
            spans.get(batch.id),
            runs.get(batch.key, 0),
            purged.get(batch.key, PurgedRuns()),
            moments.get(batch.key, (None, None)),
        )
        for batch in batches
    ]


def _listed(
    batch: Batch,
    span: BatchSpan | None,
    kept: int,
    purged: PurgedRuns,
    moments: tuple[datetime | None, datetime | None],
) -> ListedBatch:
    begun, ended = _first(moments[0], purged.started_at), _last(moments[1], purged.finished_at)
    return ListedBatch(
        batch,
        span,
        completed=kept + purged.number,
        purged=purged.number,
        started_at=begun or (span.first_start if span else None),
        finished_at=None if span else ended,
    )


def _job_groups(session: Session, batch_id: str) -> list[_OutcomeGroup]:
    query = select(Job.status, func.count(), func.min(Job.started_at)).where(Job.batch_id == batch_id)
    rows = session.execute(query.group_by(Job.status))
    groups = [_OutcomeGroup(status, None, None, number, begun) for status, number, begun in rows]
    pending = _pending(session, batch_id)
    return [*groups, _OutcomeGroup(JobStatus.QUEUED, None, None, pending, None)] if pending else groups


def _run_groups(session: Session, key: int | None) -> list[_OutcomeGroup]:
    return [] if key is None else _grouped_counts(read_counts(session, key))


def _purged(session: Session, key: int | None) -> PurgedRuns:
    nothing = PurgedRuns()
    return nothing if key is None else read_purged(session, [key]).get(key, nothing)


def _grouped_counts(counted: Mapping[RunGroup, int]) -> list[_OutcomeGroup]:
    return [_OutcomeGroup(group.status, group.grade, group.level, number, None) for group, number in counted.items()]


def _levels(groups: Iterable[_OutcomeGroup]) -> dict[str, int]:
    return _sums((group.worst_level, group.number) for group in groups)


def _first(*moments: datetime | None) -> datetime | None:
    return min((moment for moment in moments if moment is not None), default=None)


def _last(*moments: datetime | None) -> datetime | None:
    return max((moment for moment in moments if moment is not None), default=None)


def _statuses(groups: Sequence[_OutcomeGroup]) -> dict[str, int]:
    zeros = dict.fromkeys([*map(str, JobStatus), *map(str, RunStatus)], 0)
    return zeros | _sums((str(group.status), group.number) for group in groups)


def _sums(counted: Iterable[tuple[str | None, int]]) -> dict[str, int]:
    found: Counter[str] = Counter()
    for name, number in counted:
        if name is not None:
            found[name] += number
    return dict(found)


def _first_start(batch: ColumnElement[bool]) -> "Select[datetime]":
    """Select the earliest start of a run of a batch, which is the first entry of the batch in ix_runs_of_batch."""
    begun = Run.started_at.is_not(None)
    return select(Run.started_at).where(batch, begun).order_by(Run.started_at).limit(1)  # type: ignore[return-value]  # not null


def _last_finish(batch: ColumnElement[bool]) -> "Select[datetime]":
    """Select the latest finish of a run of a batch, which is the first entry of the batch in ix_runs_by_batch_up."""
    return select(Run.finished_at).where(batch).order_by(Run.finished_at.desc()).limit(1)
