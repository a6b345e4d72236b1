"""Titles of operations."""

from gonemaster_api.ui.shell.texts.languages import gettext, mark
from gonemaster_db.models import Operation, OperationKind

_TITLES = {
    OperationKind.CANCEL_BATCH: mark("Cancel the batch %(target)s"),
    OperationKind.PURGE_RUNS: mark("Delete old runs"),
    OperationKind.PURGE_TAG: mark("Delete the runs of the tag %(target)s"),
    OperationKind.DELETE_PROFILE: mark("Delete the profile %(target)s"),
    OperationKind.DELETE_DOMAIN: mark("Delete the domain %(target)s"),
    OperationKind.PRUNE_DOMAINS: mark("Delete domains without runs"),
    OperationKind.CANCEL_JOBS: mark("Cancel matching jobs"),
    OperationKind.REMOVE_WAITING: mark("Remove waiting jobs"),
    OperationKind.HOLD_WAITING: mark("Hold waiting jobs"),
    OperationKind.RELEASE_WAITING: mark("Release held jobs"),
    OperationKind.MOVE_WAITING: mark("Move waiting jobs"),
    OperationKind.UNTAG_DOMAINS: mark("Remove domains from the tag %(target)s"),
    OperationKind.FILL_BATCH: mark("Fill the batch %(target)s"),
}


def title_of(operation: Operation) -> str:
    """Return the title of an operation, with the ID or name of its target."""
    return gettext(_TITLES[operation.kind], target=operation.target)
