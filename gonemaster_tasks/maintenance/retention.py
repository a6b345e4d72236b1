"""Retention: deletes runs by age or by tag, counts them, and records it in the audit log."""

import logging
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from gonemaster_db.batches.deletion import TagPurge, purge_domain, purge_finished_before
from gonemaster_db.batches.uploads import purge_uploads
from gonemaster_db.core.clock import utcnow
from gonemaster_db.core.errors import StoreError
from gonemaster_db.core.purging import Step, purge_in_steps
from gonemaster_db.core.session import Store
from gonemaster_db.domains.domain_removal import prune_domains, remove_domain
from gonemaster_db.domains.profiles import purge_effective_profiles
from gonemaster_db.queue.attempt_logs import purge_attempt_logs
from gonemaster_db.runs.outcomes import purge_outcomes
from gonemaster_db.service.audit import LongAction, purge_actions_before
from gonemaster_db.service.deliveries import purge_deliveries
from gonemaster_db.service.idempotency import purge_expired_responses
from gonemaster_db.service.metrics.counting import PURGED, Count, add_counts
from gonemaster_db.service.metrics.slots import remove_old_slots
from gonemaster_db.service.operations import purge_operations
from gonemaster_tasks.broker.client import Broker
from gonemaster_tasks.broker.processes.maintenance_times import PURGE
from gonemaster_tasks.config.live import LiveSettings
from gonemaster_tasks.errors import BrokerUnavailable

log = logging.getLogger(__name__)

BEAT = "beat"  # the actor of periodic purges in the audit log
_UPLOADS = 20  # in one transaction
_LOCK = "purge"
_LOCK_LIFE = timedelta(minutes=2)
_UNUSED_FOR = timedelta(days=1)
_OPERATIONS_KEPT_FOR = timedelta(days=30)
_DELIVERIES_KEPT_FOR = timedelta(days=30)
_ATTEMPT_LOGS_KEPT_FOR = timedelta(days=30)

Stopped = Callable[[], bool]


def purge_old_runs(store: Store, *, days: int, now: datetime, who: str, stopped: Stopped = lambda: False) -> int:
    """Delete runs that ended more than `days` days ago; return their number. Unfinished jobs are not affected."""
    cutoff = now - timedelta(days=days)
    action = LongAction("jobs.purge", who=who, details={"older_than_days": days})

    def step(session: Session, size: int) -> int:
        removed = purge_finished_before(session, cutoff, limit=size)
        count_purged(session, removed)
        if removed or who != BEAT:  # A periodic purge that deletes nothing needs no audit record.
            action.add(session, removed, now=utcnow())
        return removed

    return _purge(store, step, stopped)


def purge_runs_of_tag(store: Store, name: str, *, who: str) -> int:
    """Delete the runs of the domains of a tag; return their number."""
    action = LongAction("tag.purge", who=who, target=name)

    purge = TagPurge(name)

    def step(session: Session, size: int) -> int:
        removed = purge(session, size)
        count_purged(session, removed)
        action.add(session, removed, now=utcnow())
        return removed

    return _purge(store, step, lambda: False)


def delete_domain(store: Store, domain_id: int, *, name: str, who: str) -> int:
    """Delete a domain with its runs; return the number of runs.

    Raises:
        DomainNotFound: the domain does not exist.
        DomainInUse: the domain has an unfinished job; its older runs may have been deleted.
    """
    action = LongAction("domain.delete", who=who, target=name)

    def step(session: Session, size: int) -> int:
        removed = purge_domain(session, domain_id, limit=size)
        count_purged(session, removed)
        action.add(session, removed, now=utcnow())
        return removed

    purged = _purge(store, step, lambda: False)
    store.run_in_transaction(lambda session: remove_domain(session, domain_id))
    return purged


def prune_unused_domains(store: Store, *, tag: str | None, who: str) -> int:
    """Delete the domains (of one tag, if given) without runs and unfinished jobs; return their number."""
    action = LongAction("domains.prune", who=who, target=tag or "")

    def step(session: Session, size: int) -> int:
        removed = prune_domains(session, tag=tag, limit=size)
        action.add(session, removed, now=utcnow())
        return removed

    return _purge(store, step, lambda: False)


def purge_regularly(
    store: Store, broker: Broker, live: LiveSettings, *, now: datetime, stopped: Stopped = lambda: False
) -> int:
    """Delete runs, audit records, operations, responses and unused effective profiles after their retention.

    Only one process purges at a time; it stops if its setting changes. Return the number of deleted runs.
    """
    holder = secrets.token_hex(8)
    try:
        if not broker.locks.acquire(_LOCK, holder, _LOCK_LIFE):
            log.debug("another process is purging")
            return 0
        try:
            return _purge_expired(store, broker, live, now=now, stopped=stopped, holder=holder)
        finally:
            broker.locks.release(_LOCK, holder)
    except (BrokerUnavailable, StoreError) as error:
        log.warning("purge interrupted, the next one continues", extra={"error": str(error)})
        return 0


def _purge_expired(
    store: Store, broker: Broker, live: LiveSettings, *, now: datetime, stopped: Stopped, holder: str
) -> int:
    live.load(store)  # The settings of this process may be stale, and a deletion cannot be undone.
    days, audit_days = _windows(live)

    broker.maintenance_times.note(PURGE)

    def ended() -> bool:
        broker.maintenance_times.note(PURGE)  # The queue health reports a task that is no longer performed.
        return stopped() or _windows(live) != (days, audit_days) or not broker.locks.renew(_LOCK, holder, _LOCK_LIFE)

    purged = purge_old_runs(store, days=days, now=now, who=BEAT, stopped=ended) if days else 0
    if purged:
        log.info("old runs purged", extra={"runs": purged, "older_than_days": days})
    if audit_days:
        _purge_audit(store, days=audit_days, now=now, stopped=ended)
    store.run_in_transaction(lambda session: _purge_small_tables(session, now))
    _purge_outcomes(store, created_before=now - _UNUSED_FOR, stopped=ended)
    _purge_deliveries(store, finished_before=now - _DELIVERIES_KEPT_FOR, stopped=ended)
    return purged


def _windows(live: LiveSettings) -> tuple[int, int]:
    settings = live.current
    return settings.retention_days, settings.audit_retention_days


def _purge_audit(store: Store, *, days: int, now: datetime, stopped: Stopped) -> None:
    """Delete old audit records; one new record has their number."""
    cutoff = now - timedelta(days=days)
    action = LongAction("audit.purge", who=BEAT, details={"older_than_days": days})

    def step(session: Session, size: int) -> int:
        removed = purge_actions_before(session, cutoff, limit=size)
        if removed:
            action.add(session, removed, now=utcnow())
        return removed

    if removed := sum(purge_in_steps(store, step, stopped=stopped)):
        log.info("old audit records deleted", extra={"records": removed, "older_than_days": days})


def _purge_small_tables(session: Session, now: datetime) -> None:
    purge_operations(session, finished_before=now - _OPERATIONS_KEPT_FOR)
    purge_expired_responses(session, now=now)
    purge_attempt_logs(session, ended_before=now - _ATTEMPT_LOGS_KEPT_FOR)
    remove_old_slots(session, now_s=now.timestamp())
    purge_effective_profiles(session, older_than=now - _UNUSED_FOR)
    purge_uploads(session, now=now, limit=_UPLOADS)


def _purge_outcomes(store: Store, *, created_before: datetime, stopped: Stopped) -> None:
    """Delete outcomes that no run uses; new ones stay, because their runs may not be written yet."""

    def step(session: Session, size: int) -> int:
        return purge_outcomes(session, created_before=created_before, limit=size)

    if removed := sum(purge_in_steps(store, step, stopped=stopped)):
        log.info("unused outcomes deleted", extra={"outcomes": removed})


def _purge_deliveries(store: Store, *, finished_before: datetime, stopped: Stopped) -> None:
    """Delete the records of old deliveries."""

    def step(session: Session, size: int) -> int:
        return purge_deliveries(session, finished_before=finished_before, limit=size)

    if removed := sum(purge_in_steps(store, step, stopped=stopped)):
        log.info("old deliveries deleted", extra={"deliveries": removed})


def _purge(store: Store, step: Step, stopped: Stopped) -> int:
    return sum(purge_in_steps(store, step, stopped=stopped))


def count_purged(session: Session, removed: int) -> None:
    """Add deleted runs to the counter of the metrics, in the transaction that deletes them."""
    add_counts(session, {Count(PURGED): removed})
