"""Jobs, runs and entries for tests, created with the store's own functions."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from gonemaster_db.core.records import EntryRecord, NewJob, RunRecord
from gonemaster_db.core.session import Store
from gonemaster_db.models import Job, Run, RunStatus
from gonemaster_db.queue.jobs import claim_job, create_job, create_jobs, get_job
from gonemaster_db.runs.graduation import graduate_job, requeue_job
from gonemaster_db.runs.run_documents import read_stored_runs

NOON = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
LEASE = timedelta(minutes=1)


# `queue_job`, `claim` and `make_run` repeat their transactions after a deadlock, as the service does.
def queue_job(store: Store, domain: str = "example.com", *, now: datetime = NOON, **fields: Any) -> Job:
    return store.run_in_transaction(lambda session: create_job(session, NewJob(domain, **fields), now=now))


def queue_jobs(store: Store, domains: Iterable[str], *, now: datetime = NOON, **fields: Any) -> list[str]:
    with store.transaction() as session:
        made = create_jobs(session, (NewJob(domain, **fields) for domain in domains), now=now)
        return [job_id for chunk in made for job_id in chunk]


def claim(store: Store, job_id: str, *, worker: str = "w1", now: datetime = NOON) -> Job:
    def take(session: Session) -> Job:
        assert claim_job(session, job_id, worker=worker, now=now, lease=LEASE) is not None
        return get_job(session, job_id)

    return store.run_in_transaction(take)


def entries_of(*levels: str, **fields: Any) -> list[EntryRecord]:
    """Return one entry of each level, a tenth of a second apart."""
    base: dict[str, Any] = {"module": "BASIC", "testcase": "basic01", "tag": "B01_CHILD_FOUND", "args": {}} | fields
    return [EntryRecord(timestamp=number / 10, level=level, **base) for number, level in enumerate(levels)]


def record(*levels: str, status: RunStatus = RunStatus.SUCCEEDED, at: datetime = NOON, **fields: Any) -> RunRecord:
    entries: Sequence[EntryRecord] = fields.pop("entries", entries_of(*levels))
    return RunRecord(status=status, finished_at=at, entries=entries, **fields)


def finish_job(store: Store, job: Job, outcome: RunRecord | None = None) -> Run:
    """Graduate a claimed job, in one attempt."""
    with store.transaction() as session:
        return _graduate(session, job, outcome or record("INFO"))


def _graduate(session: Session, job: Job, outcome: RunRecord) -> Run:
    assert job.worker is not None
    graduate_job(session, job.id, worker=job.worker, attempt=job.attempt, record=outcome)
    return session.scalars(select(Run).where(Run.id == job.id)).one()


def written_entries(store: Store) -> dict[str, int]:
    """Return the number of stored entries by run id; runs without entries are omitted."""
    with store.read_only() as session:
        runs = read_stored_runs(session, session.scalars(select(Run.id)).all())
    return {run.id: run.full_document.entry_count for run in runs.values() if run.kinds}


def count_entries(store: Store) -> int:
    return sum(written_entries(store).values())


def make_run(
    store: Store,
    domain: str = "example.com",
    outcome: RunRecord | None = None,
    *,
    seconds: int = 5,
    attempts: int = 1,
    **fields: Any,
) -> Run:
    """Queue, claim and graduate a job; the last attempt takes five seconds, earlier ones end at once."""
    outcome = outcome or record("INFO")
    started = outcome.finished_at - timedelta(seconds=seconds)
    job = claim(store, queue_job(store, domain, now=started - timedelta(seconds=1), **fields).id, now=started)
    for attempt in range(1, attempts):
        with store.transaction() as session:
            requeue_job(
                session, job.id, worker="w1", attempt=attempt, now=started, max_attempts=attempts, failure="ended"
            )
        job = claim(store, job.id, now=started)
    return store.run_in_transaction(lambda session: _graduate(session, job, outcome))
