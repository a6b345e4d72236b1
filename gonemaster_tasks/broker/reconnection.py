"""Connections of Celery to the broker, which are retried every second."""

import time
from collections.abc import Callable
from typing import Any

from celery.app.amqp import AMQP
from kombu.connection import Connection
from kombu.exceptions import OperationalError

from gonemaster_tasks.errors import BrokerUnavailable
from gonemaster_tasks.repeating import FailureLog

RETRY_S = 1.0  # From the start of one attempt to the start of the next; Celery's own pauses grow to 30 s.


class BrokerConnection(Connection):
    """A connection whose attempts start a second apart and are logged once a minute."""

    def ensure_connection(
        self,
        errback: Callable[..., object] | None = None,
        max_retries: int | None = None,
        *,
        callback: Callable[[], object] = lambda: None,
        **options: Any,
    ) -> Connection:
        """Connect, without limit unless `max_retries` is given; `callback` runs between attempts and may raise."""
        if max_retries is not None:
            super().ensure_connection(errback, max_retries, callback=callback, **options)  # type: ignore[no-untyped-call]  # of kombu
            return self
        failures = FailureLog("consumer")
        while True:
            began = time.monotonic()
            try:
                super().ensure_connection(max_retries=0, **options)  # type: ignore[no-untyped-call]  # of kombu
            except OperationalError as error:
                failures.failed(BrokerUnavailable(str(error)))  # Logged without a traceback.
            else:
                failures.succeeded()
                return self
            callback()
            time.sleep(max(0.0, began + RETRY_S - time.monotonic()))


class Amqp(AMQP):
    """Celery's messaging with these connections."""

    Connection = BrokerConnection
