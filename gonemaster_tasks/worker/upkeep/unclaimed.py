"""Messages that a worker has taken and does not claim: they are put back at the front, for another worker.

Kept because kombu would put them back only after the visibility timeout, an hour; so they start elsewhere within 5 s.

A worker gives back its own while the database does not answer it. What one that is frozen, cut off or dead has taken
is found by the others as soon as its heartbeat is missing: in `unacked`, or in neither place if its BRPOP got it.

The reaper looks into `unacked`, too, since it knows other things, and sooner: each half second for five seconds after a
process of this machine has died, which its PID tells before any heartbeat is missing, and at each reap, for what
a living worker has lost with its connection. What one has put back the other does not find; twice does no harm.
"""

import logging
from datetime import timedelta

from gonemaster_tasks.errors import BrokerUnavailable
from gonemaster_tasks.maintenance.reconciler import restore_lost_messages
from gonemaster_tasks.maintenance.unacked import drop_stale_unacked
from gonemaster_tasks.repeating import RepeatedTask
from gonemaster_tasks.worker.execute.process import Process

log = logging.getLogger(__name__)

_LOOK_EVERY_S = 0.5
_SILENT_FOR = timedelta(seconds=3)  # three registrations
_TAKEN_FOR = timedelta(seconds=2)  # from the delivery of a message to its claim, which takes milliseconds
_LOCK = "unclaimed"


class Unclaimed:
    """One task of a worker process."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._task = RepeatedTask("unclaimed messages", self.look, pause_s=_LOOK_EVERY_S)

    def start(self) -> None:
        """Begin to look."""
        self._task.start()

    def stop(self) -> None:
        """End."""
        self._task.stop()

    def look(self) -> None:
        """Look once, at the messages of this process or at those of others."""
        if self._process.database.is_away():
            self._give_back()
            return
        store, broker, now = self._process.store, self._process.broker, self._process.clock.now()
        if broker.workers.silent(_SILENT_FOR, now=now) and self._has_turn():
            drop_stale_unacked(store, broker, now=now, grace=_TAKEN_FOR)
            restore_lost_messages(store, broker, now=now, grace=_TAKEN_FOR)

    def _has_turn(self) -> bool:
        """Whether no other process looks in this moment; the lock is not given back, so it also spaces the turns."""
        life = timedelta(seconds=_LOOK_EVERY_S * 0.9)
        return self._process.broker.locks.acquire(_LOCK, self._process.name, life)

    def _give_back(self) -> None:
        """Put back what waits for its claim: its slot may be held by a connection that nobody answers any more."""
        for job in self._process.jobs.unclaimed():
            if job.is_given_back:
                continue
            try:
                self._process.broker.lists.put_back(job.job_id, job.tier)
            except BrokerUnavailable:
                return  # with neither of both nothing can be done
            job.is_given_back = True
            log.warning("message given back, the database does not answer", extra={"job_id": job.job_id})
