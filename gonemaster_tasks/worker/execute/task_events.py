"""Celery events of jobs for Flower: domain, tier and batch when a job starts, and the revocation of canceled jobs.

A message contains only a job id, so that it can be found by its bytes. The process that claims the job knows the rest.
"""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import celery.worker.control  # Importing this registers the logger below.
from celery.worker import state as worker_state
from celery.worker.request import Request

from gonemaster_tasks.queues import RUN

_MAX_REVOKED = 1000  # ids; each request sends at most 100
_REVOKED_LIFE_S = 600.0
_STARTED = "task-started"


class JobRequest(Request):
    """A message in a slot. Its start is announced after the claim, which knows the job."""

    def send_event(self, type: str, **fields: Any) -> None:
        """Send an event to monitors, except the start."""
        if type != _STARTED:
            super().send_event(type, **fields)

    def announce_start(self, *, domain: str, tier: str, batch_id: str | None) -> None:
        """Announce to monitors that the job was claimed."""
        super().send_event(_STARTED, **describing(domain=domain, tier=tier, batch_id=batch_id))


def describing(*, domain: str, tier: str, batch_id: str | None) -> dict[str, str]:
    """Return the event fields that Flower shows for a task."""
    arguments = f"domain={domain}, tier={tier}" + (f", batch={batch_id}" if batch_id else "")
    return {"args": arguments, "kwargs": "{}", "routing_key": tier}


def announce_start(job_id: str, *, domain: str, tier: str, batch_id: str | None) -> None:
    """Announce to monitors that a job of this process was claimed; do nothing if no Celery message delivered it."""
    request = worker_state.requests.get(job_id)
    if isinstance(request, JobRequest):
        request.announce_start(domain=domain, tier=tier, batch_id=batch_id)


def announce_revoked(dispatcher: Any, tasks: Sequence[Mapping[str, Any]]) -> None:
    """Announce to monitors that jobs were canceled before a worker took them, for which Celery has no event."""
    for task in tasks:
        about = describing(domain=task["domain"], tier=task["tier"], batch_id=task["batch_id"])
        dispatcher.send("task-revoked", uuid=task["id"], name=RUN, terminated=False, expired=False, **about)


def bound_revoked() -> None:
    """Limit the number and age of revoked ids: the row decides, and the claim drops a remaining message."""
    worker_state.revoked.maxlen = _MAX_REVOKED
    worker_state.revoked.expires = _REVOKED_LIFE_S
    logging.getLogger(celery.worker.control.__name__).addFilter(_is_relevant)


def _is_relevant(record: logging.LogRecord) -> bool:
    """Filter the warning about the missing result backend, logged for each revoked id."""
    return "as revoked in backend" not in str(record.msg)
