"""The kinds of issues of the service, and the advice for each."""

from dataclasses import dataclass
from datetime import datetime

ADVICE = {
    # Redis does not answer, so no job starts; issues that only Redis knows are not checked.
    "broker_unavailable": "Check Redis: its process, log, memory, disk and network. Jobs are kept and start once "
    "Redis answers.",
    "database_unavailable": "Check the database: its process, log, disk and network. The workers keep the results"
    " and continue once the database answers.",
    # The worker is alive and has reported no progress for stuck_job_timeout_minutes.
    "job_stalled": "Cancel the job. If more jobs stall, restart the worker; another worker repeats its jobs.",
    # Jobs wait, workers are alive, and none has started or ended for stuck_job_timeout_minutes.
    "tier_stalled": "Check the logs of the workers and restart them; running jobs are repeated.",
    # The worker is no longer running and the reaper has not requeued the job.
    "lease_ended": "Any running worker requeues the job: start a worker, or check the logs of the running workers.",
    "row_without_message": "The reconciler repairs this within a minute; if not, check the logs of the workers.",
    "message_without_row": "The reconciler repairs this within a minute; if not, check the logs of the workers.",
    # Redis lost its content, returned with older files or was full, and jobs wait.
    "tiers_outdated": "A worker rebuilds the tiers within seconds, before it starts a job; if not, check the logs of "
    "the workers.",
    # Jobs wait in a tier that no live worker consumes.
    "no_worker": "Start a worker for this tier: gonemaster-server worker.",
    # Checks before delegation arrive, and no live worker reserves slots for them.
    "checks_unreserved": "Set reserved_check_slots to the number of checks that run at the same time, and raise "
    "worker_count by as many.",
    # Periodic tasks and operations wait, and no live worker consumes their queue.
    "maintenance_idle": "Start a worker that consumes the maintenance queue; by default every worker does "
    "(worker_queues).",
    "beat_absent": "Start beat: gonemaster-server beat. After a crash its lock expires within 12 seconds.",
    "schedule_missing": "A worker restores the entry within a minute; if not, check the logs of the workers.",
    # A queue contained an invalid message, which was moved aside.
    "item_rejected": "Find the other program that writes to this Redis database, and give the service a separate "
    "database.",
    # The operation waits, or its worker is no longer running, and no worker continues it.
    "operation_stalled": "Start a worker that consumes the maintenance queue, or check the logs of the running "
    "workers.",
    # The operation failed within the last day.
    "operation_failed": "Read the error message and start the operation again.",
    # The occurrence is due, and no worker has decided whether it runs.
    "schedule_overdue": "Make sure that beat is running, and a worker that consumes the maintenance queue.",
    # The last batch of the schedule could not be submitted.
    "schedule_failed": "Read the error message, and change the schedule or its tag or profile.",
    # The worker takes no messages until the database answers.
    "worker_without_database": "The worker takes no jobs; other workers do. Check its log, the network to the "
    "database, the login and the connection limit.",
    # Redis answers the other threads of the worker.
    "worker_disconnected": "The worker connects again each second, and ends itself if jobs wait for 30 s. Check its"
    " log, the network to Redis, the login and maxclients of Redis.",
    # Redis answers the worker's requests for messages with an error.
    "worker_refused": "The worker tries again every few seconds. Check the permissions of its login (BRPOP), and that"
    " Redis is no replica and can write.",
    # Its tier is not paused and its slots are free.
    "worker_idle": "The worker ends itself after 10 s, and its supervisor starts it again. Check its log.",
    # Root servers, or reachability_targets, do not answer.
    "worker_without_network": "The worker requeued its jobs and takes jobs again once name servers answer. Check the "
    "network and the firewall of its host; if the host has no IPv6, set ipv6_mode to off.",
    # An API process or beat.
    "process_without_database": "Check the log of the process, the network to the database, the login and the "
    "connection limit.",
    # The process reported this in the database.
    "process_without_broker": "Check the log of the process, the network to Redis and the login.",
    # The process died without a final report, is frozen, or is cut off.
    "process_vanished": "Check whether the process and its host are running, and read its log and the kernel log "
    "(out of memory). Start the process again if no supervisor does. Other workers repeat its"
    " jobs.",
    # No process has reaped leases for some intervals, although workers are running.
    "reap_overdue": "Check the logs of the workers and the locks in the database; if that does not help, restart "
    "the workers.",
    # No process has started the due deletion of old runs.
    "purge_overdue": "Make sure that beat is running, and a worker with a free slot for the maintenance queue.",
    # The clock of a host differs from that of the Redis host by more than 5 s.
    "clock_skew": "The service uses the clock of the Redis host, so no data are lost. Synchronize both clocks by "
    "NTP (chrony, systemd-timesyncd).",
    # The disk of the database, or the one that Redis writes to.
    "disk_full": "Free space on this disk or enlarge it. The workers keep the results until they can store them.",
    # Redis refuses writes at maxmemory.
    "redis_memory": "Raise maxmemory of Redis, or remove other data from it. Submissions get 503 meanwhile; waiting "
    "jobs are kept and run in their order.",
    # A transaction of another client, usually of a person.
    "lock_held": "End the transaction that holds the lock, for example with pg_terminate_backend(PID), or wait "
    "until it ends. Blocked work is retried.",
    # Ids issued within the last day.
    "commits_lost": "The database lost confirmed commits, for example in a failover to a lagging standby. Ask the"
    " users to submit their jobs again, and look for missing runs. A synchronous standby prevents"
    " this.",
    # The projector could not write the facts of a cohort, or a snapshot is too large for the database.
    "facts_not_written": "Fix the reason in the message; gonemaster-server doctor checks analytics.location. The runs "
    "are kept, and the facts are written once it works.",
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
