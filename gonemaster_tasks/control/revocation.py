"""Celery's revocation of jobs that were canceled while waiting. It is only a hint: the rows decide.

Flower shows these jobs as revoked, and a worker drops their messages without querying the database.
"""

from collections.abc import Sequence

from gonemaster_db.core.errors import StoreError
from gonemaster_db.runs.runs import describe_runs
from gonemaster_tasks.control.broadcasts import Command, post_commands
from gonemaster_tasks.control.parts import QueueParts
from gonemaster_tasks.errors import BrokerUnavailable
from gonemaster_tasks.queues import tier_of

ANNOUNCE_COMMAND = "gonemaster_announce_revoked"
MAX_REVOKED = 100  # Ids per request; each worker handles all of them between its messages.


def revoke_jobs(parts: QueueParts, job_ids: Sequence[str]) -> None:
    """Make all workers drop the messages of ended jobs, and one of them announce the revocation.

    Nothing is revoked if there are more than 100 jobs: their rows and messages suffice. Failures are ignored: nothing
    depends on the revocation.
    """
    if not 0 < len(job_ids) <= MAX_REVOKED:
        return
    try:
        workers = [worker.name for worker in parts.broker.workers.live() if not worker.draining]
        with parts.store.read_only() as session:
            found = describe_runs(session, job_ids)
    except (BrokerUnavailable, StoreError):
        return
    if not workers:
        return
    tasks = [
        {"id": run.id, "domain": run.domain, "tier": tier_of(run.priority), "batch_id": run.batch_id} for run in found
    ]
    revoke = {"task_id": list(job_ids), "terminate": False, "signal": "SIGTERM"}
    commands = [Command("revoke", revoke), Command(ANNOUNCE_COMMAND, {"tasks": tasks}, to=workers[0])]
    post_commands(parts.celery, commands, otherwise="jobs not revoked, already ended")
