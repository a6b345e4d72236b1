"""Detects a worker whose consumer takes no messages, although its other threads work."""

import logging
import os
import signal
import threading
import time
from collections.abc import Mapping
from typing import Any

from gonemaster_tasks.errors import BrokerUnavailable
from gonemaster_tasks.repeating import BEAT_S, RepeatedTask
from gonemaster_tasks.worker.execute.process import Process
from gonemaster_tasks.worker.execute.running import Stop
from gonemaster_tasks.worker.upkeep.watchdog import EXIT_STATUS

log = logging.getLogger(__name__)

# Checks, which are two beats apart: a consumer polls once a second, so at least once between two checks. A process that
# was suspended or has no CPU time makes none.
_EVERY_S = 2 * BEAT_S
_REFUSED = _DISCONNECTED = 2
_IDLE = 3
_ENDED, _ENDED_DISCONNECTED = 6, 17
_GRACE_S = 10.0


class ConsumptionWatch:
    """The task that checks the consumer of a worker process in every second beat, while Redis answers the process.

    The consumer is disconnected if it does not ask which queues to poll. It connects again automatically, so the
    process ends only if that takes longer than a failover of Redis. It is refused if Redis answers BRPOP with an error,
    for example because the login lost the permission; it continues to ask, since a new process would be refused, too.
    It is idle if it receives nothing while messages are waiting in a queue that the gate leaves open: the tier is
    not paused, and a slot is free. Redis gives a waiting message to a consumer immediately, so a wait of a few seconds
    is a fault. An idle process stops after its running jobs have finished.
    """

    def __init__(self, process: Process, *, queues: tuple[str, ...]) -> None:
        self._process = process
        self._queues = queues
        self._polls = self._received = -1
        self.has_ended = False
        self._silent = self._stuck = self._refused = 0  # consecutive checks
        self._task = RepeatedTask("consumption", self.look, pause_s=_EVERY_S)

    def start(self) -> None:
        """Start checking; the consumer starts now."""
        self._task.start()

    def stop(self) -> None:
        """Stop checking."""
        self._task.stop()

    def facts(self, now: float) -> Mapping[str, float | str | None]:
        """Return the fields of a report at a time (POSIX seconds)."""
        silent, stuck, refused = self._silent, self._stuck, self._refused
        return {
            "refused_since": now - refused * _EVERY_S if refused >= _REFUSED else None,
            "refusal": self._process.gate.refusal,
            "disconnected_since": now - silent * _EVERY_S if silent >= _DISCONNECTED else None,
            "idle_since": now - stuck * _EVERY_S if stuck >= _IDLE else None,
        }

    def is_consuming(self) -> bool:
        """Whether there is nothing to report."""
        return self._silent < _DISCONNECTED and self._stuck < _IDLE and self._refused < _REFUSED

    def look(self) -> None:
        """Check once. Raises BrokerUnavailable if Redis does not answer."""
        try:
            depths = self._process.pulse.read().depths
        except BrokerUnavailable:
            self._silent = self._stuck = self._refused = 0
            raise
        gate, stopping = self._process.gate, self._process.stopping.is_set()
        is_silent, has_received = gate.polls == self._polls, gate.received != self._received
        self._polls, self._received = gate.polls, gate.received
        is_waiting = any(depths[queue] for queue in gate.open_queues(self._queues))
        self._silent = self._silent + 1 if is_silent and not stopping else 0
        is_refused = bool(gate.refusal) and not stopping
        self._refused = self._refused + 1 if is_refused else 0
        is_stuck = is_waiting and not (has_received or is_silent or is_refused or stopping)
        self._stuck = self._stuck + 1 if is_stuck else 0
        is_lost = is_waiting and self._silent >= _ENDED_DISCONNECTED
        if not self.has_ended and (is_lost or self._stuck >= _ENDED):
            self._end({queue: depths[queue] for queue in self._queues})

    def _end(self, waiting: Mapping[str, int]) -> None:
        """End the process as after SIGTERM; exit immediately if its main thread does not react."""
        process, self.has_ended = self._process, True
        seconds = round(max(self._stuck, self._silent) * _EVERY_S)
        about: dict[str, Any] = {"seconds": seconds, "waiting": dict(waiting)}
        log.critical("no messages received although jobs are waiting, process exits", extra=about)
        timer = threading.Timer(process.settings.drain_timeout.total_seconds() + _GRACE_S, self._exit)
        timer.daemon = True
        timer.start()
        os.kill(os.getpid(), signal.SIGTERM)

    def _exit(self) -> None:
        self._process.given_up.set()
        self._process.jobs.stop_all(Stop.DRAINED)
        time.sleep(_EVERY_S)  # The jobs are requeued.
        os._exit(EXIT_STATUS)
