"""The reaper of a worker process: claims of workers that are gone end, and their jobs wait again.

Each process has one, and none depends on beat: of a machine that is gone both may have run there.
"""

import logging
import time
from datetime import timedelta
from itertools import count

from gonemaster_tasks.broker.duties import REAP
from gonemaster_tasks.errors import BrokerUnavailable
from gonemaster_tasks.maintenance.reaper import expire, reap, void_claims
from gonemaster_tasks.maintenance.unacked import drop_stale_unacked
from gonemaster_tasks.repeating import RepeatedTask
from gonemaster_tasks.worker.execute.process import Process
from gonemaster_tasks.worker.upkeep import process_identity

log = logging.getLogger(__name__)

_LOCK = "reap"
_LOOK_EVERY_S = 0.5  # a job of a process that died beside this one starts again within 3 s
_VOIDING = timedelta(seconds=5)  # for one of the processes beside it; the next one follows if that dies, too
_SWEEP_S = 5.0  # after a death: messages that were taken and never claimed
# From the delivery of a message to the claim of its job, which takes milliseconds; a message too many does no harm.
_CLAIMED_WITHIN = timedelta(seconds=3)
_CLAIMED_BEFORE_DEATH = timedelta(seconds=1)
# While the database was unavailable no lease could be renewed: workers that live try again each second (LeaseKeeper).
_PATIENCE_S = 3.0


def reap_once(process: Process) -> None:
    """Reap what has expired, unless another process does or has just done it.

    Raises:
        BrokerUnavailable, StoreUnavailable: the rest is found the next time.
    """
    locks, name = process.broker.locks, process.name
    interval = timedelta(seconds=process.settings.reap_interval_seconds)
    if not locks.acquire(_LOCK, name, interval):  # not released: it also spaces the reaps of all processes
        return
    now, most = process.clock.now(), process.settings.max_attempts

    chunks = count()

    def goes_on() -> bool:
        if next(chunks):  # the one before is done; health sees where nobody gets that far
            process.broker.duties.note(REAP)
        return locks.renew(_LOCK, name, interval)

    reap(process.store, process.broker, now=now, max_attempts=most, goes_on=goes_on)
    drop_stale_unacked(process.store, process.broker, now=process.clock.now(), grace=_CLAIMED_WITHIN)
    expire(process.store, now=now)
    process.broker.duties.note(REAP)


class Reaper:
    """The task that reaps, and notices when another worker process of this machine dies."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._machine = process_identity.machine_id()
        self._identity = process_identity.identity()
        self._reached = True
        self._patient_until = self._sweep_until = self._reap_at = 0.0
        self._task = RepeatedTask("reaper", self.look, pause_s=_LOOK_EVERY_S)

    def start(self) -> None:
        """Void what a predecessor of this name has left, before this process claims anything; begin to look."""
        try:
            self._void(self._process.name)
        except Exception:  # its leases end
            log.warning("claims of a predecessor not voided, their leases end", exc_info=True)
        self._task.start(at_once=True)

    def stop(self) -> None:
        """End, and leave the list of this machine's processes."""
        self._task.stop()
        try:
            self._process.broker.processes.forget(self._machine, self._process.name)
        except BrokerUnavailable:
            return  # the others find that it is gone, and nothing to void

    def look(self) -> None:
        """Look once, for dead processes beside this one and for leases that have expired."""
        reached, self._reached = self._reached, False
        for name in self._dead():
            self._void_once(name)
        if time.monotonic() < self._sweep_until:
            drop_stale_unacked(
                self._process.store, self._process.broker, now=self._process.clock.now(), grace=_CLAIMED_BEFORE_DEATH
            )
        if not reached:
            self._process.store.ping()
            self._patient_until = time.monotonic() + _PATIENCE_S
        now = time.monotonic()
        if now >= max(self._patient_until, self._reap_at):
            self._reap_at = now + self._process.settings.reap_interval_seconds / 3  # the lock spaces them more exactly
            reap_once(self._process)
        self._reached = True

    def _dead(self) -> list[str]:
        """Return the names of worker processes of this machine that have ended without a word."""
        if not (self._machine and self._identity):
            return []
        processes, own = self._process.broker.processes, self._process.name
        noted = processes.noted(self._machine)
        if noted.get(own) != self._identity:
            processes.note(self._machine, own, self._identity)
        return [name for name, known in noted.items() if name != own and not process_identity.is_running(known)]

    def _void_once(self, name: str) -> None:
        """Let one of the processes beside it void the claims of a dead one."""
        broker = self._process.broker
        self._sweep_until = time.monotonic() + _SWEEP_S
        if not broker.locks.acquire(f"void:{name}", self._process.name, _VOIDING):
            return
        self._void(name)
        # Last: whoever dies before is followed by another one. A process of the same name, which is there by now, has
        # noted itself, and does so again.
        broker.processes.forget(self._machine, name)

    def _void(self, name: str) -> None:
        process = self._process
        voided = void_claims(process.store, worker=name, now=process.clock.now())
        if voided:
            log.warning("worker process died, its jobs are queued again", extra={"worker": name, "jobs": voided})
            most = process.settings.max_attempts
            reap(process.store, process.broker, now=process.clock.now(), max_attempts=most, worker=name)
        self._sweep_until = time.monotonic() + _SWEEP_S
