"""Texts of the queue page: issues, background operations and notes after an action."""

from gonemaster_api.ui.shell.texts.languages import gettext, mark
from gonemaster_api.ui.shell.texts.notes import Note
from gonemaster_db.models import OperationKind
from gonemaster_tasks.monitoring.issues import Issue

REMOVAL = mark("The jobs are recorded as canceled runs. Running jobs continue.")

UNDONE = {
    "paused": Note(mark("Queue paused. Running jobs continue."), undo=""),
    "resumed": Note(mark("Queue resumed.")),
    "canceled": Note(mark("The test is being canceled.")),
    "begun": Note(
        mark("One job is being changed. Progress is shown below."),
        mark("%(num)s jobs are being changed. Progress is shown below."),
        level="notice",
    ),
    "moved": Note(mark("1 job moved."), mark("%(num)s jobs moved."), undo="ui_queue.order"),
    "hold_done": Note(
        mark("1 job put on hold."), mark("%(num)s jobs put on hold."), undo="ui_queue.change", fields={"do": "release"}
    ),
    "release_done": Note(
        mark("1 job released."), mark("%(num)s jobs released."), undo="ui_queue.change", fields={"do": "hold"}
    ),
    "removed": Note(mark("1 job removed."), mark("%(num)s jobs removed.")),
}

_ISSUES = {
    "broker_unavailable": mark("Redis is unavailable"),
    "database_unavailable": mark("The database is unavailable"),
    "job_stalled": mark("A test is making no progress"),
    "tier_stalled": mark("Jobs are waiting, but no job starts"),
    "lease_ended": mark("A worker stopped and its job was not requeued"),
    "row_without_message": mark("Jobs have no message in the broker"),
    "message_without_row": mark("The broker has messages without jobs"),
    "tiers_outdated": mark("Redis has old messages or none; the tiers are being rebuilt"),
    "no_worker": mark("No worker consumes the jobs of a tier"),
    "checks_unreserved": mark("No slots are reserved for checks before delegation"),
    "maintenance_idle": mark("No worker runs the periodic tasks"),
    "beat_absent": mark("Beat is not running"),
    "schedule_missing": mark("A periodic task is not scheduled"),
    "item_rejected": mark("A queue contained an invalid message; it was removed"),
    "operation_stalled": mark("A background operation has stalled"),
    "operation_failed": mark("A background operation failed"),
    "schedule_overdue": mark("A schedule is overdue"),
    "schedule_failed": mark("A scheduled batch could not be submitted"),
    "worker_without_database": mark("A worker cannot reach the database"),
    "worker_disconnected": mark("A worker is not connected to its queues"),
    "worker_refused": mark("Redis refuses a worker's requests for jobs"),
    "worker_idle": mark("A worker takes no jobs although jobs are waiting"),
    "worker_without_network": mark("A worker cannot reach name servers"),
    "process_without_database": mark("A process cannot reach the database"),
    "process_without_broker": mark("A process cannot reach Redis"),
    "process_vanished": mark("A process is no longer running"),
    "reap_overdue": mark("Jobs of lost workers are not being requeued: no reaper is running"),
    "purge_overdue": mark("Retention is overdue: old runs have not been deleted"),
    "disk_full": mark("A disk is full"),
    "redis_memory": mark("The memory of Redis is full"),
    "lock_held": mark("Another process holds a database lock"),
    "commits_lost": mark("The database lost accepted jobs"),
    "clock_skew": mark("The clock of a host is wrong"),
    "facts_not_written": mark("Facts of a cohort are not written"),
    "may_evict": mark("Redis may evict messages"),
}

_WORK = {
    OperationKind.CANCEL_BATCH: mark("Canceling a batch"),
    OperationKind.PURGE_RUNS: mark("Purging old runs"),
    OperationKind.PURGE_TAG: mark("Purging the runs of a tag"),
    OperationKind.DELETE_PROFILE: mark("Deleting a profile"),
    OperationKind.REMOVE_WAITING: mark("Removing waiting jobs"),
    OperationKind.HOLD_WAITING: mark("Holding waiting jobs"),
    OperationKind.RELEASE_WAITING: mark("Releasing held jobs"),
    OperationKind.MOVE_WAITING: mark("Moving waiting jobs"),
    OperationKind.DELETE_DOMAIN: mark("Deleting a domain"),
    OperationKind.PRUNE_DOMAINS: mark("Deleting domains without runs"),
    OperationKind.CANCEL_JOBS: mark("Canceling matching jobs"),
    OperationKind.UNTAG_DOMAINS: mark("Removing domains from a tag"),
    OperationKind.FILL_BATCH: mark("Filling a batch"),
}


def issue_title(issue: Issue) -> str:
    """Return the title of an issue, in the language of the request; the text from the API has details."""
    return gettext(_ISSUES[issue.kind]) if issue.kind in _ISSUES else issue.kind


def issue_advice(issue: Issue) -> str:
    """Return the advice for an issue, in the language of the request."""
    return gettext(issue.advice)


def work_title(kind: OperationKind) -> str:
    """Return the title of a background operation."""
    return gettext(_WORK[kind])
