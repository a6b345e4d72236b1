"""Bulk hold, release and removal of waiting jobs, selected by ids or by a filter."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Literal

from sqlalchemy.orm import Session

from gonemaster_db.models import JobStatus, Priority
from gonemaster_db.queue.queue import End, ends_of_tier
from gonemaster_db.queue.waiting_jobs import WaitingFilter, switch_waiting_jobs
from gonemaster_db.service.audit import record_action
from gonemaster_tasks.control.matching import rebuild_tiers
from gonemaster_tasks.control.order_changes import remove_messages
from gonemaster_tasks.control.parts import QueueParts
from gonemaster_tasks.errors import BrokerUnavailable
from gonemaster_tasks.queues import TIERS, tier_of

log = logging.getLogger(__name__)

Change = Literal["hold", "release", "remove"]
STATUS: Mapping[Change, JobStatus | None] = {"hold": JobStatus.QUEUED, "release": JobStatus.PAUSED, "remove": None}
"""The state of the jobs that a change applies to; None means both states of waiting jobs."""
_MAX_AUDIT_IDS = 100  # Maximum number of job ids in an audit entry.


def selection(
    change: Change | None, *, tier: str = "", domain: str = "", created_until: datetime | None = None
) -> WaitingFilter:
    """Return the filter of the jobs that a change applies to; without a change, of all waiting jobs."""
    priority = Priority(TIERS.index(tier)) if tier else None
    return WaitingFilter(priority, domain, STATUS[change] if change else None, created_until)


def hold_jobs(parts: QueueParts, job_ids: Sequence[str], *, who: str = "") -> list[str]:
    """Hold queued jobs until they are released; return the ids of the jobs that were queued."""
    return _switch(parts, job_ids, held=True, who=who)


def release_jobs(parts: QueueParts, job_ids: Sequence[str], *, who: str = "") -> list[str]:
    """Release held jobs to their previous positions; return the ids of the jobs that were held."""
    return _switch(parts, job_ids, held=False, who=who)


def _switch(parts: QueueParts, job_ids: Sequence[str], *, held: bool, who: str) -> list[str]:
    def switch(session: Session) -> list[tuple[str, int]]:
        changed = switch_waiting_jobs(session, job_ids, held=held)
        details = {"job_ids": [job_id for job_id, _ in changed[:_MAX_AUDIT_IDS]]}
        action = "queue.hold" if held else "queue.release"
        record_action(session, action, who=who, now=parts.clock.now(), count=len(changed), details=details)
        return changed

    changed = parts.store.run_in_transaction(switch)
    by_tier: dict[str, list[str]] = {}
    for job_id, priority in changed:
        by_tier.setdefault(tier_of(priority), []).append(job_id)
    follow_messages(parts, by_tier, held=held)
    return [job_id for job_id, _ in changed]


def follow_messages(parts: QueueParts, by_tier: Mapping[str, Sequence[str]], *, held: bool) -> None:
    """Update the messages after the rows: remove those of held jobs, write those of released jobs in their order."""
    try:
        for tier, ids in by_tier.items():
            if held:
                remove_messages(parts.store, parts.broker, ids, tier)
            else:
                rebuild_tiers(parts, [tier])
    except BrokerUnavailable:
        log.warning("messages follow once Redis answers")
        parts.broker.reconciliation.post()


def parameters_of(*, tier: str, domain: str) -> dict[str, Any]:
    """Return the parameters of an operation that changes the jobs of a filter."""
    return {"tier": tier, "domain": domain}


def parameters_of_move(session: Session, *, tier: str, domain: str, to: End) -> dict[str, Any]:
    """Return the parameters of an operation that moves the jobs of a filter.

    The operation compares positions with the current ends of the tiers to distinguish moved jobs from the others.
    """
    ends = {name: ends_of_tier(session, TIERS.index(name)) for name in ([tier] if tier else TIERS)}
    return parameters_of(tier=tier, domain=domain) | {
        "to": to,
        "ends": {name: list(both) for name, both in ends.items()},
    }


def unmoved(parameters: Mapping[str, Any], tier: str, *, created_until: datetime) -> WaitingFilter:
    """Return the filter of the jobs of a tier that the operation has not moved yet."""
    first, last = parameters["ends"][tier]
    selected = selection(None, tier=tier, domain=parameters["domain"], created_until=created_until)
    to_front = parameters["to"] == "front"
    return replace(selected, first_position=first) if to_front else replace(selected, last_position=last)
