"""Acceptance of operations: changes of too many rows for one request, performed by a maintenance task."""

import logging
from collections.abc import Mapping
from typing import Any

from gonemaster_db.models import Operation, OperationKind
from gonemaster_db.service.operations import create_operation
from gonemaster_tasks.control.parts import QueueParts
from gonemaster_tasks.errors import BrokerUnavailable

log = logging.getLogger(__name__)

MAX_ROWS_IN_REQUEST = 10_000  # more rows become an operation


def start_operation(
    parts: QueueParts,
    kind: OperationKind,
    *,
    target: str,
    total: int,
    who: str,
    parameters: Mapping[str, Any] | None = None,
    details: Mapping[str, Any] | None = None,
) -> Operation:
    """Store an operation and notify a worker; if the same operation is unfinished, return that one instead.

    If Redis is unavailable, a worker is notified once it answers: the row decides.
    """
    now = parts.clock.now()
    operation = parts.store.run_in_transaction(
        lambda session: create_operation(
            session, kind, target=target, total=total, who=who, now=now, parameters=parameters, details=details
        )
    )
    notify_operations(parts, operation)
    return operation


def notify_operations(parts: QueueParts, operation: Operation) -> None:
    """Notify a worker of a stored operation, now or once Redis answers."""
    try:
        parts.broker.lists.call_operate()
    except BrokerUnavailable:
        log.warning("operation stored, performed once Redis answers", extra={"operation_id": operation.id})
        parts.broker.reconciliation.post()
