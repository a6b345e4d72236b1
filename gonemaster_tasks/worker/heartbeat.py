"""The heartbeat of a worker process: it registers the process, and brings the gate what operators have set."""

import os
import socket
import time
from collections.abc import Callable
from datetime import timedelta

from gonemaster_tasks.broker.workers import WorkerState
from gonemaster_tasks.errors import BrokerUnavailable
from gonemaster_tasks.repeating import RepeatingThread
from gonemaster_tasks.worker.concurrency_share import ConcurrencyShare
from gonemaster_tasks.worker.process import Process

_INTERVAL_S = 0.4  # a pause must reach all workers within a second
_REGISTER_EVERY_S = 2.0
_LIFETIME = timedelta(seconds=10)  # several registrations: one that is late does not make the worker a dead one
_CLOCK_EVERY_S = 60.0


class Heartbeat:
    """One thread that reads flags into the gate, so that the gate never waits for Redis."""

    def __init__(self, process: Process, *, queues: tuple[str, ...], reconcile: Callable[[], None]) -> None:
        self._process = process
        self._queues = queues
        self._reconcile = reconcile
        self._share = ConcurrencyShare(process.broker.workers, name=process.name, queues=queues)
        self._started_at = time.time()
        self._due: dict[str, float] = {}
        self._registered_slots = 0
        self._reached = True
        self._thread = RepeatingThread("heartbeat", self.beat, pause_s=_INTERVAL_S)

    def start(self) -> None:
        """Beat once, then begin to beat regularly."""
        self._thread.attempt()
        self._thread.start()

    def stop(self) -> None:
        """End, and unregister the process."""
        self._thread.stop()
        try:
            self._process.broker.workers.unregister(self._process.name)
        except BrokerUnavailable:
            return  # the registration expires

    def beat(self) -> None:
        """Read the flags and, when due, register the process and compare clocks.

        Redis that lost its content, was away, or carries the mark of a process that could not write its messages, is
        reconciled at once.
        """
        # False until this beat has succeeded, so that the first one that does knows that Redis was unavailable.
        reached, self._reached = self._reached, False
        wanted = self._beat()
        self._reached = True
        if wanted or not reached:
            self._reconcile()

    def _beat(self) -> bool:
        """Return whether a reconciliation is wanted."""
        broker = self._process.broker
        if self._is_due("clock", _CLOCK_EVERY_S):
            self._process.clock.synchronize(broker)
        controls = broker.marks.controls()
        settings = self._process.settings
        gate = self._process.gate
        gate.set_slots(settings.worker_count, settings.reserved_normal_slots, settings.min_batch_slots)
        gate.update(controls, self._share.of(settings.max_concurrent_jobs))
        if gate.slots != self._registered_slots or self._is_due("register", _REGISTER_EVERY_S):
            broker.workers.register(self._state(), _LIFETIME)
            self._registered_slots = gate.slots
        return controls.wanted or not controls.epoch

    def _is_due(self, what: str, every_s: float) -> bool:
        now = time.monotonic()
        if now < self._due.get(what, 0.0):
            return False
        self._due[what] = now + every_s
        return True

    def _state(self) -> WorkerState:
        now = self._process.clock.now().timestamp()  # of the shared clock: other hosts compare it with theirs
        return WorkerState(
            name=self._process.name,
            host=socket.gethostname(),
            pid=os.getpid(),
            queues=self._queues,
            slots=self._process.gate.slots,
            running={job_id: now - idle for job_id, idle in self._process.jobs.idle_seconds().items()},
            started_at=self._started_at,
            draining=self._process.stopping.is_set(),
        )
