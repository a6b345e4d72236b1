"""Notices jobs that were accepted and are gone: a failover to a standby that lagged, or a backup that was put back.

A message is written after the commit of its row, so a message without a job or a run belongs to a job that was
deleted, or to one whose commit the database has lost. Who deletes writes that down.
"""

import logging
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from gonemaster_db.core.clock import utcnow
from gonemaster_db.core.ids import made_at
from gonemaster_db.core.session import Store
from gonemaster_db.queue.jobs import find_final_states
from gonemaster_db.service.audit import has_deleted_since
from gonemaster_tasks.broker.client import Broker
from gonemaster_tasks.maintenance.retention import BEAT

log = logging.getLogger(__name__)

_CLOCKS = timedelta(minutes=10)  # by which the host that made an id may be off
_OLDEST = timedelta(days=1)  # retention deletes nothing that is younger


def note_lost_jobs(store: Store, broker: Broker, job_ids: Sequence[str]) -> int:
    """Note those of the jobs that are neither waiting nor ended, for health; returns their number.

    Where something was deleted since they were made, nothing is noted: it cannot be told from a loss.

    Raises:
        StoreUnavailable, BrokerUnavailable: nothing is known.
    """
    made = {job_id: at for job_id in job_ids if (at := made_at(job_id)) is not None}
    if not made:
        return 0
    with store.read_only() as session:
        gone = [job_id for job_id, end in find_final_states(session, list(made)).items() if end == "deleted"]
        if not gone:
            return 0
        since = datetime.fromtimestamp(min(made[job_id] for job_id in gone), UTC)
        if since < utcnow() - _OLDEST or has_deleted_since(session, since - _CLOCKS, unless_by=BEAT):
            return 0
    broker.losses.add(gone)
    log.error("accepted jobs are gone: the database has lost commits", extra={"jobs": len(gone), "first": gone[0]})
    return len(gone)
