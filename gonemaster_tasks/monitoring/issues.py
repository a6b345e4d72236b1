"""The kinds of issues of the service, and the advice for each."""

from dataclasses import dataclass
from datetime import datetime

ADVICE = {
    # Redis does not answer, so no job starts; issues that only Redis knows are not checked.
    "broker_unavailable": "Look at Redis: its process, its log, its memory and disk, and the network to it. Jobs are"
    " kept, and start once it answers.",
    "database_unavailable": "Look at the database: its process, its log, its disk, and the network to it. Results are"
    " kept by the workers, and work goes on once it answers.",
    # The worker is alive and has reported no progress for stuck_job_timeout_minutes.
    "job_stalled": "Cancel the job. If others stall, too, restart the worker, whose jobs another one repeats.",
    # Jobs wait, workers are alive, and none has started or ended for stuck_job_timeout_minutes.
    "tier_stalled": "Look at the logs of the workers, and restart them: jobs that run are repeated.",
    # The worker is no longer running and the reaper has not requeued the job.
    "lease_ended": "Any live worker requeues it: start one, or look at the logs of those that live.",
    "row_without_message": "The reconciler repairs it within a minute; if not, look at the logs of the workers.",
    "message_without_row": "The reconciler repairs it within a minute; if not, look at the logs of the workers.",
    # Jobs wait in a tier that no live worker consumes.
    "no_worker": "Start a worker that takes from this tier: gonemaster-server worker.",
    # Periodic tasks and operations wait, and no live worker consumes their queue.
    "maintenance_idle": "Start a worker that takes the queue maintenance: by default each one does (worker_queues).",
    "beat_absent": "Start one: gonemaster-server beat. After a crash its lock is free within 30 seconds.",
    "schedule_missing": "A worker restores the entry within a minute; if not, look at the logs of the workers.",
    # A queue contained an invalid message, which was moved aside.
    "item_rejected": "Find out what else writes to this database of Redis, and give the service one of its own.",
    # The operation waits, or its worker is no longer running, and no worker continues it.
    "operation_stalled": "Start a worker that takes the queue maintenance, or look at the logs of those that live.",
    # The operation failed within the last day.
    "operation_failed": "Read its error, and begin the operation again.",
    # The occurrence is due, and no worker has decided whether it runs.
    "schedule_overdue": "See that beat runs, and a worker that takes the queue maintenance.",
    # The last batch of the schedule could not be submitted.
    "schedule_failed": "Read its error, and change the schedule or what it names.",
    # The worker takes no messages until the database answers.
    "worker_without_database": "It takes no jobs, and others do its work: look at its log, at the network between both,"
    " at the login and at the limit of connections.",
    # An API process or beat.
    "process_without_database": "Look at its log, at the network between both, at the login and at the limit of"
    " connections.",
    # The process reported this in the database.
    "process_without_broker": "Look at its log, at the network between it and Redis, and at the login.",
    # The process died without a final report, is frozen, or is cut off.
    "process_vanished": "See whether the process and its host live, and look at its log and at the kernel's (out of"
    " memory); start it again if no supervisor does. Its jobs are repeated by others.",
    # No process has reaped leases for some intervals, although workers are running.
    "reap_overdue": "Look at the logs of the workers and at locks in the database; restart the workers if that does"
    " not help.",
    # No process has started the due deletion of old runs.
    "purge_overdue": "See that beat runs, and a worker with a free slot for the queue maintenance.",
    # The clock of a host differs from the one of the Redis host by more than 5 s.
    "clock_skew": "All work goes by the clock of Redis' host, so nothing is lost: set both by NTP (chrony,"
    " systemd-timesyncd).",
    # The disk of the database, or the one that Redis writes to.
    "disk_full": "Free space on this disk, or give it more. Results are kept meanwhile, and stored once there"
    " is space.",
    # A transaction of another client, usually of a person.
    "lock_held": "End what holds it, for example by pg_terminate_backend(PID), or wait for its end. Work that needs it"
    " is tried again.",
    # Ids issued within the last day.
    "commits_lost": "The database lost what it had confirmed, as after a failover to a standby that lagged: let those"
    " who submitted submit again, and look for runs that are missing. A synchronous standby loses nothing.",
    # Redis would evict messages when its memory is full.
    "may_evict": "Set maxmemory-policy noeviction in Redis.",
}
KINDS = tuple(ADVICE)


@dataclass(frozen=True)
class Issue:
    """One fault. `subject` is the id of a job or operation, a tag, a tier or a component; `count` the affected jobs."""

    kind: str
    subject: str
    text: str
    since: datetime | None = None
    count: int = 1

    @property
    def advice(self) -> str:
        """How to fix the issue."""
        return ADVICE[self.kind]
