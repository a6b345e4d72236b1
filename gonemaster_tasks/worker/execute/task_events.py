"""What Celery's events say of jobs, for Flower: domain, tier and batch when a job starts, and when it was canceled.

A message carries a job id alone, so that its bytes can be built again to find it. Who claims the job knows the rest.
"""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import celery.worker.control  # registers what names the logger below
from celery.worker import state as worker_state
from celery.worker.request import Request

from gonemaster_tasks.queues import RUN

_REVOKED_KEPT = 1000  # ids; each request sends 100 at most
_REVOKED_LIFE_S = 600.0
_STARTED = "task-started"


class JobRequest(Request):
    """A message in a slot. Its start is announced by the claim, which knows what is started, and not before."""

    def send_event(self, type: str, **fields: Any) -> None:
        """Send an event to who monitors, but for the start."""
        if type != _STARTED:
            super().send_event(type, **fields)

    def announce_start(self, *, domain: str, tier: str, batch_id: str | None) -> None:
        """Tell who monitors that the job was claimed."""
        super().send_event(_STARTED, **describing(domain=domain, tier=tier, batch_id=batch_id))


def describing(*, domain: str, tier: str, batch_id: str | None) -> dict[str, str]:
    """Return the fields of an event that Flower shows of a task."""
    arguments = f"domain={domain}, tier={tier}" + (f", batch={batch_id}" if batch_id else "")
    return {"args": arguments, "kwargs": "{}", "routing_key": tier}


def announce_start(job_id: str, *, domain: str, tier: str, batch_id: str | None) -> None:
    """Tell who monitors that a job of this process was claimed; nothing where no message of Celery has brought it."""
    request = worker_state.requests.get(job_id)
    if isinstance(request, JobRequest):
        request.announce_start(domain=domain, tier=tier, batch_id=batch_id)


def announce_revoked(dispatcher: Any, tasks: Sequence[Mapping[str, Any]]) -> None:
    """Tell who monitors that jobs were canceled before any worker took them, which no event of Celery would tell."""
    for task in tasks:
        about = describing(domain=task["domain"], tier=task["tier"], batch_id=task["batch_id"])
        dispatcher.send("task-revoked", uuid=task["id"], name=RUN, terminated=False, expired=False, **about)


def bound_revoked() -> None:
    """Keep few revoked ids, and not for long: the row decides, and a message that is left is dropped by its claim."""
    worker_state.revoked.maxlen = _REVOKED_KEPT
    worker_state.revoked.expires = _REVOKED_LIFE_S
    logging.getLogger(celery.worker.control.__name__).addFilter(_says_more_than_no_backend)


def _says_more_than_no_backend(record: logging.LogRecord) -> bool:
    """Leave out one warning for each revoked id: there is no backend of results that could be told."""
    return "as revoked in backend" not in str(record.msg)
