"""Broadcasts to workers, such as the one that stops running jobs immediately. They are hints: the row decides."""

import logging
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from celery import Celery
from kombu.exceptions import OperationalError
from kombu.messaging import Producer

log = logging.getLogger(__name__)

CANCEL_COMMAND = "gonemaster_cancel"
_NOT_CANCELED = "cancel not broadcast, the lease renewal finds it"
_TIMEOUT_S = 0.4
_AT_ONCE = 1000  # Ids per message; each worker process reads every message, between its queue messages.
_in_flight = threading.BoundedSemaphore(8)  # While Redis does not answer, each broadcast takes a second or two.


@dataclass(frozen=True)
class Command:
    """A control command for one worker or for all workers."""

    method: str
    arguments: Mapping[str, Any]
    to: str | None = None


def post_cancel(celery: Celery, job_ids: Sequence[str]) -> threading.Thread | None:
    """Broadcast a cancellation in a new thread and return the thread: a request never waits for workers or Redis.

    Return None if too many broadcasts are in progress.
    """
    starts = range(0, len(job_ids), _AT_ONCE)
    return post_commands(
        celery, [_cancel(job_ids[start : start + _AT_ONCE]) for start in starts], otherwise=_NOT_CANCELED
    )


def post_commands(celery: Celery, commands: Sequence[Command], *, otherwise: str) -> threading.Thread | None:
    """Broadcast commands in a new thread, as `post_cancel` does; log `otherwise` on failure."""
    if not commands:
        return None
    if not _in_flight.acquire(blocking=False):
        log.warning(otherwise, extra={"commands": [command.method for command in commands]})
        return None
    arguments = (celery, commands, otherwise)
    thread = threading.Thread(target=_broadcast, args=arguments, name="broadcast", daemon=True)
    thread.start()
    return thread


def _broadcast(celery: Celery, commands: Sequence[Command], otherwise: str) -> None:
    try:
        for command in commands:
            if not broadcast_once(celery, command, otherwise=otherwise):
                break
    except Exception:  # Usually the process is ending; the rows contain the same information.
        log.warning(otherwise, exc_info=True)
    finally:
        _in_flight.release()


def broadcast_cancel(celery: Celery, job_ids: Sequence[str]) -> bool:
    """Notify all workers of canceled jobs; a worker that misses it reads the mark when it renews its leases."""
    return broadcast_once(celery, _cancel(job_ids), otherwise=_NOT_CANCELED)


def _cancel(job_ids: Sequence[str]) -> Command:
    return Command(CANCEL_COMMAND, {"job_ids": list(job_ids)})


def broadcast_once(celery: Celery, command: Command, *, otherwise: str) -> bool:
    """Send a control command and return whether it was sent; log `otherwise` on failure.

    It uses a separate connection with a single attempt: `Control.broadcast` retries for 6 s before it gives up, and
    forever once it was connected. The message is the same.
    """
    mailbox = celery.control.mailbox
    message = {
        "method": command.method,
        "arguments": dict(command.arguments),
        "destination": None if command.to is None else [command.to],
        "pattern": None,
        "matcher": None,
    }
    try:
        with celery.connection_for_write(connect_timeout=_TIMEOUT_S) as connection:
            connection.transport_options = {
                **connection.transport_options,
                "max_retries": 0,
                "socket_timeout": _TIMEOUT_S,
                "socket_connect_timeout": _TIMEOUT_S,
            }
            Producer(connection.default_channel, auto_declare=False).publish(
                message,
                exchange=mailbox.exchange.name,
                declare=[mailbox.exchange],
                headers={"clock": mailbox.clock.forward(), "expires": 0},
                serializer=mailbox.serializer,
                retry=False,
            )
    except (OperationalError, OSError) as error:
        log.warning(otherwise, extra={"command": command.method, "error": str(error)})
        return False
    return True
