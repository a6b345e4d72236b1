"""Runs that leave by their age or their tag: counted, noted in the audit, and done regularly."""

import logging
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from gonemaster_db.clock import utcnow
from gonemaster_db.errors import StoreError
from gonemaster_db.purging import Step, purge_in_steps
from gonemaster_db.repositories.audit import LongAction
from gonemaster_db.repositories.deletion import purge_finished_before, purge_tag
from gonemaster_db.repositories.idempotency import purge_expired_responses
from gonemaster_db.repositories.profiles import purge_effective_profiles
from gonemaster_db.session import Store
from gonemaster_tasks.broker.client import Broker
from gonemaster_tasks.config.live import LiveSettings
from gonemaster_tasks.errors import BrokerUnavailable

log = logging.getLogger(__name__)

PURGED = "jobs_purged"  # the counter of runs removed by age or tag
BEAT = "beat"  # who purges regularly, in the words of the audit
_LOCK = "purge"
_LOCK_LIFE = timedelta(minutes=2)
_UNUSED_FOR = timedelta(days=1)

Stopped = Callable[[], bool]


def purge_old_runs(
    store: Store, broker: Broker, *, days: int, now: datetime, who: str, stopped: Stopped = lambda: False
) -> int:
    """Remove runs that ended more than so many days ago; returns how many. Unfinished jobs are no runs, and stay."""
    cutoff = now - timedelta(days=days)
    action = LongAction("jobs.purge", who=who, details={"older_than_days": days})

    def step(session: Session, size: int) -> int:
        removed = purge_finished_before(session, cutoff, limit=size)
        if removed or who != BEAT:  # what is done every hour and removes nothing is not worth a line
            action.add(session, removed, now=utcnow())
        return removed

    return _purge(store, broker, step, stopped)


def purge_runs_of_tag(store: Store, broker: Broker, name: str, *, who: str) -> int:
    """Remove the runs of a tag's domains; returns how many."""
    action = LongAction("tag.purge", who=who, target=name)

    def step(session: Session, size: int) -> int:
        removed = purge_tag(session, name, limit=size)
        action.add(session, removed, now=utcnow())
        return removed

    return _purge(store, broker, step, lambda: False)


def purge_regularly(
    store: Store, broker: Broker, live: LiveSettings, *, now: datetime, stopped: Stopped = lambda: False
) -> int:
    """Do what is due: old runs, answers to requests of the day before, profiles that no run has any more.

    One process at a time; a purge ends when the setting is changed under way. Returns the number of runs.
    """
    holder = secrets.token_hex(8)
    try:
        if not broker.locks.acquire(_LOCK, holder, _LOCK_LIFE):
            log.debug("another process is purging")
            return 0
        try:
            return _do_what_is_due(store, broker, live, now=now, stopped=stopped, holder=holder)
        finally:
            broker.locks.release(_LOCK, holder)
    except (BrokerUnavailable, StoreError) as error:
        log.warning("purge broken off, the next one goes on", extra={"error": str(error)})
        return 0


def _do_what_is_due(
    store: Store, broker: Broker, live: LiveSettings, *, now: datetime, stopped: Stopped, holder: str
) -> int:
    live.load(store)  # what was read when this process started may be old, and what is removed does not come back
    days = live.current.retention_days

    def ended() -> bool:
        return stopped() or live.current.retention_days != days or not broker.locks.renew(_LOCK, holder, _LOCK_LIFE)

    purged = purge_old_runs(store, broker, days=days, now=now, who=BEAT, stopped=ended) if days else 0
    if purged:
        log.info("old runs removed", extra={"runs": purged, "older_than_days": days})
    store.run_in_transaction(lambda session: _tidy(session, now))
    return purged


def _tidy(session: Session, now: datetime) -> None:
    purge_expired_responses(session, now=now)
    purge_effective_profiles(session, older_than=now - _UNUSED_FOR)


def _purge(store: Store, broker: Broker, step: Step, stopped: Stopped) -> int:
    purged = 0
    for removed in purge_in_steps(store, step, stopped=stopped):
        purged += removed
        try:
            broker.counters.add(PURGED, removed)
        except BrokerUnavailable:
            log.warning("removed runs not counted", extra={"runs": removed})
    return purged
