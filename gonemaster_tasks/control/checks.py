"""Checks before delegation: jobs of their own tier, whose clients wait for the results."""

import logging

from gonemaster_db.core.errors import JobNotFound, StoreError
from gonemaster_tasks.control.jobs import cancel_job
from gonemaster_tasks.control.parts import QueueParts
from gonemaster_tasks.errors import BrokerUnavailable

RUN_UNTIL = "run_until"  # option of a job: the time (POSIX seconds, shared clock) at which its run must have ended
WHO = "check"  # the author of cancellations in the audit log

log = logging.getLogger(__name__)


def join_check(parts: QueueParts, job_id: str) -> None:
    """Count a client that waits for the result of a check."""
    try:
        parts.broker.check_clients.join(job_id)
    except BrokerUnavailable:
        log.warning("client of a check not counted", extra={"job_id": job_id})


def leave_check(parts: QueueParts, job_id: str) -> bool:
    """Remove a client; cancel the check if no client waits for it any longer. Return whether it was canceled.

    A check that cannot be canceled now ends by its own deadline.
    """
    try:
        if parts.broker.check_clients.leave(job_id) > 0:
            return False
        cancel_job(parts, job_id, who=WHO)
    except JobNotFound:  # The run was deleted.
        return False
    except (BrokerUnavailable, StoreError) as error:
        log.warning("check not canceled, it ends at its deadline", extra={"job_id": job_id, "error": str(error)})
        return False
    return True
