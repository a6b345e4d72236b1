"""Messages that a worker took and did not bring to an end: it was killed, or lost Redis before it could acknowledge."""

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta

from gonemaster_db.models import JobStatus
from gonemaster_db.repositories.queue import states_of
from gonemaster_db.session import Store
from gonemaster_tasks.broker.client import Broker
from gonemaster_tasks.queues import TIERS

log = logging.getLogger(__name__)

_GRACE = timedelta(seconds=5)  # between taking a message and its claim, which costs milliseconds


def drop_leftovers(store: Store, broker: Broker, *, now: datetime) -> int:
    """Forget held messages of jobs that do not run; those still queued wait again. Returns how many there were.

    kombu itself would bring them back after the visibility timeout only, and until then they count as with a
    worker. If the worker lives after all, it holds a second message, whose claim finds nothing. A time of taking
    that lies in the future comes from a wrong clock and says nothing.
    """
    moment, grace = now.timestamp(), _GRACE.total_seconds()
    old = [job_id for job_id, at in broker.unacked.held_since().items() if abs(moment - at) > grace]
    if not old:
        return 0
    with store.read_only() as session:
        states = states_of(session, old)
    left = [job_id for job_id in old if job_id not in states or states[job_id][0] is not JobStatus.RUNNING]
    if left:
        broker.unacked.drop(left)
        _let_wait(broker, left, states)
        log.warning("messages of dead workers dropped", extra={"messages": len(left)})
    return len(left)


def _let_wait(broker: Broker, left: list[str], states: Mapping[str, tuple[JobStatus, int]]) -> None:
    for priority, tier in enumerate(TIERS):
        queued = [job_id for job_id in left if states.get(job_id) == (JobStatus.QUEUED, priority)]
        for job_id in reversed(broker.without_message(queued, tier)):
            broker.lists.put_back(job_id, tier)
