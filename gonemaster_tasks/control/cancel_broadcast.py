"""The broadcast that lets workers stop running jobs at once. It is a hint only: the mark in the row decides."""

import logging
from collections.abc import Sequence

from celery import Celery
from kombu.exceptions import OperationalError
from kombu.messaging import Producer

log = logging.getLogger(__name__)

CANCEL_COMMAND = "gonemaster_cancel"
_TIMEOUT_S = 0.4


def broadcast_cancel(celery: Celery, job_ids: Sequence[str]) -> None:
    """Tell all workers that running jobs have a cancel mark; who misses it reads the mark when it renews its leases.

    A request waits for this, so it has a connection of its own that tries once: `Control.broadcast` retries for 6 s
    before it gives up, and for ever once a connection was made. The message is the one that it would send.
    """
    mailbox = celery.control.mailbox
    command = {
        "method": CANCEL_COMMAND,
        "arguments": {"job_ids": list(job_ids)},
        "destination": None,
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
                command,
                exchange=mailbox.exchange.name,
                declare=[mailbox.exchange],
                headers={"clock": mailbox.clock.forward(), "expires": 0},
                serializer=mailbox.serializer,
                retry=False,
            )
    except (OperationalError, OSError) as error:
        log.warning(
            "cancel not broadcast, the lease renewal finds it",
            extra={"job_ids": job_ids, "error": str(error)},
        )
