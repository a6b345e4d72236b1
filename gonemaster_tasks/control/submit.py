"""Submission of jobs and batches: rows first, messages after the commit."""

import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy.orm import Session

from gonemaster_db.batches.batches import create_batch, get_batch
from gonemaster_db.core.errors import StoreUnavailable
from gonemaster_db.core.records import NewBatch, NewJob
from gonemaster_db.core.states import Priority
from gonemaster_db.models import Batch, Job
from gonemaster_db.queue.jobs import create_listed_jobs, create_longest_first, refresh_statistics
from gonemaster_tasks.control.jobs import log
from gonemaster_tasks.control.messages.window import send_new
from gonemaster_tasks.control.parts import QueueParts
from gonemaster_tasks.errors import BrokerUnavailable, OptionsTooLarge
from gonemaster_tasks.queues import tier_of

_ATTEMPTS = 5
_MAX_RETURNED_IDS = 10_000
_MANY_JOBS = 5_000  # Fewer jobs are sorted quickly.
SUBMISSION_LIFE = timedelta(seconds=60)
MAX_OPTIONS = 1024 * 1024 * 1024  # bytes of the options of all jobs of a batch
JobSource = Iterable[NewJob] | Callable[[Session], Iterable[NewJob]]


JobWrite = Callable[[Session, Job], None]


@dataclass(frozen=True)
class Submission:
    """A single job being submitted, and what is written in the same transaction."""

    new: NewJob
    write: JobWrite | None = None


@dataclass(frozen=True)
class SubmittedBatch:
    """A batch with queued jobs; `job_ids`, in the order of its domains, is empty above 10,000 jobs."""

    batch: Batch
    job_count: int
    job_ids: tuple[str, ...]


def submit_job(parts: QueueParts, new: NewJob, *, write: JobWrite | None = None, separate: bool = False) -> Job:
    """Queue one job; `write` is called in the same transaction and must be idempotent.

    Jobs submitted at the same time share a transaction, unless `separate` is set, for example because `write` locks
    rows that the writes of other jobs lock too.

    Once the row is committed the job is queued, even if Redis fails before the message is written: the workers
    reconcile as soon as Redis answers.

    Raises:
        BrokerUnavailable: Redis is unavailable; nothing was written.
    """
    submission = Submission(new, write)
    if separate:
        return _submit_together(parts, [submission])[0]
    return parts.submissions.do(submission, partial(_submit_group, parts))


def submit_jobs(
    parts: QueueParts, new: Sequence[NewJob], *, write: Callable[[Session, Sequence[Job]], None]
) -> list[Job]:
    """Queue a few jobs that belong together; `write` is called once in the same transaction and must be idempotent.

    Raises:
        BrokerUnavailable: Redis is unavailable; nothing was written.
    """
    return _submit_together(parts, [Submission(job) for job in new], write_all=write)


def _submit_group(parts: QueueParts, group: Sequence[Submission]) -> list[Job | BaseException]:
    """Queue jobs in one transaction; if one job cannot be stored, use one transaction per job.

    Raises:
        BrokerUnavailable, StoreUnavailable: nothing was written.
    """
    try:
        return list(_submit_together(parts, group))
    except (BrokerUnavailable, StoreUnavailable):
        raise
    except Exception as error:  # noqa: BLE001 - an error of one job must not fail the others
        if len(group) == 1:
            return [error]
    return [_submit_or_error(parts, submission) for submission in group]


def _submit_or_error(parts: QueueParts, submission: Submission) -> Job | BaseException:
    try:
        return _submit_together(parts, [submission])[0]
    except Exception as error:  # noqa: BLE001 - raised in the thread of the job
        return error


def _submit_together(
    parts: QueueParts,
    group: Sequence[Submission],
    *,
    write_all: Callable[[Session, Sequence[Job]], None] | None = None,
) -> list[Job]:
    parts.broker.check_room()
    now = parts.clock.now()

    def create(session: Session) -> list[Job]:
        jobs = create_listed_jobs(session, [submission.new for submission in group], now=now)
        for submission, job in zip(group, jobs, strict=True):
            if submission.write is not None:
                submission.write(session, job)
        if write_all is not None:
            write_all(session, jobs)
        return jobs

    # A job that fails in a group is retried alone, without waiting.
    jobs = parts.store.run_in_transaction(create, attempts=_ATTEMPTS if len(group) == 1 or write_all else 1)
    for tier in dict.fromkeys(tier_of(job.priority) for job in jobs):
        same = [job for job in jobs if tier_of(job.priority) == tier]
        ids = [job.id for job in same]
        try:
            send_new(parts.broker, ids, tier, first_position=same[0].position)
        # The error is not raised, because clients would submit again, and domains would be tested twice.
        except BrokerUnavailable:
            log.warning("jobs stored, enqueued once Redis answers", extra={"job_ids": ids})
            parts.broker.reconciliation.post()
    return jobs


def check_options(octets: int, jobs: int) -> None:
    """Refuse options that would fill the disk, since each job has its own copy; `octets` is their total size.

    Raises:
        OptionsTooLarge: the options exceed the limit; nothing may be written.
    """
    if octets > MAX_OPTIONS:
        raise OptionsTooLarge(size=-(-octets // jobs), limit=MAX_OPTIONS // jobs)


def submit_batch(
    parts: QueueParts,
    batch: NewBatch,
    jobs: JobSource,
    *,
    write: Callable[[Session, SubmittedBatch], None] | None = None,
) -> SubmittedBatch:
    """Store a batch and its jobs in one transaction, then enqueue them in slices; `write` is called in the transaction.

    `jobs` need no batch id and are read only once, a chunk at a time. If `jobs` is a function, it is called with the
    session of the transaction, so that jobs built from rows need no second connection: callers that wait for a second
    one would block each other once the pool is empty.

    Raises:
        BrokerUnavailable: Redis is unavailable; nothing was written.
    """
    parts.broker.check_room()
    now = parts.clock.now()
    with parts.store.transaction() as session:
        stored = store_batch(parts, session, batch, jobs, now=now)
        if write is not None:
            write(session, stored.submitted)
    enqueue_batch(parts, stored)
    return stored.submitted


@dataclass(frozen=True)
class StoredBatch:
    """A stored batch whose messages are written after the commit."""

    submitted: SubmittedBatch
    chunks: "tuple[_PackedIds, ...]"


def store_batch(parts: QueueParts, session: Session, batch: NewBatch, jobs: JobSource, *, now: datetime) -> StoredBatch:
    """Store a batch and its jobs in the caller's transaction; `enqueue_batch` must follow its commit.

    Raises:
        BrokerUnavailable: Redis is unavailable; the transaction must be rolled back.
    """
    return _store_jobs(parts, session, create_batch(session, batch, now=now), jobs, now=now)


def add_to_batch(parts: QueueParts, batch_id: str, jobs: Callable[[Session], Iterable[NewJob]]) -> SubmittedBatch:
    """Store more jobs in an existing batch, then enqueue them; `jobs` reads them in the same transaction.

    Raises:
        BatchNotFound: the batch does not exist.
        BrokerUnavailable: Redis is unavailable; nothing was written.
    """
    parts.broker.check_room()
    now = parts.clock.now()
    with parts.store.transaction() as session:
        batch = get_batch(session, batch_id, lock=True)
        stored = _store_jobs(parts, session, batch, jobs, now=now)
        batch.domain_count += stored.submitted.job_count
    enqueue_batch(parts, stored)
    return stored.submitted


def _store_jobs(parts: QueueParts, session: Session, row: Batch, jobs: JobSource, *, now: datetime) -> StoredBatch:
    # Before the commit: otherwise a reconciler that sees the rows would rebuild the tier, and the messages would be
    # enqueued twice.
    parts.broker.marks.begin_submission(row.id, SUBMISSION_LIFE)
    new = jobs(session) if callable(jobs) else jobs
    chunks: list[_PackedIds] = []
    listed: list[str] = []
    for created in create_longest_first(session, new, batch_id=row.id, now=now):
        chunks.append(_PackedIds.of(created.in_turn, created.first_position))
        listed += created.ids[: _MAX_RETURNED_IDS + 1 - len(listed)]
        parts.broker.marks.begin_submission(row.id, SUBMISSION_LIFE)
    stored = StoredBatch(_submitted(row, chunks, listed), tuple(chunks))
    if stored.submitted.job_count >= _MANY_JOBS:
        refresh_statistics(session)
    parts.broker.check_room(min(stored.submitted.job_count, parts.broker.window.size))
    return stored


@dataclass(frozen=True, slots=True)
class _PackedIds:
    """The compressed ids of a chunk: three bytes each instead of thirty, or eighty in a list."""

    count: int
    packed: bytes
    first_position: int

    @classmethod
    def of(cls, ids: list[str], first_position: int) -> "_PackedIds":
        return cls(len(ids), zlib.compress(" ".join(ids).encode("ascii"), level=1), first_position)

    def ids(self) -> list[str]:
        return zlib.decompress(self.packed).decode("ascii").split()


def _submitted(batch: Batch, chunks: list[_PackedIds], listed: list[str]) -> SubmittedBatch:
    count = sum(chunk.count for chunk in chunks)
    return SubmittedBatch(batch, count, tuple(listed) if count <= _MAX_RETURNED_IDS else ())


def enqueue_batch(parts: QueueParts, stored: StoredBatch) -> None:
    """Write the messages of a committed batch, as far as the window of its tier reaches.

    If Redis is unavailable, the reconciler writes them later.
    """
    broker, batch_id, tier = parts.broker, stored.submitted.batch.id, tier_of(Priority.BATCH)
    try:
        for chunk in stored.chunks:
            if not send_new(broker, chunk.ids(), tier, first_position=chunk.first_position):
                break
            # The mark is renewed for each slice: it must outlast a long submission and expire soon after a killed one.
            broker.marks.begin_submission(batch_id, SUBMISSION_LIFE)
        broker.marks.end_submission(batch_id)
    except BrokerUnavailable:
        log.warning("batch stored, remaining jobs enqueued once Redis answers", extra={"batch_id": batch_id})
        broker.reconciliation.post(submission=batch_id)
