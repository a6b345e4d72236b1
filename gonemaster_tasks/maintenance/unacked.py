"""Stale unacked messages: taken by a worker that was killed, or that lost Redis before it could acknowledge them."""

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta

from gonemaster_db.core.session import Store
from gonemaster_db.models import JobStatus
from gonemaster_db.queue.queue import states_of
from gonemaster_tasks.broker.client import Broker
from gonemaster_tasks.maintenance.losses import record_lost_jobs
from gonemaster_tasks.queues import TIERS

log = logging.getLogger(__name__)

# From the delivery of a message to the claim of its job, which normally takes milliseconds.
_GRACE = timedelta(seconds=5)


def drop_stale_unacked(store: Store, broker: Broker, *, now: datetime, grace: timedelta = _GRACE) -> int:
    """Drop unacked messages of jobs that are not running and requeue the queued jobs; return the message count.

    kombu would restore them only after the visibility timeout, and until then they count as held by a worker. If the
    worker is alive after all, the job has two messages, and the second claim finds no row. A delivery time in the
    future comes from a wrong clock, so such a message is not spared.
    """
    moment = now.timestamp()
    old = [job_id for job_id, at in broker.unacked.held_since().items() if abs(moment - at) > grace.total_seconds()]
    if not old:
        return 0
    with store.read_only() as session:
        states = states_of(session, old)
    stale = [job_id for job_id in old if job_id not in states or states[job_id][0] is not JobStatus.RUNNING]
    if stale:
        record_lost_jobs(store, broker, [job_id for job_id in stale if job_id not in states])
        broker.unacked.drop(stale)
        _requeue(broker, stale, states)
        log.warning("stale unacked messages dropped", extra={"messages": len(stale)})
    return len(stale)


def _requeue(broker: Broker, stale: list[str], states: Mapping[str, tuple[JobStatus, int]]) -> None:
    for priority, tier in enumerate(TIERS):
        queued = [job_id for job_id in stale if states.get(job_id) == (JobStatus.QUEUED, priority)]
        for job_id in reversed(broker.without_message(queued, tier)):
            broker.lists.put_back(job_id, tier)
