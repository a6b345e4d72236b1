"""The reaper of a worker process: it ends claims of workers that are no longer running, and requeues their jobs.

Each worker process has a reaper that does not depend on beat, because a machine that fails may have run both workers
and beat.
"""

import logging
import time
from datetime import timedelta
from itertools import count

from gonemaster_db.queue.jobs import is_any_overdue
from gonemaster_tasks.broker.processes.maintenance_times import REAP
from gonemaster_tasks.errors import BrokerUnavailable
from gonemaster_tasks.maintenance.reaper import expire, reap, void_claims
from gonemaster_tasks.maintenance.unacked import drop_stale_unacked
from gonemaster_tasks.repeating import BEAT_S, RepeatedTask
from gonemaster_tasks.worker.execute import process_identity
from gonemaster_tasks.worker.execute.process import Process
from gonemaster_tasks.worker.execute.pulse import REAP_LOCK, Pulse

log = logging.getLogger(__name__)

_VOIDING = timedelta(seconds=5)  # time for a process on this machine; if it dies as well, the next one takes over
_SWEEP_S = 5.0  # time after a death to look for messages that were taken and never claimed
# The time from the delivery of a message to the claim of its job, which takes milliseconds. A duplicate message is
# harmless.
_CLAIMED_WITHIN = timedelta(seconds=3)
_CLAIMED_BEFORE_DEATH = timedelta(seconds=1)
# No lease could be renewed while the database was unavailable. Running workers retry every second (LeaseKeeper).
_GRACE_S = 3.0


def reap_once(process: Process) -> None:
    """Reap expired leases, unless another process is doing so or has just done so.

    Raises:
        BrokerUnavailable, StoreUnavailable: the remaining leases are reaped next time.
    """
    locks, name = process.broker.locks, process.name
    interval = timedelta(seconds=process.settings.reap_interval_seconds)
    if not locks.acquire(REAP_LOCK, name, interval):  # never released, so it also spaces the reaps of all processes
        return
    now, maximum = process.clock.now(), process.settings.max_attempts

    chunks = count()

    def may_continue() -> bool:
        if next(chunks):  # the previous chunk is done; health reports if no process gets this far
            process.broker.maintenance_times.note(REAP)
        return locks.renew(REAP_LOCK, name, interval)

    with process.store.read_only() as session:
        overdue = is_any_overdue(session, now=now)
    if overdue:
        # A worker that cannot store a result cannot renew its lease either; another test would be useless.
        with_results = [job_id for worker in process.broker.workers.live() for job_id in worker.results]
        reap(
            process.store,
            process.broker,
            now=now,
            max_attempts=maximum,
            without=with_results,
            may_continue=may_continue,
        )
        expire(process.store, now=now)
    drop_stale_unacked(process.store, process.broker, now=process.clock.now(), grace=_CLAIMED_WITHIN)
    process.broker.maintenance_times.note(REAP)


class Reaper:
    """The task that requeues jobs with expired leases, and detects when another worker process on this machine dies."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._machine = process_identity.machine_id()
        self._identity = process_identity.identity()
        self._reached = True
        self._reap_after = self._sweep_until = 0.0
        self._task = RepeatedTask(
            "reaper", self.look, pause_s=BEAT_S
        )  # A job of a process that died on this machine restarts within 3 s.

    def start(self) -> None:
        """Void the claims of a predecessor with this name, before this process makes claims, and start the task."""
        try:
            self._void(self._process.name)
        except Exception:  # its leases expire
            log.warning("claims of a predecessor not voided, their leases will expire", exc_info=True)
        self._task.start(at_once=True)

    def stop(self) -> None:
        """Stop the task, and remove this process from the list of processes on this machine."""
        self._task.stop()
        try:
            self._process.broker.processes.forget(self._machine, self._process.name)
        except BrokerUnavailable:
            return  # the other processes detect its end and find no claims to void

    def look(self) -> None:
        """Check once for dead processes on this machine and for expired leases."""
        reached, self._reached = self._reached, False
        pulse = self._process.pulse.read()
        for name in self._dead(pulse):
            self._void_once(name)
        if time.monotonic() < self._sweep_until:
            drop_stale_unacked(
                self._process.store, self._process.broker, now=self._process.clock.now(), grace=_CLAIMED_BEFORE_DEATH
            )
        if not reached:
            self._process.store.ping()
            self._reap_after = time.monotonic() + _GRACE_S
        if not pulse.was_reaped and time.monotonic() >= self._reap_after:
            reap_once(self._process)
        self._reached = True

    def _dead(self, pulse: Pulse) -> list[str]:
        """Return the names of worker processes on this machine that ended without unregistering."""
        if not (self._machine and self._identity):
            return []
        own_name = self._process.name
        if pulse.processes.get(own_name) != self._identity:
            self._process.broker.processes.note(self._machine, own_name, self._identity)
        return [
            name
            for name, identity in pulse.processes.items()
            if name != own_name and not process_identity.is_running(identity)
        ]

    def _void_once(self, name: str) -> None:
        """Void the claims of a dead process; one process on this machine does this."""
        broker = self._process.broker
        self._sweep_until = time.monotonic() + _SWEEP_S
        if not broker.locks.acquire(f"void:{name}", self._process.name, _VOIDING):
            return
        self._void(name)
        # Forget the process last: if this process dies earlier, another one takes over. A new process with the same
        # name may already exist; it registers itself again.
        broker.processes.forget(self._machine, name)

    def _void(self, name: str) -> None:
        process = self._process
        voided = void_claims(process.store, worker=name, now=process.clock.now())
        if voided:
            log.warning("worker process died, its jobs were requeued", extra={"worker": name, "jobs": voided})
            maximum = process.settings.max_attempts
            reap(process.store, process.broker, now=process.clock.now(), max_attempts=maximum, worker=name)
        self._sweep_until = time.monotonic() + _SWEEP_S
