"""The heartbeat of a worker process: it registers the process, and brings the gate what operators have set."""

import logging
import os
import socket
import threading
import time
from collections.abc import Collection, Mapping
from datetime import timedelta
from itertools import zip_longest

from gonemaster_tasks.broker.workers import WorkerState
from gonemaster_tasks.errors import BrokerUnavailable
from gonemaster_tasks.queues import BATCH, NORMAL
from gonemaster_tasks.worker.process import Process

log = logging.getLogger(__name__)

_INTERVAL_S = 0.4
_REGISTER_EVERY_S = 2.0
_LIFETIME = timedelta(seconds=10)
_CLOCK_EVERY_S = 60.0


class Heartbeat:
    """One thread that reads flags into the gate, so that the gate never waits for Redis."""

    def __init__(self, process: Process, *, queues: tuple[str, ...], emptied: threading.Event) -> None:
        self._process = process
        self._queues = queues
        self._emptied = emptied  # set when Redis has lost what it had
        self._started_at = time.time()
        self._ended = threading.Event()
        self._due: dict[str, float] = {}
        self._registered_slots = 0
        self._thread = threading.Thread(target=self._work, name="heartbeat", daemon=True)

    def start(self) -> None:
        """Beat once, then begin to beat regularly."""
        self._try_beat()
        self._thread.start()

    def stop(self) -> None:
        """End, and unregister the process."""
        self._ended.set()
        self._thread.join(timeout=10)
        try:
            self._process.broker.workers.unregister(self._process.name)
        except BrokerUnavailable:
            return

    def _work(self) -> None:
        while not self._ended.wait(_INTERVAL_S):
            self._try_beat()

    def _try_beat(self) -> None:
        try:
            self.beat()
        except BrokerUnavailable as error:
            log.debug("flags not read", extra={"error": str(error)})
        except Exception:  # the thread must live on, or pauses are not seen any more
            log.exception("flags not read")

    def beat(self) -> None:
        """Read the flags and, when due, register the process and compare clocks."""
        broker = self._process.broker
        if self._is_due("clock", _CLOCK_EVERY_S):
            self._process.clock.synchronize(broker)
        controls = broker.marks.controls()
        if not controls.epoch:
            self._emptied.set()
        settings = self._process.settings
        gate = self._process.gate
        gate.set_slots(settings.worker_count, settings.reserved_normal_slots, settings.min_batch_slots)
        gate.update(controls, self._share(settings.max_concurrent_jobs))
        if gate.slots != self._registered_slots or self._is_due("register", _REGISTER_EVERY_S):
            broker.workers.register(self._state(), _LIFETIME)
            self._registered_slots = gate.slots

    def _is_due(self, what: str, every_s: float) -> bool:
        now = time.monotonic()
        if now < self._due.get(what, 0.0):
            return False
        self._due[what] = now + every_s
        return True

    def _share(self, limit: int) -> int | None:
        """Return how many of max_concurrent_jobs this process may run, None without limit."""
        if limit == 0:
            return None
        living = {worker.name: worker.queues for worker in self._process.broker.workers.living()}
        return part_of(limit, {**living, self._process.name: self._queues}, self._process.name)

    def _state(self) -> WorkerState:
        now = self._process.clock.now().timestamp()
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


def part_of(limit: int, queues: Mapping[str, Collection[str]], name: str) -> int:
    """Return which part of a limit of jobs falls to a worker; `queues` are those that each living worker takes from.

    All count in the same order: who takes from both tiers comes first, then those of one tier by turns. So a small
    limit leaves no tier without a slot as long as it can. Workers of maintenance alone have no part.
    """
    tiers = {worker: {NORMAL, BATCH} & set(taken) for worker, taken in queues.items()}
    both, normal, batch = (
        sorted(worker for worker, own in tiers.items() if own == kind) for kind in ({NORMAL, BATCH}, {NORMAL}, {BATCH})
    )
    order = both + [worker for pair in zip_longest(normal, batch) for worker in pair if worker]
    if name not in order:
        return 0
    whole, rest = divmod(limit, len(order))
    return whole + (1 if order.index(name) < rest else 0)
