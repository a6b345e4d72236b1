"""Pause flags: stored in the database, with a copy in Redis that the workers read."""

from datetime import UTC, datetime

from sqlalchemy.orm import Session

from gonemaster_db.core.session import Store
from gonemaster_db.queue.pauses import end_due_pauses, list_pauses
from gonemaster_db.service.audit import record_action
from gonemaster_tasks.broker.client import Broker
from gonemaster_tasks.broker.marks import Controls

RECONCILER = "reconciler"  # The actor in the audit log when a pause ends.
_BEGINNING = datetime(1, 1, 2, tzinfo=UTC)


def read_controls(store: Store, *, now: datetime) -> Controls:
    """Return the flags as stored in the database."""
    with store.read_only() as session:
        pauses = list_pauses(session, now=now)
    return Controls({pause.tier: pause.until.timestamp() if pause.until else 0.0 for pause in pauses})


def copy_controls(store: Store, broker: Broker, *, now: datetime) -> None:
    """Update the copy in Redis from the database; workers follow within half a second."""
    broker.marks.set_controls(read_controls(store, now=now))


def end_pauses(store: Store, *, now: datetime) -> list[str]:
    """Delete expired pauses, which workers no longer obey; return their tiers."""

    def end(session: Session) -> list[str]:
        tiers = end_due_pauses(session, now=now)
        details = {"reason": "the pause ended"}
        for tier in tiers:
            record_action(session, "queue.resume", who=RECONCILER, now=now, target=tier, details=details)
        return tiers

    with store.read_only() as session:
        if len(list_pauses(session, now=now)) == len(list_pauses(session, now=_BEGINNING)):
            return []
    return store.run_in_transaction(end)
