"""What beat sends: RedBeat keeps it in Redis, and this puts it back when Redis lost it."""

from typing import TypeVar

from celery import Celery
from redbeat import RedBeatSchedulerEntry
from redbeat.schedulers import REDBEAT_REDIS_KEY, ensure_conf

from gonemaster_tasks.app import PURGE_ENTRY
from gonemaster_tasks.broker.client import Broker, reachable
from gonemaster_tasks.config.settings import Settings

T = TypeVar("T")
PURGE_INTERVAL = "database.purge_interval_seconds"


def missing_entries(app: Celery, broker: Broker) -> list[str]:
    """Return the names of configured entries that Redis does not have; beat is silent about them."""
    ensure_conf(app)
    names = list(app.conf.beat_schedule)
    with reachable():
        keys = [RedBeatSchedulerEntry.generate_key(app, name) for name in names]
        scores = [broker.client.zscore(app.redbeat_conf.schedule_key, key) for key in keys]
    return [name for name, score in zip(names, scores, strict=True) if score is None]


def restore_entries(app: Celery, broker: Broker) -> list[str]:
    """Save the configured entries that are missing; return their names."""
    missing = missing_entries(app, broker)
    for name in missing:
        save_entry(app, broker, name)
    return missing


def save_entry(app: Celery, broker: Broker, name: str) -> None:
    """Save a configured entry in place of the one that beat knows; it is due by its last run and the new interval."""
    entry = RedBeatSchedulerEntry(name, app=app, **app.conf.beat_schedule[name])
    with reachable():
        last_run_at = _saved_entry(app, broker, name, default=entry).last_run_at
        if last_run_at is not None:
            entry.last_run_at = last_run_at
        entry.save()


def follow_purge_interval(app: Celery, broker: Broker, settings: Settings) -> bool:
    """Take the interval of purges from the settings; what was saved over the API replaces what beat knows.

    Without a saved one beat's own settings count, and are left alone. Returns whether beat's entry was replaced.
    """
    wanted = settings.purge_interval_seconds
    app.conf.beat_schedule[PURGE_ENTRY]["schedule"] = wanted
    if settings.source(PURGE_INTERVAL) != "database":
        return False
    with reachable():
        known = _saved_entry(app, broker, PURGE_ENTRY, default=None)
    if known is None or known.schedule.run_every.total_seconds() == wanted:
        return False
    save_entry(app, broker, PURGE_ENTRY)
    return True


def _saved_entry(app: Celery, broker: Broker, name: str, *, default: T) -> RedBeatSchedulerEntry | T:
    ensure_conf(app)
    setattr(app, REDBEAT_REDIS_KEY, broker.client)  # beat's own client would try for ever when Redis is away
    try:
        return RedBeatSchedulerEntry.from_key(RedBeatSchedulerEntry.generate_key(app, name), app=app)
    except KeyError:
        return default
