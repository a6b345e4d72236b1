"""Pausing and resuming tiers."""

import logging
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from gonemaster_db.queue.pauses import pause_tiers, resume_tiers
from gonemaster_db.service.audit import record_action
from gonemaster_tasks.control.parts import QueueParts
from gonemaster_tasks.control.pause_flags import copy_controls
from gonemaster_tasks.errors import BrokerUnavailable
from gonemaster_tasks.queues import TIERS

log = logging.getLogger(__name__)


def pause_queue(
    parts: QueueParts,
    tiers: Sequence[str] = TIERS,
    *,
    paused_by: str = "",
    reason: str = "",
    until: datetime | None = None,
) -> None:
    """Stop starting jobs of these tiers on all workers within a second; running jobs finish.

    The pause survives all restarts and ends at `until`. It also holds without Redis: workers take nothing from a
    server that does not answer, and each claim reads the pause in the database.
    """
    now = parts.clock.now()

    def pause(session: Session) -> None:
        pause_tiers(session, tiers, paused_by=paused_by, reason=reason, now=now, until=until)
        details = {"reason": reason, "until": until.isoformat() if until else None}
        target = ",".join(tiers)
        record_action(session, "queue.pause", who=paused_by, now=now, target=target, count=len(tiers), details=details)

    parts.store.run_in_transaction(pause)
    _publish(parts, now)


def resume_queue(parts: QueueParts, tiers: Sequence[str] = TIERS, *, who: str = "") -> list[str]:
    """Resume tiers; return the tiers that were paused."""
    now = parts.clock.now()

    def resume(session: Session) -> list[str]:
        resumed = resume_tiers(session, tiers)
        record_action(session, "queue.resume", who=who, now=now, target=",".join(tiers), count=len(resumed))
        return resumed

    resumed = parts.store.run_in_transaction(resume)
    _publish(parts, now)
    return resumed


def _publish(parts: QueueParts, now: datetime) -> None:
    try:
        copy_controls(parts.store, parts.broker, now=now)
    except BrokerUnavailable:  # Not an error: the claim reads the pause in the database, so no job starts.
        log.warning("pauses stored, effective once Redis answers")
        parts.broker.reconciliation.post()
