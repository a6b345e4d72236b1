"""What the repeated tasks of a worker process read from Redis in each beat, in one round trip for all of them."""

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from gonemaster_tasks.broker import keys
from gonemaster_tasks.broker.client import Broker
from gonemaster_tasks.broker.clock import SharedClock
from gonemaster_tasks.broker.marks import Controls
from gonemaster_tasks.broker.processes.workers import LIFE
from gonemaster_tasks.broker.queue.window import WINDOWED
from gonemaster_tasks.errors import BrokerUnavailable
from gonemaster_tasks.queues import ORDER
from gonemaster_tasks.worker.execute import process_identity

_FRESH_S = 0.3  # Less than a beat; the tasks of a beat follow each other within milliseconds.
_MAX_SILENCE = timedelta(seconds=3)  # three registrations
REAP_LOCK = "reap"
_WINDOWED = tuple(sorted(WINDOWED))


@dataclass(frozen=True)
class Pulse:
    """The state of the queue and of the other worker processes."""

    controls: Controls
    processes: Mapping[str, str]  # identities of the worker processes of this machine, by name
    silent: Sequence[str]  # workers that have not expired and whose last heartbeat is older than three seconds
    was_reaped: bool  # within the last `reap_interval_seconds`, by any worker
    depths: Mapping[str, int]  # waiting messages of each queue
    cut: frozenset[str]  # tiers whose last jobs have no message yet


class PulseReader:
    """Reads the pulse once for all tasks of a beat. Thread-safe."""

    def __init__(self, broker: Broker, clock: SharedClock) -> None:
        self._broker = broker
        self._clock = clock
        self._machine = process_identity.machine_id()
        self._reading = threading.Lock()
        self._latest: Pulse | BrokerUnavailable | None = None
        self._read_at = 0.0  # on the monotonic clock

    def read(self) -> Pulse:
        """Return the pulse of this beat. Raises BrokerUnavailable, without waiting for Redis again in this beat."""
        asked_at = time.monotonic()
        with self._reading:
            if self._latest is None or self._read_at < asked_at - _FRESH_S:
                try:
                    self._latest = self._read()
                except BrokerUnavailable as error:
                    self._latest = error
                self._read_at = time.monotonic()
            latest = self._latest
        if isinstance(latest, BrokerUnavailable):
            raise BrokerUnavailable(str(latest)) from latest
        return latest

    def forget(self) -> None:
        """Read Redis again in the next call."""
        self._latest = None

    def _read(self) -> Pulse:
        controls, (processes, silent, reaped, *counts) = self._broker.marks.read_with(self._add)
        depths = dict(zip(ORDER, counts, strict=False))
        cut = frozenset(tier for tier, exists in zip(_WINDOWED, counts[len(ORDER) :], strict=True) if exists)
        return Pulse(controls, processes, silent, bool(reaped), depths, cut)

    def _add(self, pipe: Any) -> None:
        pipe.hgetall(keys.processes(self._machine))
        pipe.zrangebyscore(keys.WORKER_TIMES, "-inf", (self._clock.now() + LIFE - _MAX_SILENCE).timestamp() * 1000)
        pipe.exists(keys.lock(REAP_LOCK))
        for queue in ORDER:
            pipe.llen(queue)
        for tier in _WINDOWED:
            pipe.exists(keys.cut(tier))
