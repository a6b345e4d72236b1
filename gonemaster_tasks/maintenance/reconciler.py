"""Synchronizes the broker with the database: messages of jobs and operations, pause flags, marks, schedules."""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from celery import Celery

from gonemaster_db.core.session import Store
from gonemaster_db.queue.queue import count_queued, first_queued_ids
from gonemaster_tasks.broker.client import Broker
from gonemaster_tasks.broker.processes.maintenance_times import PURGE
from gonemaster_tasks.config.watcher import republish_settings
from gonemaster_tasks.control.order_changes import QUEUE_ORDER, finish_changes, rebuild_outdated, rebuild_tier
from gonemaster_tasks.control.pause_flags import copy_controls, end_pauses
from gonemaster_tasks.maintenance.losses import record_lost_jobs
from gonemaster_tasks.maintenance.operations import notify_due_operations
from gonemaster_tasks.maintenance.statistics import notify_due_statistics
from gonemaster_tasks.maintenance.unacked import drop_stale_unacked
from gonemaster_tasks.maintenance.watches.follower import notify_due_watches
from gonemaster_tasks.queues import TIERS
from gonemaster_tasks.schedule import restore_entries

log = logging.getLogger(__name__)

_GRACE = timedelta(seconds=10)  # from the commit of a job to the arrival of its message
_HEAD = 100
_LOOKED_AT = 2000  # Messages per tier to check: a failover loses the newest jobs.


@dataclass(frozen=True)
class Reconciled:
    """The result: the number of restored messages per tier, and the restored schedule entries."""

    messages: dict[str, int]
    schedules: tuple[str, ...]


def reconcile(store: Store, broker: Broker, app: Celery, *, now: datetime) -> Reconciled:
    """Compare the counts and the head of each tier, which is cheap; rebuild a tier only if they differ.

    A missing or older epoch shows that Redis lost its content or returned with older files. A tier is rebuilt from its
    rows in their order, which repairs missing, stale and duplicate messages alike.
    """
    broker.rejected.quarantine_wrong_types()  # This is first: Redis refuses every other command on such a key.
    mark = broker.reconciliation.mark()  # Read before the comparison: a later request sets another mark.
    end_pauses(store, now=now)
    copy_controls(store, broker, now=now)  # Copied first: a paused tier must not run when its messages are restored.
    republish_settings(store, broker)
    controls = broker.marks.controls()
    if controls.outdated:  # Even during a submission, whose messages may be written twice: claims drop the second one.
        for tier in TIERS:
            record_lost_jobs(store, broker, broker.lists.newest_ids(tier, _LOOKED_AT))
        messages = rebuild_outdated(store, broker, controls.replication_id)
    drop_stale_unacked(store, broker, now=now)
    broker.maintenance_times.begin(PURGE)
    if not controls.outdated:
        finished = finish_changes(store, broker)
        messages = {tier: _reconcile_tier(store, broker, tier, now=now) for tier in TIERS} | finished
    schedules = restore_entries(app, broker)
    notify_due_operations(store, broker, now=now)
    notify_due_statistics(store, broker, now=now)
    notify_due_watches(store, broker)
    broker.reconciliation.remove_mark(mark)
    for tier, count in messages.items():
        if count:
            log.warning("messages restored", extra={"tier": tier, "messages": count})
    if schedules:
        log.info("schedules restored", extra={"schedules": schedules})
    return Reconciled(messages, tuple(schedules))


def restore_lost_messages(store: Store, broker: Broker, *, now: datetime, grace: timedelta) -> int:
    """Restore the missing messages of the next jobs; return their number.

    `grace` is the time from the commit of a job to the arrival of its message.
    """
    if broker.marks.submissions():
        return 0
    return sum(_restore_head(store, broker, tier, now=now, grace=grace) for tier in TIERS)


def _reconcile_tier(store: Store, broker: Broker, tier: str, *, now: datetime) -> int:
    if broker.marks.submissions():  # Their messages are being sent; the next round checks whether they arrived.
        return 0
    if _counts_differ(store, broker, tier):
        record_lost_jobs(store, broker, broker.lists.newest_ids(tier, _LOOKED_AT))  # Before the messages are removed.
        with broker.locks.exclusive(QUEUE_ORDER):
            return rebuild_tier(store, broker, tier)
    return _restore_head(store, broker, tier, now=now)


def _counts_differ(store: Store, broker: Broker, tier: str) -> bool:
    """Compare twice, because a job between claim and acknowledgement is counted on one side only.

    A cut that moves between the two counts says that a refill is writing messages, so nothing is missing.
    """
    for _ in range(2):
        end = broker.window.end(tier)
        before, held = broker.lists.depth(tier), broker.unacked.count()
        with store.read_only() as session:
            rows = count_queued(session, TIERS.index(tier), until=end)
        after = broker.lists.depth(tier)
        if broker.window.end(tier) != end or min(before, after) - held <= rows <= max(before, after) + held:
            return False
    return True


def _restore_head(store: Store, broker: Broker, tier: str, *, now: datetime, grace: timedelta = _GRACE) -> int:
    """Restore missing messages of the next jobs: equal counts may hide one lost and one stale message."""
    end = broker.window.end(tier)
    with store.read_only() as session:
        ids = first_queued_ids(session, TIERS.index(tier), limit=_HEAD, created_before=now - grace, until=end)
    missing = broker.without_message(ids, tier)
    if not missing:
        return 0
    with store.read_only() as session:  # A job claimed in between is not missing.
        queued = set(first_queued_ids(session, TIERS.index(tier), limit=_HEAD, created_before=now - grace, until=end))
    lost = [job_id for job_id in missing if job_id in queued]
    for job_id in reversed(lost):
        broker.lists.put_back(job_id, tier)
    return len(lost)
