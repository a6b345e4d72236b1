"""The waiting jobs in order: counts, pages, moves."""

from collections import Counter
from collections.abc import Iterator, KeysView, Mapping, Sequence
from datetime import datetime
from typing import Literal

from sqlalchemy import ColumnElement, and_, func, null, or_, select, text
from sqlalchemy.orm import Session, defer

from gonemaster_db.core.chunks import chunks
from gonemaster_db.core.errors import JobNotFound, JobStateError, QueueMismatch, TierMismatch
from gonemaster_db.core.states import WAITING
from gonemaster_db.core.texts import Text
from gonemaster_db.models import Job, JobStatus, Priority
from gonemaster_db.queue.position_allocator import GAP, allocate_positions
from gonemaster_db.queue.queue_ranks import QueueKey

End = Literal["front", "back"]
SLICE = 10_000
_UPDATE_CHUNK = 50_000
WIDTHS = (1, 1_000, 30_000, 2**40)  # numbers of neighbours to renumber, tried in order; the last one means all
# Most jobs are queued: counting all jobs of a tier and, with an index, the other ones takes half the time of comparing
# their states. One statement sees one state of the table.
_COUNT_STATES = (
    select(Job.priority, Job.status, func.count().label("jobs"))
    .where(Job.status.in_([status for status in JobStatus if status is not JobStatus.QUEUED]))
    .group_by(Job.priority, Job.status)
    .union_all(select(Job.priority, null(), func.count()).group_by(Job.priority))
)
_SET_POSITION = text("UPDATE jobs SET position = :position WHERE id = :id")
_SET_POSITIONS = text(
    "UPDATE jobs SET position = moved.position"
    " FROM unnest(string_to_array(:ids, ','), CAST(string_to_array(:positions, ',') AS bigint[]))"
    " AS moved (id, position)"
    ' WHERE jobs.id = moved.id COLLATE "C"'
)


def count_queued(session: Session, priority: int, *, until: QueueKey | None = None) -> int:
    """Count the queued (not held) jobs of a tier, up to and including the key `until`."""
    counted = select(func.count()).where(Job.priority == priority, Job.status == JobStatus.QUEUED)
    return session.scalar(counted.where(*_until(until))) or 0


def count_running(session: Session) -> int:
    """Count the running jobs."""
    return session.scalar(select(func.count()).where(Job.status == JobStatus.RUNNING)) or 0


def count_states(session: Session) -> Mapping[tuple[int, JobStatus], int]:
    """Count the unfinished jobs by tier and state; combinations without jobs are absent."""
    counts: Counter[tuple[int, JobStatus]] = Counter()
    for priority, status, number in session.execute(_COUNT_STATES):
        counts[priority, status or JobStatus.QUEUED] += number
        if status:  # The number of all jobs of the tier includes these.
            counts[priority, JobStatus.QUEUED] -= number
    return +counts


def first_queued_ids(
    session: Session,
    priority: int,
    *,
    limit: int,
    created_before: datetime | None = None,
    until: QueueKey | None = None,
) -> list[str]:
    """Return the IDs of the next jobs of a tier, in order, up to and including the key `until`."""
    query = select(Job.id).where(Job.priority == priority, Job.status == JobStatus.QUEUED, *_until(until))
    if created_before is not None:
        query = query.where(Job.created_at < created_before)
    return list(session.scalars(query.order_by(Job.position, Job.id).limit(limit)))


def iter_queued_ids(session: Session, priority: int) -> Iterator[str]:
    """Yield the IDs of all queued jobs of a tier in order, read in slices with constant memory."""
    last: QueueKey | None = None
    while rows := queued_after(session, priority, last, limit=SLICE):
        for _, job_id in rows:
            yield job_id
        last = rows[-1]


def queued_after(session: Session, priority: int, last: QueueKey | None, *, limit: int) -> list[QueueKey]:
    """Return the keys of the next queued jobs after a key, in order; None starts at the first job."""
    query = select(Job.position, Job.id).where(Job.priority == priority, Job.status == JobStatus.QUEUED)
    if last is not None:
        query = query.where(*_behind(*last))
    rows = session.execute(query.order_by(Job.position, Job.id).limit(limit))
    return [(position, job_id) for position, job_id in rows]


def ends_of_tier(session: Session, priority: int) -> tuple[int, int]:
    """Return the lowest and the highest position of the unfinished jobs of a tier; 0 and 0 for an empty tier."""
    ends = select(func.min(Job.position), func.max(Job.position)).where(Job.priority == priority)
    first, last = session.execute(ends).one()
    return first or 0, last or 0


def next_queued_after(session: Session, job: Job) -> str | None:
    """Return the ID of the next queued job after this one in its tier, or None."""
    behind = _behind(job.position, job.id)
    query = select(Job.id).where(Job.priority == job.priority, Job.status == JobStatus.QUEUED, *behind)
    return session.scalar(query.order_by(Job.position, Job.id).limit(1))


def priorities_of(session: Session, job_ids: Sequence[str]) -> Mapping[str, int]:
    """Return the tier of each unfinished job by ID."""
    found: dict[str, int] = {}
    for chunk in chunks(job_ids, SLICE):
        rows = session.execute(select(Job.id, Job.priority).where(Job.id.in_(chunk)))
        found |= {row.id: row.priority for row in rows}
    return found


def states_of(session: Session, job_ids: Sequence[str]) -> Mapping[str, tuple[JobStatus, int]]:
    """Return state and tier of each unfinished job by ID."""
    found: dict[str, tuple[JobStatus, int]] = {}
    for chunk in chunks(job_ids, SLICE):
        rows = session.execute(select(Job.id, Job.status, Job.priority).where(Job.id.in_(chunk)))
        found |= {row.id: (row.status, row.priority) for row in rows}
    return found


def oldest_waiting(session: Session, priority: int) -> datetime | None:
    """Return the creation time of the oldest queued job of a tier."""
    query = select(func.min(Job.created_at)).where(Job.priority == priority, Job.status == JobStatus.QUEUED)
    return session.scalar(query)


def list_waiting(session: Session, priority: int, *, limit: int, offset: int = 0) -> list[Job]:
    """Return a page of the waiting jobs of a tier in order, including held jobs."""
    query = select(Job).where(Job.priority == priority, Job.status.in_(WAITING)).options(defer(Job.config))
    return list(session.scalars(query.order_by(Job.position, Job.id).limit(limit).offset(offset)))


def list_running(session: Session, *, limit: int) -> list[Job]:
    """Return running jobs, longest running first."""
    query = select(Job).where(Job.status == JobStatus.RUNNING).options(defer(Job.config))
    return list(session.scalars(query.order_by(Job.started_at, Job.id).limit(limit)))


def move_to_end(session: Session, job_ids: Sequence[str], *, to: End) -> list[str]:
    """Move waiting jobs to the front or back of their tier in the given order; return the IDs of the moved jobs.

    IDs of jobs that are not waiting are ignored. Raises TierMismatch.
    """
    movable, priority = _lock_waiting(session, job_ids)
    if not movable:
        return []
    if to == "back":
        positions = allocate_positions(session, priority, len(movable))
    else:
        # Positions may be negative, so there is always space at the front.
        first = session.scalar(select(func.min(Job.position)).where(Job.priority == priority)) or 0
        positions = list(range(first - len(movable) * GAP, first, GAP))
    _set_positions(session, dict(zip(movable, positions, strict=True)))
    return movable


def move_next_to(session: Session, job_ids: Sequence[str], *, pivot: str, after: bool = False) -> list[str]:
    """Move waiting jobs directly before or after another job in the given order; return the IDs of the moved jobs.

    Raises: JobNotFound: The pivot does not exist. JobStateError: The pivot is not waiting, or is one of the jobs.
    TierMismatch: The jobs belong to more than one tier.
    """
    if pivot in job_ids:
        raise JobStateError(Text("job {pivot} cannot be moved relative to itself", pivot=pivot))
    movable, priority = _lock_waiting(session, job_ids)
    anchor = session.scalar(select(Job).where(Job.id == pivot), execution_options={"populate_existing": True})
    if anchor is None:
        raise JobNotFound(pivot)
    if anchor.status not in WAITING:
        raise JobStateError(Text("job {pivot} is {status}, not waiting", pivot=pivot, status=anchor.status))
    if movable and anchor.priority != priority:
        raise TierMismatch(Text("the jobs belong to more than one tier"))
    if movable:
        _insert_next_to(session, movable, anchor, after=after)
    return movable


def reorder_queue(session: Session, job_ids: Sequence[str]) -> list[list[str]]:
    """Put the waiting jobs into this order; each must be listed once, normal before batch. Return them by tier.

    Held jobs may be omitted and then keep their positions. The positions of the other jobs are redistributed among
    them. Checks are not part of the order: they wait for seconds. Raises QueueMismatch.
    """
    query = select(Job.id, Job.priority, Job.position, Job.status).where(Job.status.in_(WAITING))
    query = query.where(Job.priority != Priority.CHECK)
    locked = session.execute(query.order_by(Job.id).with_for_update()).all()  # in the order of all multi-row locks
    named = set(job_ids)
    left_out = {row.id for row in locked if row.status == JobStatus.PAUSED} - named
    waiting = sorted(
        (row for row in locked if row.id not in left_out), key=lambda row: (row.priority, row.position, row.id)
    )
    current = {row.id: row for row in waiting}
    if len(job_ids) != len(waiting) or current.keys() != named:
        raise QueueMismatch(_mismatch(job_ids, current.keys()))
    if any(current[job_id].priority != row.priority for job_id, row in zip(job_ids, waiting, strict=True)):
        raise QueueMismatch(Text("normal jobs must stay ahead of batch jobs"))
    positions = {job_id: row.position for job_id, row in zip(job_ids, waiting, strict=True)}
    moved = {job_id: position for job_id, position in positions.items() if current[job_id].position != position}
    _set_positions(session, moved)
    first_batch = sum(row.priority == Priority.NORMAL for row in waiting)
    return [list(job_ids[:first_batch]), list(job_ids[first_batch:])]


def _mismatch(job_ids: Sequence[str], waiting: KeysView[str]) -> str:
    """Describe the errors of an order, with one example job for each error."""
    counts = Counter(job_ids)
    errors = (
        ("missing", sorted(waiting - counts.keys())),
        ("not waiting", sorted(counts.keys() - waiting)),
        ("listed more than once", sorted(job_id for job_id, count in counts.items() if count > 1)),
    )
    found = [f"{len(ids)} {problem}, for example {ids[0][:100]!r}" for problem, ids in errors if ids]
    return f"the order must list every waiting job exactly once: {'; '.join(found)}"


def _until(key: QueueKey | None) -> tuple[ColumnElement[bool], ...]:
    """Match the jobs up to a key; all jobs without one."""
    if key is None:
        return ()
    position, job_id = key
    return Job.position <= position, or_(Job.position < position, Job.id <= job_id)


def _behind(position: int, job_id: str) -> tuple[ColumnElement[bool], ...]:
    """Match the jobs after a position. The plain bound lets an index scan start there; an OR alone does not."""
    return Job.position >= position, or_(Job.position > position, and_(Job.position == position, Job.id > job_id))


def _lock_waiting(session: Session, job_ids: Sequence[str]) -> tuple[list[str], int]:
    """Lock the waiting jobs of a list; return their IDs in the given order, and their tier."""
    found: dict[str, int] = {}
    # Sorted over all chunks: all code locks jobs in order of ID, so that two moves cannot deadlock.
    for chunk in chunks(sorted(set(job_ids)), SLICE):
        query = select(Job.id, Job.priority).where(Job.id.in_(chunk), Job.status.in_(WAITING))
        found |= {row.id: row.priority for row in session.execute(query.order_by(Job.id).with_for_update())}
    if len(set(found.values())) > 1:
        raise TierMismatch(Text("the jobs belong to more than one tier"))
    return [job_id for job_id in dict.fromkeys(job_ids) if job_id in found], next(iter(found.values()), 0)


def _insert_next_to(session: Session, movable: list[str], anchor: Job, *, after: bool) -> None:
    """Put the jobs between the anchor and its neighbour; if the gap is too small, renumber more neighbours."""
    nearest_first = movable if after else movable[::-1]
    for width in WIDTHS:
        adjacent = _adjacent(session, anchor, movable, width, after=after)
        if len(adjacent) < width:
            row = [*nearest_first, *(job_id for job_id, _ in adjacent)]
            positions = _positions_outside(session, anchor, len(row), after=after)
        else:
            row = [*nearest_first, *(job_id for job_id, _ in adjacent[:-1])]
            positions = _positions_between(anchor.position, adjacent[-1][1], len(row))
        if positions:
            break
    _set_positions(session, dict(zip(row, positions, strict=True)))


def _adjacent(session: Session, anchor: Job, movable: list[str], width: int, *, after: bool) -> list[tuple[str, int]]:
    """Read the next jobs on one side with their positions, nearest first, without the moving jobs."""
    side = Job.position > anchor.position if after else Job.position < anchor.position
    query = select(Job.id, Job.position).where(Job.priority == anchor.priority, side)
    outward = query.order_by(Job.position.asc() if after else Job.position.desc())
    moving = set(movable)
    found = [(row.id, row.position) for row in session.execute(outward.limit(width + len(movable)))]
    return [item for item in found if item[0] not in moving][:width]


def _positions_between(start: int, end: int, count: int) -> list[int]:
    """Spread positions evenly over a gap; return an empty list if it is too small."""
    step = abs(end - start) // (count + 1)
    if end < start:
        step = -step
    return [start + step * (number + 1) for number in range(count)] if step else []


def _positions_outside(session: Session, anchor: Job, count: int, *, after: bool) -> list[int]:
    """Return positions beyond the first or last job; at the back they are allocated like those of submissions."""
    if after:
        return allocate_positions(session, anchor.priority, count)
    return [anchor.position - GAP * (number + 1) for number in range(count)]


def _set_positions(session: Session, positions: Mapping[str, int]) -> None:
    for chunk in chunks(positions.items(), _UPDATE_CHUNK):
        # Two strings, because psycopg2 expands a list value by value.
        if session.get_bind().dialect.name == "postgresql":
            ids, numbers = zip(*chunk, strict=True)
            session.execute(_SET_POSITIONS, {"ids": ",".join(ids), "positions": ",".join(map(str, numbers))})
        else:
            session.execute(_SET_POSITION, [{"id": job_id, "position": position} for job_id, position in chunk])
