"""The heartbeat of a worker process: it registers the process, and passes the operators' settings to the gate."""

import os
import socket
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from gonemaster_engine.memory import resident_octets
from gonemaster_engine.version import __version__
from gonemaster_tasks.broker.clock import SYNCHRONIZE_EVERY_S
from gonemaster_tasks.broker.processes.workers import LIFE, WorkerState
from gonemaster_tasks.config.overrides import pinned_keys
from gonemaster_tasks.errors import BrokerUnavailable
from gonemaster_tasks.process_report.database_observer import FULL
from gonemaster_tasks.process_report.reporter import Reporter
from gonemaster_tasks.repeating import BEAT_S, RepeatedTask
from gonemaster_tasks.worker.consume.concurrency_share import ConcurrencyShare
from gonemaster_tasks.worker.execute.process import Process
from gonemaster_tasks.worker.upkeep.consumption import ConsumptionWatch

_RESTARTS = "SUPERVISED_RESTARTS"  # set by the supervisor of gonemaster_api.server
_FULL_FOR = timedelta(seconds=30)  # time since the last attempt that failed because the disk was full


class Heartbeat:
    """The task that copies flags into the gate, so that the gate never waits for Redis."""

    def __init__(
        self,
        process: Process,
        consumption: ConsumptionWatch,
        *,
        queues: tuple[str, ...],
        reconcile: Callable[[], None],
        follow_settings: Callable[[str], None],
    ) -> None:
        self._process = process
        self._consumption = consumption
        self._queues = queues
        self._reconcile = reconcile
        self._follow_settings = follow_settings
        self._share = ConcurrencyShare(process.broker.workers, name=process.name, queues=queues)
        self._started_at: float | None = None
        self._synchronize_at = 0.0
        self._reached = True
        self._cpu_s, self._cpu_at = time.process_time(), time.monotonic()
        self._reported: tuple[object, ...] = (False, True, ())
        self._reporter = Reporter(
            process.broker,
            process.clock,
            kind="worker",
            name=process.name,
            store=process.store,
            facts=self._facts,
        )
        self._task = RepeatedTask("heartbeat", self.beat, pause_s=BEAT_S)

    def start(self) -> None:
        """Beat once, then start to beat regularly."""
        self._task.attempt()
        self._task.start()
        self._reporter.start()

    def stop(self) -> None:
        """Stop, and unregister the process."""
        self._task.stop()
        self._reporter.stop()
        try:
            self._process.broker.workers.unregister(self._process.name)
        except BrokerUnavailable:
            return  # the registration expires

    def beat(self) -> None:
        """Read the flags, register the process and, when due, compare clocks.

        Reconcile immediately if Redis lost its data, was unavailable, or has the mark of a process that could not write
        its messages.
        """
        # False until this beat has succeeded, so that the next successful beat detects that Redis was unavailable.
        reached, self._reached = self._reached, False
        wanted = self._beat()
        self._reached = True
        if wanted or not reached:
            self._reconcile()

    def _beat(self) -> bool:
        """Return whether a reconciliation is needed."""
        broker = self._process.broker
        if time.monotonic() >= self._synchronize_at:
            self._process.clock.synchronize(broker)
            self._synchronize_at = time.monotonic() + SYNCHRONIZE_EVERY_S
        controls = self._process.pulse.read().controls
        self._follow_settings(controls.settings_mark)
        settings = self._process.settings
        gate = self._process.gate
        gate.set_slots(
            settings.worker_count,
            settings.reserved_normal_slots,
            settings.min_batch_slots,
            reserved_check=settings.reserved_check_slots,
        )
        gate.update(controls, self._share.of(settings.max_concurrent_jobs))
        broker.workers.register(self._state(), LIFE)
        process = self._process
        faults = (process.database.is_unavailable(), self._consumption.is_consuming(), process.network.lost_families)
        if faults != self._reported:
            self._reporter.report_soon()
            self._reported = faults
        return controls.reconcile_requested or controls.outdated

    def _facts(self) -> Mapping[str, Any]:
        silent_s, now = self._process.database.silent_s(), self._process.clock.timestamp()
        network = self._process.network
        offline_s = network.lost_s()
        return {
            "without_database_since": now - silent_s if silent_s else None,
            "full": FULL if self._process.store.was_full_within(_FULL_FOR) else "",
            "offline_since": now - offline_s if offline_s else None,
            "offline_families": network.lost_families,
            **self._consumption.facts(now),
        }

    def _state(self) -> WorkerState:
        now = self._process.clock.timestamp()  # the shared clock, because other hosts compare this time with their own
        if self._started_at is None:
            self._started_at = now
        return WorkerState(
            name=self._process.name,
            host=socket.gethostname(),
            pid=os.getpid(),
            queues=self._queues,
            slots=self._process.gate.slots,
            reserved_check_slots=self._process.gate.reserved_for_checks(self._queues),
            checks=self._process.gate.checks_in_flight(),
            running={job_id: now - idle for job_id, idle in self._process.jobs.idle_seconds().items()},
            started_at=self._started_at,
            draining=self._process.stopping.is_set(),
            pinned=pinned_keys(self._process.settings),
            results=self._process.jobs.with_results(),
            version=__version__,
            cores=self._cores(),
            memory=resident_octets(),
            restarts=int(os.environ[_RESTARTS]) if _RESTARTS in os.environ else None,
        )

    def _cores(self) -> float:
        """Return the CPU seconds per second since the previous call."""
        before_s, before = self._cpu_s, self._cpu_at
        self._cpu_s, self._cpu_at = time.process_time(), time.monotonic()
        return round((self._cpu_s - before_s) / max(0.1, self._cpu_at - before), 2)
