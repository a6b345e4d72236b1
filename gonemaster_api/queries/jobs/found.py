"""What a running job has found so far, for the pages that show it."""

from typing import Any

from gonemaster_api.state import State
from gonemaster_db.models import Job, Priority
from gonemaster_tasks.errors import BrokerUnavailable


def read_found(state: State, job: Job) -> Any | None:
    """Return what a normal job has found so far; None if nothing is known. Workers then publish it for ten seconds."""
    if job.priority != Priority.NORMAL:
        return None
    try:
        return state.broker.events.found(job.id)
    except BrokerUnavailable:
        return None
