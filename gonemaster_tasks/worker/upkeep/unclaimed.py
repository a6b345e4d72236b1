"""Requeues messages that a worker has taken but not claimed, at the front, for another worker.

Without this task kombu puts them back only after the visibility timeout of an hour. With it, the jobs start on another
worker within 5 s.

A worker requeues its own messages while the database does not respond. Messages taken by a worker that is frozen,
disconnected or dead are found by other workers as soon as its heartbeat is missing. Such messages are in `unacked`, or
in neither `unacked` nor the queue if the worker's BRPOP received them.

The reaper also checks `unacked`, because it detects other cases, and sooner. It checks in each beat for five
seconds after a process on this machine has died, which the PID shows before any heartbeat is missing. It also checks at
each reap, for messages that a running worker has lost with its connection. Messages that one of the two tasks has put
back are no longer found by the other, and a duplicate is harmless.
"""

import logging
from datetime import timedelta

from gonemaster_tasks.errors import BrokerUnavailable
from gonemaster_tasks.maintenance.reconciler import restore_lost_messages
from gonemaster_tasks.maintenance.unacked import drop_stale_unacked
from gonemaster_tasks.repeating import BEAT_S, RepeatedTask
from gonemaster_tasks.worker.execute.process import Process

log = logging.getLogger(__name__)

_CLAIM_GRACE = timedelta(seconds=2)  # from the delivery of a message to its claim, which takes milliseconds
_LOCK = "unclaimed"


class Unclaimed:
    """The task of a worker process that requeues unclaimed messages."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._task = RepeatedTask("unclaimed messages", self.look, pause_s=BEAT_S)

    def start(self) -> None:
        """Start the task."""
        self._task.start()

    def stop(self) -> None:
        """Stop the task."""
        self._task.stop()

    def look(self) -> None:
        """Check once, either the messages of this process or the messages of other workers."""
        if self._process.database.is_unavailable():
            self._requeue_all()
            return
        if self._process.pulse.read().silent and self._acquire_check():
            store, broker, now = self._process.store, self._process.broker, self._process.clock.now()
            drop_stale_unacked(store, broker, now=now, grace=_CLAIM_GRACE)
            restore_lost_messages(store, broker, now=now, grace=_CLAIM_GRACE)

    def _acquire_check(self) -> bool:
        """Return whether no other process is checking now. The lock is never released, so it also spaces the checks."""
        life = timedelta(seconds=BEAT_S * 0.9)
        return self._process.broker.locks.acquire(_LOCK, self._process.name, life)

    def _requeue_all(self) -> None:
        """Requeue messages that wait for their claim.

        Their slots may be blocked by connections that no longer respond.
        """
        for job in self._process.jobs.unclaimed():
            if job.is_given_back:
                continue
            try:
                self._process.broker.lists.put_back(job.job_id, job.tier)
            except BrokerUnavailable:
                return  # nothing can be done without Redis and the database
            job.is_given_back = True
            log.warning("message requeued, the database does not answer", extra={"job_id": job.job_id})
