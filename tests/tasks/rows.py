"""Jobs in a store and a broker without any worker, and the actions of a worker on them."""

from datetime import timedelta

from gonemaster_db.core.clock import utcnow
from gonemaster_db.core.records import NewBatch, NewJob
from gonemaster_db.models import Job
from gonemaster_db.queue.jobs import claim_job, find_job_or_run, get_job
from gonemaster_db.queue.queue import iter_queued_ids
from gonemaster_tasks.control.parts import QueueParts
from gonemaster_tasks.control.submit import submit_batch
from gonemaster_tasks.queues import BATCH, TIERS

LEASE = timedelta(seconds=30)


def queue_batch(parts: QueueParts, count: int) -> list[str]:
    jobs = (NewJob(f"d{number}.example") for number in range(count))
    return list(submit_batch(parts, NewBatch(count), jobs).job_ids)


def order(parts: QueueParts, tier: str = BATCH) -> list[str]:
    """Return the order of a tier after checking that rows and messages agree."""
    with parts.store.read_only() as session:
        rows = list(iter_queued_ids(session, TIERS.index(tier)))
    assert list(parts.broker.lists.waiting_ids(tier)) == rows
    return rows


def status(parts: QueueParts, job_id: str) -> str:
    with parts.store.read_only() as session:
        return str(find_job_or_run(session, job_id).status)


def start(parts: QueueParts, job_id: str) -> Job:
    """Start a job as a worker does."""
    with parts.store.transaction() as session:
        assert claim_job(session, job_id, worker="w", now=utcnow(), lease=LEASE)
        job = get_job(session, job_id)
    parts.broker.lists.remove([job_id], BATCH)
    return job
