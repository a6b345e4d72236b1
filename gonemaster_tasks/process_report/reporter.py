"""Regular reports of each process about its clock, its database and its broker.

Reports are stored in Redis. If Redis does not answer a process, the process reports that in the database while the
fault lasts, so the health check finds the report even if one of the two servers is unreachable.
"""

import os
import socket
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import Any

from gonemaster_db.core.errors import StoreError
from gonemaster_db.core.session import Store
from gonemaster_db.service.broker_silence import end_outage, report_outage
from gonemaster_tasks.broker.client import Broker
from gonemaster_tasks.broker.clock import SharedClock
from gonemaster_tasks.broker.processes.reports import ProcessReport
from gonemaster_tasks.errors import BrokerUnavailable
from gonemaster_tasks.repeating import RepeatedTask

REPORT_EVERY_S = 4.0
_RETRY_S = 1.0  # The interval is short, so that no process counts as silent once Redis is back.


class Reporter:
    """Sends the regular reports of one process.

    `facts` returns report fields that the process supplies itself; `store` records that Redis is unavailable.
    """

    def __init__(
        self,
        broker: Broker,
        clock: SharedClock,
        *,
        kind: str,
        name: str = "",
        store: Store | None = None,
        facts: Callable[[], Mapping[str, Any]] = dict,
    ) -> None:
        self._broker = broker
        self._clock = clock
        self._kind = kind
        self._name = name or f"{kind}-{os.getpid()}@{socket.gethostname()}"
        self._store = store
        self._facts = facts
        self._started_at: float | None = None
        self._silent_since: float | None = None
        self._reported_at: float | None = None  # on the monotonic clock
        self._task = RepeatedTask(
            "process report", self._synchronize_and_report, pause_s=REPORT_EVERY_S, retry_s=_RETRY_S
        )

    def start(self) -> None:
        """Report immediately and regularly, and synchronize the clock."""
        self._task.start(at_once=True)

    def report_soon(self) -> None:
        """Report before the next regular time, because something has changed."""
        self._task.wake()

    def stop(self) -> None:
        """Stop reporting and remove the report of this process."""
        self._task.stop()
        self.forget()

    def report(self) -> None:
        """Send one report. Raises BrokerUnavailable."""
        self._broker.reports.put(self._report())

    def forget(self) -> None:
        """Remove the report of this process; if Redis does not answer, the process will count as silent."""
        self._end_outage()
        with suppress(BrokerUnavailable):
            self._broker.reports.remove(self._report())

    def _synchronize_and_report(self) -> None:
        began = self._clock.timestamp()
        try:
            self._clock.synchronize(self._broker)
            self.report()
        except BrokerUnavailable as error:
            self._record_outage(began, str(error))
            raise
        self._end_outage()

    def _record_outage(self, began: float, reason: str) -> None:
        """Record in the database that Redis does not answer, but not at every attempt."""
        self._silent_since = began if self._silent_since is None else self._silent_since
        if self._store is None or (self._reported_at and time.monotonic() - self._reported_at < REPORT_EVERY_S):
            return
        report = {
            "kind": self._kind,
            "host": socket.gethostname(),
            "since": self._silent_since,
            "at": self._clock.timestamp(),
            "reason": reason[:300],
        }
        self._reported_at = time.monotonic()
        with suppress(StoreError):  # If both servers are unavailable, no report is possible.
            self._store.run_in_transaction(partial(report_outage, name=self._name, report=report), attempts=2)

    def _end_outage(self) -> None:
        self._silent_since = None
        if self._reported_at is None or self._store is None:
            return
        with suppress(StoreError):  # A record that is not renewed soon expires.
            self._store.run_in_transaction(partial(end_outage, name=self._name), attempts=2)
            self._reported_at = None

    def _report(self) -> ProcessReport:
        if self._started_at is None:
            self._started_at = self._clock.timestamp()  # After the first synchronization.
        return ProcessReport(
            self._kind,
            self._name,
            socket.gethostname(),
            os.getpid(),
            skew_s=round(self._clock.skew_s(), 3),
            started_at=self._started_at,
            **self._facts(),
        )
