"""Each process tells the others how its clock is, and whether the database answers it."""

import os
import socket
from collections.abc import Callable
from contextlib import suppress

from gonemaster_tasks.broker.client import Broker
from gonemaster_tasks.broker.clock import SharedClock
from gonemaster_tasks.broker.reports import ProcessReport
from gonemaster_tasks.errors import BrokerUnavailable
from gonemaster_tasks.repeating import RepeatingThread

REPORT_EVERY_S = 4.0


class Reporter:
    """Reports of one process, regularly in a thread of their own or when its main loop says so.

    `without_database_since` gives the time since when the database has not answered, None if it does.
    """

    def __init__(
        self,
        broker: Broker,
        clock: SharedClock,
        *,
        kind: str,
        name: str = "",
        without_database_since: Callable[[], float | None] = lambda: None,
    ) -> None:
        self._broker = broker
        self._clock = clock
        self._kind = kind
        self._name = name or f"{kind}-{os.getpid()}@{socket.gethostname()}"
        self._without_database_since = without_database_since
        self._thread = RepeatingThread("process report", self._synchronize_and_report, pause_s=REPORT_EVERY_S)

    def start(self) -> None:
        """Report at once and regularly, and keep the clock."""
        self._thread.start(at_once=True)

    def stop(self) -> None:
        """End, and let this process be forgotten."""
        self._thread.stop()
        self.forget()

    def report(self) -> None:
        """Report once. Raises BrokerUnavailable."""
        self._broker.reports.put(self._report())

    def forget(self) -> None:
        """Let this process be forgotten; without an answer of Redis it counts as silent."""
        with suppress(BrokerUnavailable):
            self._broker.reports.remove(self._report())

    def _synchronize_and_report(self) -> None:
        self._clock.synchronize(self._broker)
        self.report()

    def _report(self) -> ProcessReport:
        return ProcessReport(
            self._kind,
            self._name,
            socket.gethostname(),
            os.getpid(),
            skew_s=round(self._clock.skew_s(), 3),
            without_database_since=self._without_database_since(),
        )
