"""What the page of the queue says of issues, of work in the background, and of what was just done."""

from gonemaster_api.ui.shell.texts.languages import gettext, mark
from gonemaster_api.ui.shell.texts.notes import Note
from gonemaster_db.models import OperationKind
from gonemaster_tasks.monitoring.issues import Issue

REMOVAL = mark("They become runs with the state canceled. Jobs that run go on.")

UNDONE = {
    "paused": Note(mark("Paused. Jobs that run go on."), undo=""),
    "resumed": Note(mark("Jobs start again.")),
    "canceled": Note(mark("The test is being canceled.")),
    "begun": Note(
        mark("One job is being changed; the progress is shown below."),
        mark("%(num)s jobs are being changed; the progress is shown below."),
        level="notice",
    ),
    "moved": Note(mark("One job was moved."), mark("%(num)s jobs were moved."), undo="ui_queue.order"),
    "hold_done": Note(
        mark("One job is held."), mark("%(num)s jobs are held."), undo="ui_queue.change", fields={"do": "release"}
    ),
    "release_done": Note(
        mark("One job waits again."), mark("%(num)s jobs wait again."), undo="ui_queue.change", fields={"do": "hold"}
    ),
    "removed": Note(mark("One job was removed."), mark("%(num)s jobs were removed.")),
}

_ISSUES = {
    "broker_unavailable": mark("Redis does not answer"),
    "database_unavailable": mark("The database does not answer"),
    "job_stalled": mark("A test reports no progress"),
    "tier_stalled": mark("Jobs wait, but none starts"),
    "lease_ended": mark("A worker is gone, and its job was not given back"),
    "row_without_message": mark("Jobs are missing in the broker"),
    "message_without_row": mark("The broker has messages without a job"),
    "no_worker": mark("No worker takes the jobs of a tier"),
    "maintenance_idle": mark("No worker takes the periodic tasks"),
    "beat_absent": mark("Beat is not running"),
    "schedule_missing": mark("A periodic task is not scheduled"),
    "item_rejected": mark("Something in a queue was no message"),
    "operation_stalled": mark("Work in the background does not go on"),
    "operation_failed": mark("Work in the background failed"),
    "schedule_overdue": mark("A schedule is overdue"),
    "schedule_failed": mark("The batch of a schedule was not submitted"),
    "worker_without_database": mark("The database does not answer a worker"),
    "process_without_database": mark("The database does not answer a process"),
    "process_without_broker": mark("Redis does not answer a process"),
    "process_vanished": mark("A process has vanished"),
    "reap_overdue": mark("Nobody gives jobs of lost workers back"),
    "purge_overdue": mark("The deletion of old runs is overdue"),
    "disk_full": mark("A disk is full"),
    "lock_held": mark("The database is locked by somebody"),
    "commits_lost": mark("The database has lost accepted jobs"),
    "clock_skew": mark("The clock of a host is wrong"),
    "may_evict": mark("Redis may drop messages"),
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
    OperationKind.CANCEL_JOBS: mark("Canceling jobs of a list"),
    OperationKind.UNTAG_DOMAINS: mark("Removing domains from a tag"),
}


def issue_title(issue: Issue) -> str:
    """Return what is wrong, in the language of the request; the sentence of the API says more."""
    return gettext(_ISSUES[issue.kind]) if issue.kind in _ISSUES else issue.kind


def issue_advice(issue: Issue) -> str:
    """Return what to do about it, in the language of the request."""
    return gettext(issue.advice)


def work_title(kind: OperationKind) -> str:
    """Return what is being done in the background."""
    return gettext(_WORK[kind])
