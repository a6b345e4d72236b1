"""Detection of lost accepted jobs, caused by a failover to a lagging standby or by a restored backup.

A message is written after the commit of its row, so a message without a job or a run belongs to a deleted job, or to
one whose commit the database has lost. Every deletion is recorded.
"""

import logging
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from gonemaster_db.core.clock import utcnow
from gonemaster_db.core.ids import created_at
from gonemaster_db.core.session import Store
from gonemaster_db.queue.jobs import find_final_states
from gonemaster_db.service.audit import has_deleted_since
from gonemaster_tasks.broker.client import Broker
from gonemaster_tasks.maintenance.retention import BEAT

log = logging.getLogger(__name__)

_CLOCKS = timedelta(minutes=10)  # The tolerated clock error of the host that issued an id.
_OLDEST = timedelta(days=1)  # Retention deletes nothing younger than this.


def record_lost_jobs(store: Store, broker: Broker, job_ids: Sequence[str]) -> int:
    """Record the jobs that have neither a job nor a run row, for the queue health; return their number.

    Nothing is recorded if a deletion happened since the jobs were created: it cannot be distinguished from a loss.

    Raises:
        StoreUnavailable, BrokerUnavailable: the jobs were not checked.
    """
    issued_at = {job_id: at for job_id in job_ids if (at := created_at(job_id)) is not None}
    if not issued_at:
        return 0
    with store.read_only() as session:
        deleted = [job_id for job_id, end in find_final_states(session, list(issued_at)).items() if end == "deleted"]
        if not deleted:
            return 0
        since = datetime.fromtimestamp(min(issued_at[job_id] for job_id in deleted), UTC)
        if since < utcnow() - _OLDEST or has_deleted_since(session, since - _CLOCKS, unless_by=BEAT):
            return 0
    broker.losses.add(deleted)
    log.error(
        "accepted jobs are missing: the database has lost commits", extra={"jobs": len(deleted), "first": deleted[0]}
    )
    return len(deleted)
